// SPDX-License-Identifier: MIT
#include <cachetory/detail/deadline.hpp>

#include "support/catch.hpp"
#include "support/clocks.hpp"
#include "support/manual_clock.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>

namespace chrono = std::chrono;
using cachetory::ttl;
using cachetory::detail::deadline_clock;
using cachetory::detail::moment;
using cachetory::detail::never;
using cachetory::detail::saturating_add;
using support::manual_clock;
using support::unix_clock;
using namespace std::chrono_literals;

namespace {

using long_hours = std::chrono::duration<std::int64_t, std::ratio<3600>>; // in 64 bits everywhere

template <class Duration>
using point = typename manual_clock<Duration>::time_point;

using frames = chrono::duration<std::int64_t, std::ratio<1, 30>>;
using small_milliseconds = chrono::duration<std::int32_t, std::milli>;
using unsigned_seconds = chrono::duration<std::uint32_t>;

} // namespace

TEST_CASE("a deadline is rounded up to the tick and never early", "[deadline][promise-5]") {
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

TEST_CASE("ticks that are not whole nanoseconds are rounded up at most once more",
          "[deadline][promise-5]") {
    for (int ticks = 0; ticks != 100; ++ticks) {
        const auto added = saturating_add(point<frames>(), frames(ticks)).time_since_epoch();
        CHECK(added.count() >= ticks);
        CHECK(added.count() <= ticks + 1);
    }
}

TEST_CASE("a deadline can be computed in a constant expression", "[deadline][promise-5]") {
    using time_point = point<chrono::seconds>;
    STATIC_REQUIRE(saturating_add(time_point(5s), 1ms) == time_point(6s));
    STATIC_REQUIRE(saturating_add(time_point(5s), long_hours::max()) == never<time_point>);
    STATIC_REQUIRE(saturating_add(time_point::max(), -1s) == time_point::max() - 1s);
    STATIC_REQUIRE(saturating_add(time_point::min(), -1ns) == time_point::min());
    STATIC_REQUIRE(never<time_point> == time_point::max());
    STATIC_REQUIRE(noexcept(saturating_add(never<time_point>, ttl::max())));
}

TEST_CASE("deadlines of a clock that counts in floating point saturate", "[deadline][promise-5]") {
    using ticks = chrono::duration<double>;
    using time_point = point<ticks>;
    CHECK(saturating_add(time_point(ticks(1)), 1500ms) == time_point(ticks(2.5)));
    CHECK(saturating_add(time_point(ticks(1)), -1500ms) == time_point(ticks(-0.5)));
    CHECK(saturating_add(time_point(ticks(1)), long_hours::max()) == never<time_point>);
    CHECK(saturating_add(time_point(ticks(1)), long_hours::min()) < time_point(ticks(-1e18)));

    manual_clock<ticks>::reset();
    moment<manual_clock<ticks>> now;
    CHECK(now.resolve(std::nullopt) == never<time_point>);
    CHECK(now.resolve(250ms) == time_point(ticks(1000.25)));
    CHECK(now.has_passed(time_point(ticks(1000))));
    CHECK_FALSE(now.has_passed(time_point(ticks(1000.25))));
}

TEST_CASE("a deadline has passed at the very instant that it names", "[deadline][promise-2]") {
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

TEST_CASE("a moment reads the clock at most once", "[deadline][promise-7]") {
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

TEST_CASE("a moment that meets no deadline does not read the clock", "[deadline][promise-7]") {
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

TEST_CASE("a deadline may be a time of the same clock or of the wall clock",
          "[deadline][promise-5]") {
    using steady = chrono::steady_clock;
    STATIC_REQUIRE(deadline_clock<steady, steady>);
    STATIC_REQUIRE(deadline_clock<chrono::system_clock, steady>);
    STATIC_REQUIRE(deadline_clock<chrono::system_clock, unix_clock>);
    STATIC_REQUIRE(deadline_clock<unix_clock, unix_clock>); // although it counts by the wall clock
    STATIC_REQUIRE_FALSE(deadline_clock<manual_clock<>, steady>);
    STATIC_REQUIRE_FALSE(deadline_clock<steady, chrono::system_clock>);
}

TEST_CASE("a time of the wall clock is as far from now as it is there", "[deadline][promise-5]") {
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
    CHECK(now.resolve(chrono::sys_time<chrono::duration<double>>(
              chrono::duration<double>(1e300))) == never<clock::time_point>);
}

TEST_CASE("times of a clock that shares the epoch of the wall clock are not converted",
          "[deadline][promise-5]") {
    unix_clock::reset();
    moment<unix_clock> now;
    CHECK(now.resolve(chrono::sys_time<chrono::milliseconds>(1500ms)) == chrono::sys_seconds(2s));
    CHECK(now.resolve(chrono::sys_time<chrono::milliseconds>(-1500ms)) == chrono::sys_seconds(-1s));
    CHECK(now.resolve(chrono::sys_seconds(5s)) == chrono::sys_seconds(5s));
    CHECK(unix_clock::reads == 0);
    CHECK(now.resolve(1ms) == chrono::sys_seconds(1001s));
}

TEST_CASE("real clocks saturate at their ends", "[deadline][promise-5]") {
    const auto check = []<class Clock>(Clock) {
        using time_point = typename Clock::time_point;
        constexpr typename Clock::duration tick(1);
        CHECK(saturating_add(time_point::max(), tick) == time_point::max());
        CHECK(saturating_add(time_point::max(), -tick) == time_point::max() - tick);
        CHECK(saturating_add(time_point::min(), -tick) == time_point::min());
        CHECK(saturating_add(time_point::min(), tick) == time_point::min() + tick);
        moment<Clock> now;
        CHECK(now.resolve(long_hours::max()) == never<time_point>);
        CHECK(now.resolve(long_hours::min()) == time_point::min());
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

TEST_CASE("the coarse clock never contradicts the precise one", "[deadline][promise-7]") {
    const auto check = []<class Clock>(Clock) {
        int passed = 0;
        for (int i = 0; i != 20'000; ++i) {
            // Around now, and around the margin within which the precise clock must be read.
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

TEST_CASE("a moment that has read the precise clock reads no other", "[deadline][promise-7]") {
    using clock = chrono::steady_clock;
    moment<clock> now;
    const auto instant = now.resolve(0s);
    CHECK(now.has_passed(instant));
    CHECK_FALSE(now.has_passed(instant + 1ns));
    CHECK_FALSE(now.has_passed(instant + 2s));
}
