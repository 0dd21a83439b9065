// SPDX-License-Identifier: MIT
#include <cachetory/detail/deadline.hpp>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <ratio>
#include <vector>

namespace chrono = std::chrono;
using cachetory::detail::deadline_clock;
using cachetory::detail::moment;
using cachetory::detail::never;
using cachetory::detail::saturating_add;
using cachetory::ttl;
using support::manual_clock;
using namespace std::chrono_literals;

namespace {

__extension__ typedef __int128 wide;

template <class Duration>
using point = typename manual_clock<Duration>::time_point;

using frames = chrono::duration<std::int64_t, std::ratio<1, 30>>;
using small_milliseconds = chrono::duration<std::int32_t, std::milli>;
using unsigned_seconds = chrono::duration<std::uint32_t>;
using unsigned_nanoseconds = chrono::duration<std::uint64_t, std::nano>;

constexpr wide ceil_divide(wide a, wide b) { return a / b + (a % b > 0 ? 1 : 0); }

template <class Duration>
Duration clamp(wide ticks) {
    return ticks <= wide(Duration::min().count())   ? Duration::min()
           : ticks >= wide(Duration::max().count()) ? Duration::max()
                                                    : Duration(typename Duration::rep(ticks));
}

/// What saturating_add should return, from exact arithmetic.
template <class Duration>
Duration exact_sum(Duration start, ttl span) {
    using period = typename Duration::period;
    if (span == ttl::max() || span == ttl::min()) { // beyond the range of a ttl
        return span == ttl::max() ? Duration::max() : Duration::min();
    }
    const wide nanoseconds =
        wide(span.seconds().count()) * std::nano::den + span.fraction().count();
    return clamp<Duration>(wide(start.count()) + ceil_divide(nanoseconds * period::den,
                                                             wide(period::num) * std::nano::den));
}

class random_numbers {
public:
    /// A number of any magnitude, the small as often as the large.
    std::int64_t operator()() {
        const std::uint64_t bits = engine_();
        return static_cast<std::int64_t>(engine_()) >> (bits % 64);
    }

private:
    std::mt19937_64 engine_{42};
};

/// Every kind of span: of each unit the extremes, and what comes at random.
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
            if (got != expected) { // for it is many
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
                : clamp<Ticks>(ceil_divide(wide(count) * factor::num, factor::den));
        CHECK(now.resolve(chrono::time_point<manual_clock<Ticks>, Given>(Given(count)))
                  .time_since_epoch()
                  .count() == expected.count());
    }
    CHECK(now.resolve(chrono::time_point<manual_clock<Ticks>, Given>::max()) == never<point<Ticks>>);
    CHECK(manual_clock<Ticks>::reads == 0);
}

template <class Ticks, class... Givens>
void check_other_ticks() {
    (check_ticks<Ticks, Givens>(), ...);
}

/// A clock of one's own whose times are those of the wall clock, in seconds.
struct unix_clock {
    using duration = chrono::seconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = chrono::sys_seconds;

    static time_point now() {
        ++reads;
        return time_point(1000s);
    }

    static inline int reads = 0;
};

} // namespace

TEST_CASE("a deadline is exact or saturates wherever the clock stands") {
    check_sums<chrono::nanoseconds, chrono::microseconds, chrono::milliseconds, chrono::seconds,
               chrono::duration<std::int64_t, std::ratio<60>>,
               chrono::duration<std::int64_t, std::ratio<3600>>, frames,
               chrono::duration<std::int32_t>, small_milliseconds,
               chrono::duration<std::int32_t, std::ratio<60>>, unsigned_seconds,
               unsigned_nanoseconds>();
}

TEST_CASE("a deadline is rounded up to the tick and never early") {
    const auto ticks_after = []<class Ticks>(Ticks start, ttl span) {
        return saturating_add(point<Ticks>(start), span).time_since_epoch().count();
    };
    CHECK(ticks_after(5s, 1ns) == 6);
    CHECK(ticks_after(5s, 1s) == 6);
    CHECK(ticks_after(5s, 1s + 1ns) == 7);
    CHECK(ticks_after(5s, -1ns) == 5);
    CHECK(ticks_after(5s, -1s) == 4);
    CHECK(ticks_after(-5s, 500ms) == -4);
    CHECK(ticks_after(-5s, -500ms) == -5);
    CHECK(ticks_after(0min, 61s) == 2);
    CHECK(ticks_after(frames(0), 33'333'333ns) == 1);
    CHECK(ticks_after(frames(0), 33'333'334ns) == 2);
    CHECK(ticks_after(frames(0), 1s) == 30);
}

TEST_CASE("ticks that are no whole nanoseconds are rounded up once more at most") {
    for (int ticks = 0; ticks != 100; ++ticks) {
        const auto added = saturating_add(point<frames>(), frames(ticks)).time_since_epoch();
        CHECK(added.count() >= ticks);
        CHECK(added.count() <= ticks + 1);
    }
}

TEST_CASE("a deadline can be computed in a constant expression") {
    using time_point = point<chrono::seconds>;
    STATIC_REQUIRE(saturating_add(time_point(5s), 1ms) == time_point(6s));
    STATIC_REQUIRE(saturating_add(time_point(5s), chrono::hours::max()) == never<time_point>);
    STATIC_REQUIRE(saturating_add(time_point::max(), -1s) == time_point::max() - 1s);
    STATIC_REQUIRE(saturating_add(time_point::min(), -1ns) == time_point::min());
    STATIC_REQUIRE(never<time_point> == time_point::max());
    STATIC_REQUIRE(noexcept(saturating_add(never<time_point>, ttl::max())));
}

TEST_CASE("a clock that counts in floating point is added to and saturates") {
    using ticks = chrono::duration<double>;
    using time_point = point<ticks>;
    CHECK(saturating_add(time_point(ticks(1)), 1500ms) == time_point(ticks(2.5)));
    CHECK(saturating_add(time_point(ticks(1)), -1500ms) == time_point(ticks(-0.5)));
    CHECK(saturating_add(time_point(ticks(1)), chrono::hours::max()) == never<time_point>);
    CHECK(saturating_add(time_point(ticks(1)), chrono::hours::min()) < time_point(ticks(-1e18)));

    manual_clock<ticks>::reset();
    moment<manual_clock<ticks>> now;
    CHECK(now.resolve(std::nullopt) == never<time_point>);
    CHECK(now.resolve(250ms) == time_point(ticks(1000.25)));
    CHECK(now.has_passed(time_point(ticks(1000))));
    CHECK_FALSE(now.has_passed(time_point(ticks(1000.25))));
}

TEST_CASE("an entry is dead at the very instant of its deadline") {
    const auto check = []<class Ticks>(Ticks) {
        using clock = manual_clock<Ticks>;
        clock::reset();
        const auto passed = [](auto ticks) {
            return moment<clock>().has_passed(clock::at(typename Ticks::rep(ticks)));
        };
        CHECK(passed(999));
        CHECK(passed(1000));
        CHECK_FALSE(passed(1001));
        CHECK(moment<clock>().has_passed(clock::time_point::min()));
    };
    check(1ns);
    check(1us);
    check(1ms);
    check(1s);
    check(1min);
    check(frames(1));
    check(small_milliseconds(1));
    check(unsigned_seconds(1));
    check(chrono::duration<double>(1));
}

TEST_CASE("a moment reads the clock at most once") {
    using clock = manual_clock<>;
    clock::reset();
    moment<clock> now;
    CHECK(clock::reads == 0);
    CHECK(now.resolve(1ns) == clock::at(1001));
    clock::advance(1h);
    CHECK(now.has_passed(clock::at(1000)));
    CHECK_FALSE(now.has_passed(clock::at(1001)));
    CHECK(now.resolve(1ns) == clock::at(1001));
    CHECK(clock::reads == 1);
}

TEST_CASE("what never expires does not read the clock") {
    using clock = manual_clock<>;
    clock::reset();
    moment<clock> now;
    CHECK_FALSE(now.has_passed(never<clock::time_point>));
    CHECK(now.resolve(std::nullopt) == never<clock::time_point>);
    CHECK(now.resolve(never<clock::time_point>) == never<clock::time_point>);
    CHECK(now.resolve(chrono::sys_seconds::max()) == never<clock::time_point>);
    CHECK(clock::reads == 0);

    clock::current = clock::time_point::max();
    CHECK_FALSE(moment<clock>().has_passed(never<clock::time_point>)); // even at the end of time
}

TEST_CASE("a deadline is one of the same clock or of the wall clock") {
    using steady = chrono::steady_clock;
    STATIC_REQUIRE(deadline_clock<steady, steady>);
    STATIC_REQUIRE(deadline_clock<chrono::system_clock, steady>);
    STATIC_REQUIRE(deadline_clock<chrono::system_clock, unix_clock>);
    STATIC_REQUIRE(deadline_clock<unix_clock, unix_clock>); // although it counts by the wall clock
    STATIC_REQUIRE_FALSE(deadline_clock<manual_clock<>, steady>);
    STATIC_REQUIRE_FALSE(deadline_clock<steady, chrono::system_clock>);
}

TEST_CASE("a time in other ticks is rounded up and saturates") {
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

TEST_CASE("a time of the wall clock is as far from now as it is there") {
    using clock = manual_clock<>;
    clock::reset();
    const auto before = chrono::system_clock::now();
    moment<clock> now;
    const auto deadline = now.resolve(before + 1h);
    const auto elapsed = chrono::system_clock::now() - before;
    CHECK(deadline <= clock::at(1000) + 1h);
    CHECK(deadline >= clock::at(1000) + 1h - elapsed);
    CHECK(now.resolve(chrono::sys_seconds()) < clock::at(1000)); // the epoch is long past
    CHECK(clock::reads == 1);

    CHECK(now.resolve(chrono::sys_time<chrono::hours>::max() - 1h) == never<clock::time_point>);
    CHECK(now.resolve(chrono::sys_time<chrono::hours>::min()) == clock::time_point::min());
    CHECK(now.resolve(chrono::sys_time<chrono::duration<double>>(chrono::duration<double>(1e300))) ==
          never<clock::time_point>);
}

TEST_CASE("times of a clock that shares the epoch of the wall clock are not converted") {
    unix_clock::reads = 0;
    moment<unix_clock> now;
    CHECK(now.resolve(chrono::sys_time<chrono::milliseconds>(1500ms)) == chrono::sys_seconds(2s));
    CHECK(now.resolve(chrono::sys_time<chrono::milliseconds>(-1500ms)) == chrono::sys_seconds(-1s));
    CHECK(now.resolve(chrono::sys_seconds(5s)) == chrono::sys_seconds(5s));
    CHECK(unix_clock::reads == 0);
    CHECK(now.resolve(1ms) == chrono::sys_seconds(1001s));
}

TEST_CASE("real clocks saturate at their ends") {
    const auto check = []<class Clock>(Clock) {
        using time_point = typename Clock::time_point;
        constexpr typename Clock::duration tick(1);
        CHECK(saturating_add(time_point::max(), tick) == time_point::max());
        CHECK(saturating_add(time_point::max(), -tick) == time_point::max() - tick);
        CHECK(saturating_add(time_point::min(), -tick) == time_point::min());
        CHECK(saturating_add(time_point::min(), tick) == time_point::min() + tick);
        moment<Clock> now;
        CHECK(now.resolve(chrono::hours::max()) == never<time_point>);
        CHECK(now.resolve(chrono::hours::min()) == time_point::min());
        CHECK(now.resolve(Clock::duration::max()) == never<time_point>);
        CHECK(now.has_passed(now.resolve(Clock::duration::min())));
        CHECK(now.has_passed(now.resolve(0s)));
        CHECK(now.has_passed(now.resolve(-tick)));
        CHECK_FALSE(now.has_passed(now.resolve(tick)));
        CHECK(now.has_passed(time_point::min()));
        CHECK_FALSE(now.has_passed(time_point::max()));
    };
    check(chrono::steady_clock());
    check(chrono::system_clock());
}

TEST_CASE("the coarse clock never contradicts the precise one") {
    const auto check = []<class Clock>(Clock) {
        int passed = 0;
        for (int i = 0; i != 20'000; ++i) {
            // Around now, and around the margin within which the precise clock must be asked.
            const auto offset = chrono::nanoseconds(i % 200 - 100) * (i % 7 == 0 ? 1'000'000 : 10);
            const auto deadline = chrono::time_point_cast<typename Clock::duration>(
                Clock::now() + offset + (i % 3 == 0 ? 1s : 0s));
            const auto before = Clock::now();
            const bool has_passed = moment<Clock>().has_passed(deadline);
            const auto after = Clock::now();
            if (has_passed ? deadline > after : deadline <= before) {
                FAIL("a deadline " << (deadline - before).count() << " ticks ahead was taken for "
                                   << (has_passed ? "passed" : "still ahead"));
            }
            passed += has_passed ? 1 : 0;
        }
        CHECK(passed > 0);
        CHECK(passed < 20'000);
    };
    check(chrono::steady_clock());
    check(chrono::system_clock());
}

TEST_CASE("a moment that has read the precise clock keeps to it") {
    using clock = chrono::steady_clock;
    moment<clock> now;
    const auto instant = now.resolve(0s);
    CHECK(now.has_passed(instant));
    CHECK_FALSE(now.has_passed(instant + 1ns));
    CHECK_FALSE(now.has_passed(instant + 2s));
}
