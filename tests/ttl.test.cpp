// SPDX-License-Identifier: MIT
#include <cachetory/ttl.hpp>

#include "support/catch.hpp"
#include "support/ttl_parts.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <ratio>
#include <type_traits>

namespace chrono = std::chrono;
using cachetory::ttl;
using support::check;
using support::forever;
using support::long_ago;
using support::parts;
using namespace std::chrono_literals;

namespace {

using long_hours = std::chrono::duration<std::int64_t, std::ratio<3600>>; // in 64 bits everywhere
using limits64 = std::numeric_limits<std::int64_t>;
template <class Rep, class Period = std::ratio<1>>
using of = support::duration_of<Rep, Period>;

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

TEST_CASE("an unsigned count above the signed range is exact if its seconds fit",
          "[ttl][promise-5]") {
    CHECK(ttl(of<std::uint64_t, std::nano>(1ULL << 63)).seconds() == 9'223'372'036s);
    CHECK(ttl(of<std::uint64_t, std::nano>(1ULL << 63)).fraction() == 854'775'808ns);
    CHECK(ttl(of<std::uint64_t>(1ULL << 63)) == ttl::max());
}

TEST_CASE("a ttl takes floating-point durations whatever they hold", "[ttl][promise-5]") {
    check_floating_point<float>();
    check_floating_point<double>();
    check_floating_point<long double>();
    check(of<double>(1e300), forever);
    check(of<double>(-1e300), long_ago);
    check(of<double>(0.1), {0, 100'000'000});
    check(of<double>(0x1p53 + 2), {(std::int64_t(1) << 53) + 2});
    check(of<double>(1e8 + 0.5), {100'000'000, 500'000'000}); // too long for 2^53 ns
    check(of<double>(-1e8 - 0.25), {-100'000'001, 750'000'000});
    // In seconds, these are rounded up to 2^63, which does not fit.
    using odd = std::chrono::duration<double, std::ratio<3, 5>>;
    CHECK(ttl(odd(std::nextafter(0x1p63 * 5 / 3, 0.0))) == ttl::max());
    // This one is rounded down, past the other end.
    using odder = std::chrono::duration<double, std::ratio<7, 29>>;
    CHECK(ttl(odder(-0x1p63 * 29 / 7)) == ttl::min());
    CHECK(ttl(odder(std::nextafter(-0x1p63 * 29 / 7, 0.0))).seconds() < -(1s * (1LL << 62)));
}

TEST_CASE("a fraction that rounds up to a second is carried into the seconds", "[ttl][promise-5]") {
    check(of<std::int64_t, std::pico>(999'999'999'001), {1});
    check(of<std::int64_t, std::pico>(-1), {0});
    check(of<std::int64_t, std::pico>(-999), {0});
    check(of<std::int64_t, std::pico>(-1000), {-1, 999'999'999});
    check(of<double, std::nano>(999'999'999.5), {1});
    check(of<long double>(0x1p24L - 0x1p-32L), {1 << 24}); // beyond 2^53 ns
}

TEST_CASE("a ttl is made of any duration in a constant expression", "[ttl][promise-5]") {
    STATIC_REQUIRE(ttl(1h).seconds() == 3600s);
    STATIC_REQUIRE(ttl(1500ms).fraction() == 500ms);
    STATIC_REQUIRE(ttl(long_hours::max()) == ttl::max());
    STATIC_REQUIRE(ttl(chrono::duration<double, std::ratio<3600>>(1e308)) == ttl::max());
    STATIC_REQUIRE(ttl(chrono::duration<double, std::ratio<3600>>(-1e308)) == ttl::min());
    STATIC_REQUIRE(ttl(long_hours::min()) == ttl::min());
    STATIC_REQUIRE(ttl(of<double>(1e300)) == ttl::max());
    STATIC_REQUIRE(ttl(1s) == ttl(1000ms));
    STATIC_REQUIRE_FALSE(ttl(1s) == ttl(1001ms));
    STATIC_REQUIRE(ttl(1s) - ttl(1ns) == ttl(999'999'999ns));
    STATIC_REQUIRE(std::is_convertible_v<of<float, std::ratio<7>>, ttl>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<int, ttl>);
}

TEST_CASE("the difference of two times to live saturates at both ends", "[ttl][promise-5]") {
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
             {ttl::max(), 1s, forever}, // what is out of range stays out of range
             {ttl::max(), ttl::max(), forever},
             {ttl::min(), -1s, long_ago},
             {ttl::min(), ttl::min(), long_ago},
         }) {
        CAPTURE(a.seconds().count(), a.fraction().count());
        CAPTURE(b.seconds().count(), b.fraction().count());
        check(a - b, expected);
    }
}

TEST_CASE("deadline_after never returns the largest time point for zero or less",
          "[ttl][promise-5]") {
    using point = chrono::steady_clock::time_point;
    using real_point = chrono::time_point<chrono::steady_clock, chrono::duration<double>>;
    using cachetory::deadline_after;
    constexpr point last = (point::max)();
    STATIC_REQUIRE(deadline_after(point(5s), 1500ms) == point(6500ms));
    STATIC_REQUIRE(deadline_after(point(5s), (ttl::max)()) == last);
    STATIC_REQUIRE(deadline_after(point(5s), (ttl::min)()) == (point::min)());
    STATIC_REQUIRE(deadline_after(last, 1ns) == last);
    STATIC_REQUIRE(deadline_after(last, 0s) == last - point::duration(1));
    STATIC_REQUIRE(deadline_after(last, -1ns) == last - 1ns);
    STATIC_REQUIRE(deadline_after((real_point::max)(), 0s) < (real_point::max)());
    STATIC_REQUIRE(noexcept(deadline_after(last, (ttl::max)())));
    CHECK(deadline_after(last, -1s) == last - 1s);
}
