// SPDX-License-Identifier: MIT
#include <cachetory/backend.hpp>

#include "support/catch.hpp"
#include "support/values.hpp"

#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <ranges>
#include <ratio>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace chrono = std::chrono;
using cachetory::ttl;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

__extension__ typedef __int128 wide;

using limits64 = std::numeric_limits<std::int64_t>;
template <class Rep, class Period = std::ratio<1>>
using of = chrono::duration<Rep, Period>;

constexpr wide giga = 1'000'000'000;

constexpr wide floor_divide(wide a, wide b) { return a / b - (a % b < 0 ? 1 : 0); }

/// What a ttl should be: exact, rounded up to a nanosecond, saturated.
struct parts {
    static constexpr parts of(wide nanoseconds) {
        if (nanoseconds > limits64::max() * giga + giga - 1) {
            return {limits64::max(), 999'999'999};
        }
        if (nanoseconds < limits64::min() * giga) {
            return {limits64::min(), 0};
        }
        const wide whole = floor_divide(nanoseconds, giga);
        return {std::int64_t(whole), std::int64_t(nanoseconds - whole * giga)};
    }

    std::int64_t seconds;
    std::int64_t fraction = 0;
};

constexpr parts forever = {limits64::max(), 999'999'999};
constexpr parts long_ago = {limits64::min()};

void check(ttl length, parts expected) {
    CHECK(length.seconds().count() == expected.seconds);
    CHECK(length.fraction().count() == expected.fraction);
}

template <class Duration>
void check_each() {
    using rep = typename Duration::rep;
    using period = typename Duration::period;
    constexpr rep lowest = Duration::min().count();
    constexpr rep highest = Duration::max().count();
    std::vector<rep> counts = {lowest,    rep(lowest + 1),  rep(lowest + 99), rep(lowest / 2),
                               highest,   rep(highest - 1), rep(highest / 2), rep(highest / 3),
                               rep(0),    rep(1),           rep(-1),          rep(100),
                               rep(-100), rep(12'345'678),  rep(-1'000'001),  rep(1'000'000'000)};
    // Around the first and the last that fit.
    for (const wide end : {wide(limits64::max()), wide(limits64::min())}) {
        const wide count = end * period::den / period::num;
        for (wide near = count - 2; near <= count + 2; ++near) {
            if (near >= wide(lowest) && near <= wide(highest)) {
                counts.push_back(rep(near));
            }
        }
    }
    for (const rep count : counts) {
        CAPTURE(count, period::num, period::den);
        const wide product = wide(count) * giga * period::num;
        check(Duration(count), parts::of(-floor_divide(-product, period::den)));
    }
}

template <class... Durations>
void check_integral() {
    (check_each<Durations>(), ...);
}

template <class Rep>
void check_floating_point() {
    using seconds = of<Rep>;
    using limits = std::numeric_limits<Rep>;
    check(seconds(limits::quiet_NaN()), long_ago);
    check(seconds(-limits::quiet_NaN()), long_ago);
    check(seconds(limits::infinity()), forever);
    check(seconds(-limits::infinity()), long_ago);
    check(seconds(limits::max()), forever);
    check(seconds(limits::lowest()), long_ago);
    check(seconds(limits::denorm_min()), {0, 1});
    check(seconds(-limits::denorm_min()), {0});
    check(seconds(Rep(0x1p63)), forever);
    check(seconds(Rep(-0x1p63)), long_ago);
    check(seconds(Rep(0x1p62)), {std::int64_t(1) << 62});
    check(seconds(Rep(-0x1p62)), {-(std::int64_t(1) << 62)});
    check(seconds(Rep(1.5)), {1, 500'000'000});
    check(seconds(Rep(-0.25)), {-1, 750'000'000});
    check(seconds(Rep(0)), {0});
    check(of<Rep, std::nano>(Rep(0.5)), {0, 1});
    check(of<Rep, std::nano>(Rep(-0.5)), {0});
    check(of<Rep, std::nano>(Rep(-1.5)), {-1, 999'999'999});
    check(of<Rep, std::ratio<3600>>(Rep(0.5)), {1800});
    check(of<Rep, std::ratio<3600>>(Rep(1e30)), forever);
    check(of<Rep, std::ratio<1, 60>>(Rep(-90)), {-2, 500'000'000});
    check(of<Rep, std::pico>(Rep(1)), {0, 1});
}

} // namespace

TEST_CASE("a ttl holds every integral duration exactly or saturates") {
    check_integral<chrono::nanoseconds, chrono::microseconds, chrono::milliseconds, chrono::seconds,
                   chrono::minutes, chrono::hours, chrono::days, chrono::weeks, chrono::months,
                   chrono::years>();
    check_integral<of<std::int64_t, std::pico>, of<std::int64_t, std::ratio<1, 60>>,
                   of<std::int64_t, std::ratio<1, 90'000>>, of<std::int64_t>,
                   of<std::int64_t, std::ratio<3600>>>();
    check_integral<of<std::uint64_t>, of<std::uint64_t, std::ratio<3600>>, of<std::uint32_t>,
                   of<std::int32_t, std::ratio<1, 60>>, of<std::int16_t, std::milli>,
                   of<std::int8_t, std::ratio<86'400>>>();
}

TEST_CASE("a ttl takes durations of odd periods and of wide counts") {
    using odd = of<std::int64_t, std::ratio<1001, 30>>;
    check(odd(276'424'736'369'274'000), {9'223'372'036'854'775'800, 0}); // the last to fit
    check(odd(276'424'736'369'274'001), forever);
    check(of<wide>(wide(1) << 100), forever);
    check(of<wide>(-(wide(1) << 100)), long_ago);
}

TEST_CASE("a count above the signed ones is held where its seconds fit") {
    CHECK(ttl(of<std::uint64_t, std::nano>(1ULL << 63)).seconds() == 9'223'372'036s);
    CHECK(ttl(of<std::uint64_t, std::nano>(1ULL << 63)).fraction() == 854'775'808ns);
    CHECK(ttl(of<std::uint64_t>(1ULL << 63)) == ttl::max());
}

TEST_CASE("a ttl takes floating-point durations whatever they hold") {
    check_floating_point<float>();
    check_floating_point<double>();
    check_floating_point<long double>();
    check(of<double>(1e300), forever);
    check(of<double>(-1e300), long_ago);
    check(of<double>(0.1), {0, 100'000'000});
    check(of<double>(0x1p53 + 2), {(std::int64_t(1) << 53) + 2});
    check(of<double>(1e8 + 0.5), {100'000'000, 500'000'000}); // too long for 2^53 ns
    check(of<double>(-1e8 - 0.25), {-100'000'001, 750'000'000});
    // In seconds these are rounded up to 2^63, which is one too many.
    using odd = std::chrono::duration<double, std::ratio<3, 5>>;
    CHECK(ttl(odd(std::nextafter(0x1p63 * 5 / 3, 0.0))) == ttl::max());
    // And this one down, past the other end.
    using odder = std::chrono::duration<double, std::ratio<7, 29>>;
    CHECK(ttl(odder(-0x1p63 * 29 / 7)) == ttl::min());
    CHECK(ttl(odder(std::nextafter(-0x1p63 * 29 / 7, 0.0))).seconds() < -(1s * (1LL << 62)));
}

TEST_CASE("what rounds up to a whole second is a whole second") {
    check(of<std::int64_t, std::pico>(999'999'999'001), {1});
    check(of<std::int64_t, std::pico>(-1), {0});
    CHECK(ttl(of<wide, std::pico>((wide(1) << 63) * 1'000'000'000'000 - 1)) == ttl::max());
    check(of<std::int64_t, std::pico>(-999), {0});
    check(of<std::int64_t, std::pico>(-1000), {-1, 999'999'999});
    check(of<double, std::nano>(999'999'999.5), {1});
    check(of<long double>(0x1p24L - 0x1p-32L), {1 << 24}); // beyond 2^53 ns
}

TEST_CASE("a ttl is made of any duration in a constant expression") {
    STATIC_REQUIRE(ttl(1h).seconds() == 3600s);
    STATIC_REQUIRE(ttl(1500ms).fraction() == 500ms);
    STATIC_REQUIRE(ttl(chrono::hours::max()) == ttl::max());
    STATIC_REQUIRE(ttl(chrono::duration<double, std::ratio<3600>>(1e308)) == ttl::max());
    STATIC_REQUIRE(ttl(chrono::duration<double, std::ratio<3600>>(-1e308)) == ttl::min());
    STATIC_REQUIRE(ttl(chrono::hours::min()) == ttl::min());
    STATIC_REQUIRE(ttl(of<double>(1e300)) == ttl::max());
    STATIC_REQUIRE(ttl(1s) == ttl(1000ms));
    STATIC_REQUIRE_FALSE(ttl(1s) == ttl(1001ms));
    STATIC_REQUIRE(ttl(1s) - ttl(1ns) == ttl(999'999'999ns));
    STATIC_REQUIRE(std::is_convertible_v<of<float, std::ratio<7>>, ttl>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<int, ttl>);
}

TEST_CASE("the difference of two times to live saturates at both ends") {
    const ttl shortest = chrono::nanoseconds::min();
    const ttl almost_max = chrono::seconds::max() - 1s;
    const ttl almost_min = chrono::seconds::min() + 1s;

    struct row {
        ttl a;
        ttl b;
        parts expected;
    };

    for (const auto& [a, b, expected] : std::initializer_list<row>{
             {2s, 500ms, {1, 500'000'000}},
             {500ms, 2s, {-2, 500'000'000}},
             {500ms, 500ms, {0}},
             {0s, 1ns, {-1, 999'999'999}},
             {1500ms, 700ms, {0, 800'000'000}},
             {1200ms, -900ms, {2, 100'000'000}},
             {0s, shortest, {9'223'372'036, 854'775'808}},
             {0s, ttl::min(), forever},
             {-1s, ttl::min(), {limits64::max()}},
             {0s, ttl::max(), {limits64::min(), 1}},
             {-1ns, ttl::max(), {limits64::min()}},
             {-2ns, ttl::max(), long_ago},
             {almost_max, -1s, {limits64::max()}},
             {almost_max, -1999ms, {limits64::max(), 999'000'000}},
             {almost_max, -2s, forever},
             {almost_max, ttl::min(), forever},
             {almost_max, ttl::max(), {-2, 1}},
             {almost_min, 1s, long_ago},
             {almost_min, 999ms, {limits64::min(), 1'000'000}},
             {almost_min, 1001ms, long_ago},
             {almost_min, ttl::max(), long_ago},
             {almost_min, -1ns, {limits64::min() + 1, 1}},
             {ttl(almost_min) - 999ms, -1ms, {limits64::min(), 2'000'000}},
             {ttl(almost_min) - 999ms, -1999ms, {limits64::min() + 2, 0}},
             {ttl::max(), 1s, forever}, // beyond the range is beyond the range
             {ttl::max(), ttl::max(), forever},
             {ttl::min(), -1s, long_ago},
             {ttl::min(), ttl::min(), long_ago},
         }) {
        CAPTURE(a.seconds().count(), a.fraction().count());
        CAPTURE(b.seconds().count(), b.fraction().count());
        check(a - b, expected);
    }
}

TEST_CASE("set_options is an aggregate for designated initialisers") {
    using cachetory::set_options;
    STATIC_REQUIRE(std::is_aggregate_v<set_options>);
    STATIC_REQUIRE_FALSE(set_options().time_to_live.has_value());
    STATIC_REQUIRE_FALSE(set_options().if_not_exists);
    STATIC_REQUIRE(set_options{.if_not_exists = true}.if_not_exists);
    STATIC_REQUIRE(set_options{.time_to_live = 5min}.time_to_live == ttl(300s));
    STATIC_REQUIRE(
        set_options{.time_to_live = chrono::hours::max(), .if_not_exists = true}.time_to_live ==
        ttl::max());
}

TEST_CASE("a key_error names the key and keeps it whole") {
    for (const std::string& key :
         {""s, "user:42"s, "em\0bed\0ded"s, "\xff\xfe"s, std::string(1 << 20, 'k')}) {
        CAPTURE(key.size());
        try {
            throw cachetory::key_error(key);
        } catch (const std::out_of_range& error) {
            const std::string_view what = error.what();
            CHECK(what.find("not found") != what.npos);
            CHECK(what.find('"' + key.substr(0, key.find('\0'))) != what.npos);
            const auto* precise = dynamic_cast<const cachetory::key_error*>(&error);
            REQUIRE(precise != nullptr);
            CHECK((precise->key() == key)); // in brackets, for a failure would print it
            const cachetory::key_error copy = *precise;
            CHECK((copy.key() == key));
        }
    }
}

namespace {

/// No more than what a backend must have, without one of the verbs; neither copyable nor movable.
template <int Missing>
struct minimal {
    using wire_type = int;
    using clock = chrono::steady_clock;
    using time_point = clock::time_point;
    using keys = std::vector<std::string>;
    using items = std::vector<std::pair<std::string, int>>;

    minimal() = default;
    minimal(const minimal&) = delete;

    // clang-format off
    int get(std::string_view) requires(Missing != 0);
    std::optional<int> find(std::string_view) requires(Missing != 1);
    bool contains(std::string_view) requires(Missing != 2);
    std::optional<time_point> deadline(std::string_view) requires(Missing != 3);
    std::map<std::string, int> get_many(const keys&) requires(Missing != 4);
    std::optional<int> take(std::string_view) requires(Missing != 5);
    bool set(std::string_view, int, cachetory::set_options) requires(Missing != 6);
    std::size_t set_many(const items&, cachetory::set_options) requires(Missing != 7);
    bool expire_at(std::string_view, std::optional<time_point>) requires(Missing != 8);
    bool expire_in(std::string_view, std::optional<ttl>) requires(Missing != 9);
    bool erase(std::string_view) requires(Missing != 10);
    std::size_t erase_many(const keys&) requires(Missing != 11);
    void clear() requires(Missing != 12);
    int get_or_set(std::string_view, int (*)(), std::optional<ttl>) requires(Missing != 13);
    std::optional<int> touch(std::string_view, std::optional<ttl>) requires(Missing != 14);
    static minimal from_url(std::string_view) requires(Missing != 15);
    // clang-format on
};

constexpr int verbs = 16;

} // namespace

TEST_CASE("a backend need be neither copyable nor movable nor hold copyable values") {
    using cachetory::backend;
    STATIC_REQUIRE(backend<minimal<verbs>>);
    STATIC_REQUIRE(backend<cachetory::memory_backend<int>>);
    STATIC_REQUIRE(backend<cachetory::memory_backend<std::string, chrono::system_clock>>);
    STATIC_REQUIRE(backend<cachetory::memory_backend<support::move_only>>);
    STATIC_REQUIRE_FALSE(backend<int>);
    STATIC_REQUIRE_FALSE(backend<std::map<std::string, int>>);
}

TEST_CASE("a class that lacks one verb is no backend") {
    []<int... Missing>(std::integer_sequence<int, Missing...>) {
        STATIC_REQUIRE((!cachetory::backend<minimal<Missing>> && ...));
    }
    (std::make_integer_sequence<int, verbs>());
}

TEST_CASE("a key range is any range of things convertible to a view of text") {
    using cachetory::key_range;
    STATIC_REQUIRE(key_range<std::vector<std::string>>);
    STATIC_REQUIRE(key_range<const std::vector<std::string>&>);
    STATIC_REQUIRE(key_range<std::initializer_list<std::string_view>>);
    STATIC_REQUIRE(key_range<std::set<std::string>&>);
    STATIC_REQUIRE(key_range<const char*(&)[2]>);
    STATIC_REQUIRE(key_range<std::span<const std::string_view>>);
    STATIC_REQUIRE(key_range<std::vector<const char*>>);
    STATIC_REQUIRE_FALSE(key_range<std::vector<int>>);
    STATIC_REQUIRE_FALSE(key_range<std::string>); // a range of characters
    STATIC_REQUIRE_FALSE(key_range<std::map<std::string, int>>);
    STATIC_REQUIRE_FALSE(key_range<int>);
}

TEST_CASE("an item range is any range of pairs of a key and a value") {
    using cachetory::item_range;
    STATIC_REQUIRE(item_range<std::map<std::string, int>, int>);
    STATIC_REQUIRE(item_range<const std::map<std::string, int>&, int>);
    STATIC_REQUIRE(item_range<std::initializer_list<std::pair<std::string_view, int>>, int>);
    STATIC_REQUIRE(item_range<std::vector<std::tuple<const char*, int>>&, int>);
    STATIC_REQUIRE(item_range<std::vector<std::pair<std::string, const char*>>, std::string>);
    STATIC_REQUIRE_FALSE(item_range<std::map<std::string, std::string>, int>);
    STATIC_REQUIRE_FALSE(item_range<std::vector<std::string>, int>);
    STATIC_REQUIRE_FALSE(item_range<std::map<int, int>, int>);
    STATIC_REQUIRE_FALSE(item_range<int, int>);
}

namespace {

/// A view as they were made before the standard had a word for it.
template <class Iterator>
struct iterators {
    Iterator begin() const { return first; }

    Iterator end() const { return last; }

    Iterator first;
    Iterator last;
};

template <class Items>
struct owning_view : std::ranges::view_base {
    auto begin() { return items.begin(); }
    auto begin() const { return items.begin(); }
    auto end() { return items.end(); }
    auto end() const { return items.end(); }

    Items items;
};

} // namespace

TEST_CASE("a view gives nothing up whether or not it owns it or says that it is one") {
    cachetory::memory_backend<std::string> cache;
    std::vector<std::pair<std::string, std::string>> items = {{"k", "a value that is not small"}};
    CHECK(cache.set_many(iterators<decltype(items)::iterator>{items.begin(), items.end()}) == 1);
    CHECK(items.front().second == "a value that is not small");
    owning_view<decltype(items)> owner;
    owner.items = items;
    CHECK(cache.set_many(std::move(owner)) == 1);
    CHECK(owner.items == items); // NOLINT(bugprone-use-after-move): it is the promise
    CHECK(cache.set_many(std::move(items)) == 1);
    CHECK(items.front().second.empty()); // NOLINT(bugprone-use-after-move): it is the promise
}

TEST_CASE("only values that the range owns or makes may be moved out of it") {
    using cachetory::item_range;
    using support::move_only;
    using items = std::vector<std::pair<std::string, move_only>>;
    STATIC_REQUIRE(item_range<items, move_only>);
    STATIC_REQUIRE(item_range<std::map<std::string, move_only>, move_only>);
    STATIC_REQUIRE(item_range<iterators<std::move_iterator<items::iterator>>&, move_only>);
    STATIC_REQUIRE_FALSE(item_range<items&, move_only>);
    STATIC_REQUIRE_FALSE(item_range<const items, move_only>);
    STATIC_REQUIRE_FALSE(item_range<std::span<items::value_type>, move_only>);
    STATIC_REQUIRE_FALSE(item_range<iterators<items::iterator>&, move_only>);
    STATIC_REQUIRE_FALSE(item_range<std::vector<std::pair<std::string, move_only&>>, move_only>);
}
