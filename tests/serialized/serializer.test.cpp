// SPDX-License-Identifier: MIT
// What the library's own serializers write, and which bytes they refuse to read.
#include <cachetory/detail/number_text.hpp>

#include "../support/catch.hpp"

#include <cachetory/serialized_backend.hpp>

#include <bit>
#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <locale>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace std::string_view_literals;
using cachetory::serializer;
using cachetory::serializer_of;

namespace {

template <class Value>
std::string written(const Value& value) {
    return serializer<Value>::serialize(value);
}

template <class Value>
std::optional<Value> read(std::string_view bytes) {
    return serializer<Value>::deserialize(bytes);
}

template <class Floating>
using bits_of = std::conditional_t<sizeof(Floating) == 4, std::uint32_t, std::uint64_t>;

/// Whether all bits of `value` come back.
template <class Floating>
bool survives(Floating value) {
    using bits = bits_of<Floating>;
    const std::optional<Floating> back = read<Floating>(written(value));
    return back && std::bit_cast<bits>(*back) == std::bit_cast<bits>(value);
}

/// A random value; all magnitudes are equally likely.
template <class Floating>
Floating random_floating(std::mt19937_64& random) {
    for (;;) {
        const auto value = std::bit_cast<Floating>(static_cast<bits_of<Floating>>(random()));
        if (std::isfinite(value)) {
            return value;
        }
    }
}

enum class colour {};

} // namespace

// Integers.

TEMPLATE_TEST_CASE("every integer type reads back what it wrote",
                   "",
                   signed char,
                   unsigned char,
                   short,
                   unsigned short,
                   int,
                   unsigned,
                   long,
                   unsigned long,
                   long long,
                   unsigned long long) {
    using limits = std::numeric_limits<TestType>;
    std::vector<TestType> values = {limits::min(), limits::max(), TestType(0), TestType(1)};
    values.push_back(static_cast<TestType>(limits::min() + 1));
    values.push_back(static_cast<TestType>(-1));
    std::mt19937_64 random(1);
    for (int i = 0; i != 1000; ++i) {
        values.push_back(static_cast<TestType>(random() >> (i % 64)));
    }
    for (const TestType value : values) {
        REQUIRE(written(value) == std::to_string(value));
        REQUIRE(read<TestType>(written(value)) == value);
    }
}

TEMPLATE_TEST_CASE("an integer is read only as it is written", "", signed char, unsigned, long) {
    const auto bytes =
        GENERATE(""sv, " 1"sv, "1 "sv, "1\n"sv, "\t1"sv, "1\0"sv, "+1"sv, "01"sv, "-01"sv, "-0"sv,
                 "00"sv, "--1"sv, "-"sv, "- 1"sv, "1.0"sv, "1e0"sv, "0x1"sv, "1,000"sv, "1'000"sv,
                 "true"sv, "nan"sv, "\xD9\xA1"sv, "99999999999999999999999999999999999999999"sv);
    CAPTURE(bytes);
    CHECK(read<TestType>(bytes) == std::nullopt);
}

TEST_CASE("an integer out of range is not read") {
    CHECK(read<signed char>("127") == 127);
    CHECK(read<signed char>("128") == std::nullopt);
    CHECK(read<signed char>("-128") == -128);
    CHECK(read<signed char>("-129") == std::nullopt);
    CHECK(read<unsigned char>("256") == std::nullopt);
    CHECK(read<unsigned>("-1") == std::nullopt);
    CHECK(read<std::int64_t>("9223372036854775808") == std::nullopt);
    CHECK(read<std::int64_t>("-9223372036854775809") == std::nullopt);
    CHECK(read<std::uint64_t>("18446744073709551616") == std::nullopt);
}

// Words and strings.

TEST_CASE("a bool is true or false") {
    CHECK(written(true) == "true");
    CHECK(written(false) == "false");
    CHECK(read<bool>("true") == true);
    CHECK(read<bool>("false") == false);
    for (const auto bytes : {""sv, "1"sv, "0"sv, "True"sv, "true "sv, " false"sv, "true\0"sv}) {
        CAPTURE(bytes);
        CHECK(read<bool>(bytes) == std::nullopt);
    }
}

TEST_CASE("a string is its own bytes") {
    for (const auto bytes : {""sv, "Ada"sv, "a\0b"sv, "\xFF\xFE"sv, " 1 "sv}) {
        CHECK(written(std::string(bytes)) == bytes);
        CHECK(read<std::string>(bytes) == bytes);
    }
}

// Floating-point numbers.

TEMPLATE_TEST_CASE("every floating-point number reads back exactly", "", float, double) {
    using limits = std::numeric_limits<TestType>;
    for (const TestType value :
         {TestType(0), -TestType(0), TestType(1), TestType(0.1), TestType(1) / 3, limits::max(),
          limits::lowest(), limits::min(), limits::denorm_min(), -limits::denorm_min(),
          std::nextafter(limits::min(), TestType(0)), limits::epsilon(), limits::infinity(),
          -limits::infinity()}) {
        CAPTURE(value);
        CHECK(survives(value));
    }
    std::mt19937_64 random(2);
    for (int i = 0; i != 20'000; ++i) {
        const auto value = random_floating<TestType>(random);
        if (!survives(value)) {
            CAPTURE(value);
            CHECK(survives(value));
        }
    }
}

TEMPLATE_TEST_CASE("a NaN reads back as a NaN, and has one text", "", float, double) {
    using limits = std::numeric_limits<TestType>;
    for (const TestType value : {limits::quiet_NaN(), -limits::quiet_NaN()}) {
        CHECK(written(value) == "nan");
    }
    const auto back = read<TestType>("nan");
    REQUIRE(back);
    CHECK(std::isnan(*back));
}

TEST_CASE("a floating-point number is written in its shortest form") {
    CHECK(written(0.1) == "0.1");
    CHECK(written(0.1F) == "0.1");
    CHECK(written(1.0) == "1");
    CHECK(written(-0.0) == "-0");
    CHECK(written(1e22) == "1e+22");
    CHECK(written(5e-324) == "5e-324");
    CHECK(written(1.7976931348623157e308) == "1.7976931348623157e+308");
    CHECK(written(std::numeric_limits<double>::infinity()) == "inf");
    CHECK(written(-std::numeric_limits<double>::infinity()) == "-inf");
}

TEMPLATE_TEST_CASE("a floating-point type reads every JSON number", "", float, double) {
    CHECK(read<TestType>("-0.0e-7") == TestType(0));
    CHECK(read<TestType>("1E5") == TestType(1e5));
    CHECK(read<TestType>("1e05") == TestType(1e5));
    CHECK(read<TestType>("1e+05") == TestType(1e5));
    CHECK(read<TestType>("25e-2") == TestType(0.25));
    CHECK(read<TestType>("0.250") == TestType(0.25));
    CHECK(read<TestType>("10.5e1") == TestType(105));
    CHECK(read<TestType>("0e99999999999999999999") == TestType(0));
    const std::string many(1000, '0');
    CHECK(read<TestType>("0." + many + "25e1000") == TestType(0.25));
    CHECK(read<TestType>("25" + many + "e-1002") == TestType(0.25));
}

TEMPLATE_TEST_CASE("a floating-point type reads nothing but numbers", "", float, double) {
    const auto bytes =
        GENERATE(""sv, "-"sv, "."sv, "e5"sv, " 1.5"sv, "1.5 "sv, "1.5\0"sv, "+1.5"sv, ".5"sv,
                 "5."sv, "-.5"sv, "01.5"sv, "00"sv, "1e"sv, "1e+"sv, "1e5.0"sv, "1.5.5"sv, "1,5"sv,
                 "1'5"sv, "0x1p3"sv, "--1"sv, "1-"sv, "infinity"sv, "INF"sv, "+inf"sv, "NaN"sv,
                 "-nan"sv, "nan(1)"sv, "inf "sv);
    CAPTURE(bytes);
    CHECK(read<TestType>(bytes) == std::nullopt);
}

TEMPLATE_TEST_CASE("a number that is too large or too small is not read", "", float, double) {
    for (const auto bytes : {"1e999"sv, "-1e999"sv, "1e-999"sv, "-1e-999"sv,
                             "1e99999999999999999999"sv, "1e-99999999999999999999"sv}) {
        CAPTURE(bytes);
        CHECK(read<TestType>(bytes) == std::nullopt);
        CHECK(cachetory::detail::read_by_strtod<TestType>(bytes) == std::nullopt);
    }
    CHECK(read<TestType>(std::string(1000, '9')) == std::nullopt);
}

TEMPLATE_TEST_CASE("numbers read the same with and without from_chars", "", float, double) {
    std::mt19937_64 random(3);
    const auto digits = [&] { return std::to_string(random() >> (random() % 64)); };
    for (int i = 0; i != 20'000; ++i) {
        const auto exponent = static_cast<int>(random() % 700) - 350;
        const std::string text =
            i % 2 == 0 ? cachetory::detail::write_number(random_floating<TestType>(random))
                       : digits() + '.' + digits() + 'e' + std::to_string(exponent);
        const auto one = cachetory::detail::read_number<TestType>(text);
        const auto other = cachetory::detail::read_by_strtod<TestType>(text);
        if (one != other) {
            CAPTURE(text);
            CHECK(one == other);
        }
    }
}

TEST_CASE("no locale changes how numbers are written and read") {
    struct comma : std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    const std::string before = std::setlocale(LC_ALL, nullptr);
    const std::locale cpp_before =
        std::locale::global(std::locale(std::locale::classic(), new comma));
    bool found = false;
    for (const char* name : {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR", "de-DE", "German"}) {
        found = found || std::setlocale(LC_ALL, name) != nullptr;
    }
    if (found) {
        CHECK(std::string(std::localeconv()->decimal_point) == ",");
    } else {
        WARN("no locale with a decimal comma is installed: only the locale of C++ was changed");
    }
    CHECK(written(1234.5) == "1234.5");
    CHECK(written(1234567) == "1234567");
    CHECK(read<double>("1234.5") == 1234.5);
    CHECK(read<float>("1234.5") == 1234.5F);
    CHECK(cachetory::detail::read_by_strtod<double>("1234.5") == 1234.5);
    CHECK(cachetory::detail::read_by_strtod<float>("-1234.5e-1") == -123.45F);
    CHECK(read<double>("1234,5") == std::nullopt);
    CHECK(read<double>("1.234,5") == std::nullopt);
    CHECK(read<int>("1.234") == std::nullopt);
    std::locale::global(cpp_before);
    std::setlocale(LC_ALL, before.c_str());
}

// Types for which the library has no serializer.

static_assert(serializer_of<serializer<int>, int>);
static_assert(serializer_of<serializer<std::string>, std::string>);
static_assert(!serializer_of<serializer<long double>, long double>);
static_assert(!serializer_of<serializer<char>, char>);
static_assert(!serializer_of<serializer<wchar_t>, wchar_t>);
static_assert(!serializer_of<serializer<char8_t>, char8_t>);
static_assert(!serializer_of<serializer<colour>, colour>);
static_assert(!serializer_of<serializer<const char*>, const char*>);
static_assert(!serializer_of<serializer<int>, long>);
