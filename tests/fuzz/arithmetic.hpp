// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_ARITHMETIC_HPP
#define CACHETORY_TESTS_FUZZ_ARITHMETIC_HPP

#include "input.hpp"

#include <cachetory/detail/deadline.hpp>
#include <cachetory/string_hash.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <ratio>
#include <string>
#include <string_view>

// What can be computed exactly with 128 bits.
namespace fuzz {

using cachetory::ttl;
using support::divide_up;
using support::giga;

inline constexpr wide shortest_life = wide(lowest) * giga;
inline constexpr wide longest_life = wide(highest) * giga + giga - 1;

template <class Rep, class Period>
void convert(const char* unit, std::chrono::duration<Rep, Period> length) {
    const wide exact = support::nanoseconds_in(length);
    expect(nanoseconds_of(length) == std::clamp(exact, shortest_life, longest_life), "ttl of ",
           unit);
}

/// To the precision of a double, in which every whole nanosecond is exact.
template <class Rep, class Period>
void convert_real(const char* unit, std::chrono::duration<Rep, Period> length) {
    const auto exact =
        static_cast<long double>(length.count()) * Period::num / Period::den * 1'000'000'000;
    const wide got = nanoseconds_of(length);
    bool right = got == shortest_life; // also NaN
    if (exact >= 0x1p63L * 1'000'000'000) {
        right = got == longest_life;
    } else if (exact >= -0x1p63L * 1'000'000'000) {
        const bool whole = std::abs(exact) < 0x1p53L && exact == std::floor(exact);
        const long double off = static_cast<long double>(got) - exact;
        const long double slack = std::abs(exact) * 0x1p-50L;
        right = whole ? off == 0 : -slack <= off && off <= 1 + slack;
    }
    expect(right, "ttl of ", unit);
}

template <class Rep, class Period>
void add(const char* unit, ticks from, ttl span) {
    using duration = std::chrono::duration<Rep, Period>;
    using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;
    using per_nanosecond = std::ratio_divide<std::nano, Period>;
    const time_point start(duration(static_cast<Rep>(from)));
    const wide ticks_of_span =
        divide_up(nanoseconds_of(span) * per_nanosecond::num, per_nanosecond::den);
    wide exact = std::clamp(start.time_since_epoch().count() + ticks_of_span,
                            wide(duration::min().count()), wide(duration::max().count()));
    if (span == ttl::max() || span == ttl::min()) {
        exact = span == ttl::max() ? duration::max().count() : duration::min().count();
    }
    expect(cachetory::detail::saturating_add(start, span).time_since_epoch().count() == exact,
           "saturating_add to ", unit);
}

inline void arithmetic(input& in) {
    using namespace std::chrono;
    do {
        const ticks n = in.number();
        const double x = in.real();
        convert("picoseconds", duration<ticks, std::pico>(n));
        convert("nanoseconds", nanoseconds(n));
        convert("milliseconds", milliseconds(n));
        convert("seconds", seconds(n));
        convert("minutes", duration<ticks, std::ratio<60>>(n));
        convert("hours", duration<ticks, std::ratio<3600>>(n));
        convert("years", duration<ticks, std::ratio<31'556'952>>(n));
        convert("thirds", duration<ticks, std::ratio<1, 3>>(n));
        convert("frames", duration<ticks, std::ratio<1001, 30'000>>(n));
        convert("small hours",
                duration<std::int8_t, std::ratio<3600>>(static_cast<std::int8_t>(n)));
        convert("unsigned seconds", duration<std::uint64_t>(static_cast<std::uint64_t>(n)));
        convert("unsigned frames",
                duration<std::uint64_t, std::ratio<1001, 30'000>>(static_cast<std::uint64_t>(n)));
        convert_real("real nanoseconds", duration<double, std::nano>(x));
        convert_real("real seconds", duration<double>(x));
        convert_real("real hours", duration<double, std::ratio<3600>>(x));
        convert_real("real odd units", duration<double, std::ratio<7, 29>>(x));
        convert_real("float milliseconds", duration<float, std::milli>(static_cast<float>(x)));

        const ttl span = in.life().value_or(in.flag() ? ttl::max() : ttl::min());
        const ttl other = in.life().value_or(ttl(seconds(n)));
        add<ticks, std::pico>("picoseconds", n, span);
        add<ticks, std::nano>("nanoseconds", n, span);
        add<ticks, std::milli>("milliseconds", n, span);
        add<ticks, std::ratio<1>>("seconds", n, span);
        add<ticks, std::ratio<3600>>("hours", n, span);
        add<ticks, std::ratio<1, 3>>("thirds", n, span);
        add<std::int32_t, std::ratio<60>>("32-bit minutes", n, span);
        const bool beyond = span == ttl::max() || span == ttl::min();
        expect(nanoseconds_of(span - other) ==
                   std::clamp(nanoseconds_of(span) - (beyond ? 0 : nanoseconds_of(other)),
                              shortest_life, longest_life),
               "the difference of two ttl");
    } while (!in.empty());
}

/// The hash of a text at any address, which must read no byte beyond it, and the multiplication in
/// it.
inline void hashing(input& in) {
    using namespace cachetory::detail;
    const auto key = in.raw<cachetory::string_hash::key_type>();
    const product fast = multiply(key[0], key[1]);
    const product portable = multiply_portably(key[0], key[1]);
    expect(fast.low == portable.low && fast.high == portable.high, "multiply");

    const cachetory::string_hash hash(key);
    do {
        const std::string text = in.text();
        const std::size_t expected = hash(text);
        for (std::size_t offset = 0; offset != 9; ++offset) {
            const auto copy = std::make_unique<char[]>(offset + text.size());
            std::memcpy(copy.get() + offset, text.data(), text.size());
            expect(cachetory::string_hash(hash)({copy.get() + offset, text.size()}) == expected,
                   "the hash of a copy");
        }
    } while (!in.empty());
}

} // namespace fuzz

#endif
