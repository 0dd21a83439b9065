// SPDX-License-Identifier: MIT
// A ttl made of any integral duration, compared with exact arithmetic.
#include <cachetory/ttl.hpp>

#include "support/catch.hpp"
#include "support/ttl_parts.hpp"
#include "support/wide.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <vector>

namespace chrono = std::chrono;
using cachetory::ttl;
using support::check;
using support::divide_down;
using support::divide_up;
using support::forever;
using support::giga;
using support::long_ago;
using support::parts;
using support::wide;

namespace {

using limits64 = std::numeric_limits<std::int64_t>;
template <class Rep, class Period = std::ratio<1>>
using of = support::duration_of<Rep, Period>;

/// Exact, or saturated.
parts parts_of(wide nanoseconds) {
    if (nanoseconds > limits64::max() * giga + giga - 1) {
        return forever;
    }
    if (nanoseconds < limits64::min() * giga) {
        return long_ago;
    }
    const wide whole = divide_down(nanoseconds, giga);
    return {std::int64_t(whole), std::int64_t(nanoseconds - whole * giga)};
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
        check(Duration(count), parts_of(divide_up(product, period::den)));
    }
}

template <class... Durations>
void check_integral() {
    (check_each<Durations>(), ...);
}

} // namespace

TEST_CASE("a ttl holds every integral duration exactly or saturates", "[ttl][promise-5]") {
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

TEST_CASE("a ttl takes durations of odd periods and of wide counts", "[ttl][promise-5]") {
    using odd = of<std::int64_t, std::ratio<1001, 30>>;
    check(odd(276'424'736'369'274'000), {9'223'372'036'854'775'800, 0}); // the last to fit
    check(odd(276'424'736'369'274'001), forever);
    check(of<wide>(wide(1) << 100), forever);
    check(of<wide>(-(wide(1) << 100)), long_ago);
    CHECK(ttl(of<wide, std::pico>((wide(1) << 63) * 1'000'000'000'000 - 1)) == ttl::max());
}
