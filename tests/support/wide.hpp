// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_WIDE_HPP
#define CACHETORY_TESTS_SUPPORT_WIDE_HPP

#include <cachetory/ttl.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <ratio>

// Exact arithmetic, with integers of 128 bits. Files that include this one are compiled only if the
// compiler has them.
namespace support {

__extension__ typedef __int128 wide;

inline constexpr wide giga = 1'000'000'000;

/// For a positive `b`.
constexpr wide divide_down(wide a, wide b) { return a / b - (a % b < 0 ? 1 : 0); }

/// For a positive `b`.
constexpr wide divide_up(wide a, wide b) { return a / b + (a % b > 0 ? 1 : 0); }

constexpr wide nanoseconds_of(cachetory::ttl length) {
    return wide(length.seconds().count()) * giga + length.fraction().count();
}

/// Rounded up.
template <class Rep, class Period>
constexpr wide nanoseconds_in(std::chrono::duration<Rep, Period> length) {
    return divide_up(wide(length.count()) * Period::num * giga, Period::den);
}

/// The nearest `Duration` to a number of its ticks.
template <class Duration>
constexpr Duration saturated(wide count) {
    return count <= wide((Duration::min)().count())   ? (Duration::min)()
           : count >= wide((Duration::max)().count()) ? (Duration::max)()
                                                      : Duration(typename Duration::rep(count));
}

/// The same random numbers in each run. All magnitudes are equally likely.
class random_numbers {
public:
    std::int64_t operator()() {
        const std::uint64_t bits = engine_();
        return static_cast<std::int64_t>(engine_()) >> (bits % 64);
    }

private:
    std::mt19937_64 engine_{42};
};

} // namespace support

#endif
