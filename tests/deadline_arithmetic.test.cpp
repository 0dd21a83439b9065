// SPDX-License-Identifier: MIT
// Sums of times, compared with exact arithmetic.
#include <cachetory/detail/deadline.hpp>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/wide.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <vector>

namespace chrono = std::chrono;
using cachetory::ttl;
using cachetory::detail::moment;
using cachetory::detail::never;
using cachetory::detail::saturating_add;
using support::divide_up;
using support::giga;
using support::manual_clock;
using support::random_numbers;
using support::saturated;
using support::wide;
using namespace std::chrono_literals;

namespace {

template <class Duration>
using point = typename manual_clock<Duration>::time_point;

using frames = chrono::duration<std::int64_t, std::ratio<1, 30>>;
using small_milliseconds = chrono::duration<std::int32_t, std::milli>;
using unsigned_seconds = chrono::duration<std::uint32_t>;
using unsigned_nanoseconds = chrono::duration<std::uint64_t, std::nano>;

/// What saturating_add should return.
template <class Duration>
Duration exact_sum(Duration start, ttl span) {
    using period = typename Duration::period;
    if (span == ttl::max() || span == ttl::min()) { // beyond the range of a ttl
        return span == ttl::max() ? Duration::max() : Duration::min();
    }
    return saturated<Duration>(
        wide(start.count()) +
        divide_up(support::nanoseconds_of(span) * period::den, wide(period::num) * giga));
}

/// Every kind of span: the extremes of each unit, and random ones.
std::vector<ttl> spans() {
    std::vector<ttl> all = {ttl::max(), ttl::min(), 0s, 1ns, -1ns, 999'999'999ns, -999'999'999ns};
    const auto add_unit = [&]<class Duration>(Duration one) {
        for (const Duration length : {Duration::max(), Duration::min(), Duration::max() - one,
                                      Duration::min() + one, one, -one, 1000 * one, -7 * one}) {
            all.push_back(length);
        }
    };
    add_unit(1ns);
    add_unit(1us);
    add_unit(1ms);
    add_unit(1s);
    add_unit(1min);
    add_unit(1h);
    add_unit(chrono::days(1));
    add_unit(chrono::weeks(1));
    add_unit(chrono::years(1));
    add_unit(frames(1));
    for (const std::uint64_t ticks_per_second : {1'000'000'000U, 1'000'000U, 1'000U}) {
        const auto most = std::numeric_limits<std::uint64_t>::max() / ticks_per_second;
        const auto seconds = static_cast<std::int64_t>(most); // whose ticks just fit 64 bits
        for (const auto fraction : {0ns, 1ns, 500'000'000ns, 999'999'999ns}) {
            all.push_back(ttl(chrono::seconds(seconds)) - (-fraction));
            all.push_back(ttl(chrono::seconds(-seconds)) - fraction);
        }
    }
    all.push_back(unsigned_nanoseconds::max());
    all.push_back(chrono::duration<std::uint64_t>::max());
    all.push_back(chrono::duration<double>(1e300));
    all.push_back(chrono::duration<double>(-1e300));
    all.push_back(chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
    random_numbers random;
    for (int i = 0; i != 100; ++i) {
        all.push_back(chrono::nanoseconds(random()));
        all.push_back(chrono::milliseconds(random()));
        all.push_back(chrono::seconds(random()));
        all.push_back(ttl(chrono::seconds(random())) - chrono::nanoseconds(random()));
    }
    return all;
}

template <class Duration>
void check_sums_on() {
    using rep = typename Duration::rep;
    constexpr rep lowest = Duration::min().count();
    constexpr rep highest = Duration::max().count();
    std::vector<rep> starts = {lowest, rep(lowest + 1),  rep(lowest / 2),  0,      1,
                               1000,   rep(highest / 2), rep(highest - 1), highest};
    if constexpr (lowest < 0) {
        starts.insert(starts.end(), {-1, -1000, -1'000'000'000});
    }
    random_numbers random;
    for (int i = 0; i != 20; ++i) {
        starts.push_back(rep(random()));
    }
    const auto all = spans();
    for (const rep start : starts) {
        for (const ttl span : all) {
            const auto sum = saturating_add(point<Duration>(Duration(start)), span);
            const rep got = sum.time_since_epoch().count();
            const rep expected = exact_sum(Duration(start), span).count();
            if (got != expected) { // not a CHECK each time, because there are many
                CAPTURE(start, span.seconds().count(), span.fraction().count());
                CHECK(got == expected);
            }
        }
    }
    SUCCEED();
}

template <class... Durations>
void check_sums() {
    (check_sums_on<Durations>(), ...);
}

/// Checks `at` for times in units of `Given` on a clock that ticks in `Ticks`.
template <class Ticks, class Given>
void check_ticks() {
    using rep = typename Given::rep;
    using factor = std::ratio_divide<typename Given::period, typename Ticks::period>;
    constexpr rep lowest = Given::min().count();
    constexpr rep highest = Given::max().count();
    std::vector<rep> counts = {lowest, rep(lowest + 1), rep(-1), 0, 1, 999, 1001, rep(highest - 1)};
    random_numbers random;
    for (int i = 0; i != 50; ++i) {
        counts.push_back(rep(random()));
    }
    manual_clock<Ticks>::reset();
    moment<manual_clock<Ticks>> now;
    for (const rep count : counts) {
        CAPTURE(count, factor::num, factor::den);
        const Ticks expected =
            Given(count) == Given::max() // "never"
                ? Ticks::max()
                : saturated<Ticks>(divide_up(wide(count) * factor::num, factor::den));
        CHECK(now.resolve(chrono::time_point<manual_clock<Ticks>, Given>(Given(count)))
                  .time_since_epoch()
                  .count() == expected.count());
    }
    CHECK(now.resolve(chrono::time_point<manual_clock<Ticks>, Given>::max()) ==
          never<point<Ticks>>);
    CHECK(manual_clock<Ticks>::reads == 0);
}

template <class Ticks, class... Givens>
void check_other_ticks() {
    (check_ticks<Ticks, Givens>(), ...);
}

} // namespace

TEST_CASE("a deadline is exact or saturates wherever the clock stands", "[deadline][promise-5]") {
    check_sums<chrono::nanoseconds, chrono::microseconds, chrono::milliseconds, chrono::seconds,
               chrono::duration<std::int64_t, std::ratio<60>>,
               chrono::duration<std::int64_t, std::ratio<3600>>, frames,
               chrono::duration<std::int32_t>, small_milliseconds,
               chrono::duration<std::int32_t, std::ratio<60>>, unsigned_seconds,
               unsigned_nanoseconds>();
}

TEST_CASE("a time in other ticks is rounded up and saturates", "[deadline][promise-5]") {
    using unsigned_milliseconds = chrono::duration<std::uint32_t, std::milli>;
    check_other_ticks<chrono::nanoseconds, chrono::microseconds, chrono::hours, frames,
                      chrono::duration<std::int64_t, std::pico>>();
    check_other_ticks<chrono::milliseconds, chrono::nanoseconds, chrono::years,
                      unsigned_milliseconds>();
    check_other_ticks<chrono::seconds, chrono::nanoseconds, chrono::days, unsigned_milliseconds>();
    check_other_ticks<chrono::minutes, chrono::milliseconds>();
    check_other_ticks<frames, chrono::milliseconds>();
    check_other_ticks<small_milliseconds, chrono::seconds, chrono::nanoseconds>();
    check_other_ticks<unsigned_seconds, chrono::milliseconds>();

    using real = chrono::time_point<manual_clock<>, chrono::duration<double>>;
    moment<manual_clock<>> now;
    CHECK(now.resolve(real(1.5s)) == point<chrono::nanoseconds>(1500ms));
    CHECK(now.resolve(real(chrono::duration<double>(1e300))) == never<point<chrono::nanoseconds>>);
    CHECK(now.resolve(real(chrono::duration<double>(-1e300))) == point<chrono::nanoseconds>::min());
}
