// SPDX-License-Identifier: MIT
// The largest and smallest times. What a cache does is compared with exact arithmetic, and a
// sanitizer finds overflows. ttl_arithmetic.test.cpp and deadline_arithmetic.test.cpp test how a
// `ttl` is made and added to a time.
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/clocks.hpp"
#include "support/manual_clock.hpp"
#include "support/wide.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

namespace chrono = std::chrono;
using cachetory::ttl;
using support::backends_in_memory;
using support::divide_up;
using support::giga;
using support::manual_clock;
using support::result;
using support::unix_clock;
using support::wide;

namespace {

template <class Rep, class Period = std::ratio<1>>
using of = chrono::duration<Rep, Period>;

template <class Entry, class Clock>
using cache_of = support::backend_of<Entry, int, Clock>;

constexpr wide infinite = wide(1) << 95; // in nanoseconds, and still to be multiplied by giga

/// How long a duration is. If an `int64_t` cannot count its seconds, it is infinite, as in `ttl`.
template <class Rep, class Period>
wide exact_nanoseconds(of<Rep, Period> length) {
    constexpr wide end = (wide(1) << 63) * giga;
    const wide exact = support::nanoseconds_in(length);
    return exact >= end - 1 ? infinite : exact <= -end ? -infinite : exact;
}

/// The largest and smallest durations, and those around zero.
template <class Duration>
auto extremes_of() {
    using rep = typename Duration::rep;
    constexpr rep lowest = Duration::min().count();
    constexpr rep highest = Duration::max().count();
    return std::array<Duration, 7>{
        Duration(lowest), Duration(rep(lowest + 1)),  Duration(rep(-1)), Duration(rep(0)),
        Duration(rep(1)), Duration(rep(highest - 1)), Duration(highest)};
}

/// A time to live, and how long it is.
struct length {
    ttl given;
    wide nanoseconds;
};

template <class... Durations>
void add_all_extremes(std::vector<length>& all) {
    const auto add = [&](auto extremes) {
        for (const auto extreme : extremes) {
            all.push_back({extreme, exact_nanoseconds(extreme)});
        }
    };
    (add(extremes_of<Durations>()), ...);
}

template <class Rep>
void add_floating_point(std::vector<length>& all) {
    using limits = std::numeric_limits<Rep>;
    all.insert(all.end(),
               {{of<Rep>(limits::quiet_NaN()), -infinite},
                {of<Rep>(limits::infinity()), infinite},
                {of<Rep>(-limits::infinity()), -infinite},
                {of<Rep>(limits::max()), infinite},
                {of<Rep>(limits::lowest()), -infinite},
                {of<Rep>(limits::denorm_min()), 1},
                {of<Rep>(-limits::denorm_min()), 0},
                {of<Rep, std::nano>(limits::min()), 1},
                {of<Rep, std::atto>(limits::max()), infinite},
                {of<Rep>(Rep(-0.0)), 0},
                {of<Rep>(Rep(0.5)), giga / 2},
                {of<Rep>(Rep(-0.5)), -giga / 2},
                {of<Rep, std::ratio<3600>>(Rep(0x1p40)), (wide(1) << 40) * 3600 * giga}});
}

const std::vector<length>& lengths() {
    static const std::vector<length> all = [] {
        std::vector<length> some;
        add_all_extremes<chrono::nanoseconds, chrono::microseconds, chrono::milliseconds,
                         chrono::seconds, chrono::minutes, chrono::hours, chrono::days,
                         chrono::weeks, chrono::months, chrono::years>(some);
        add_all_extremes<of<std::int64_t, std::pico>, of<std::int64_t, std::femto>,
                         of<std::int64_t, std::atto>, of<std::uint64_t>,
                         of<std::uint64_t, std::nano>, of<std::uint8_t>,
                         of<std::int8_t, std::milli>>(some);
        add_floating_point<float>(some);
        add_floating_point<double>(some);
        add_floating_point<long double>(some);
        some.push_back({of<double>(1e300), infinite});
        return some;
    }();
    return all;
}

template <class Clock>
constexpr wide first_tick = Clock::duration::min().count();
template <class Clock>
constexpr wide last_tick = Clock::duration::max().count();

/// The tick at which a deadline should be; the last one means never.
template <class Clock>
wide tick_after(wide start, wide nanoseconds) {
    using period = typename Clock::period;
    const wide exact = start + divide_up(nanoseconds * period::den, period::num * giga);
    return std::clamp(exact, first_tick<Clock>, last_tick<Clock>);
}

/// The same for a time to live. An entry that has expired already must not become "never".
template <class Clock>
wide tick_after_lease(wide start, wide nanoseconds) {
    const wide tick = tick_after<Clock>(start, nanoseconds);
    return nanoseconds <= 0 && tick == last_tick<Clock> ? tick - 1 : tick;
}

/// The tick at which "key" expires. Afterwards the clock shows what it showed before.
template <class Cache>
wide deadline_of_key(Cache& cache) {
    using clock = typename Cache::clock;
    const auto now = std::exchange(clock::current, clock::time_point::min());
    wide tick = first_tick<clock>;
    if (result(cache.contains("key"))) {
        const auto deadline = result(cache.deadline("key"));
        tick = deadline ? wide(deadline->time_since_epoch().count()) : last_tick<clock>;
    }
    clock::current = now;
    return tick;
}

/// Whether "key" is alive exactly as long as its deadline is ahead, and the deadline lies between
/// the two. Erases the entry.
template <class Cache>
bool expires_between(Cache& cache, wide first, wide last) {
    using clock = typename Cache::clock;
    const wide tick = deadline_of_key(cache);
    const bool ahead =
        tick == last_tick<clock> || tick > wide(clock::current.time_since_epoch().count());
    const bool right = first <= tick && tick <= last && result(cache.contains("key")) == ahead;
    (void)result(cache.erase("key"));
    return right;
}

/// Sets the clock to its first and last times and to some in between, and calls `check(tick)` at
/// each.
template <class Clock, class Check>
void wherever_it_stands(Check check) {
    for (const auto stand : extremes_of<typename Clock::duration>()) {
        for (const auto time : {stand, stand / 2}) {
            Clock::current = typename Clock::time_point(time);
            check(wide(time.count()));
        }
    }
    Clock::reset();
}

using clock_32 = manual_clock<of<std::int32_t>>;
using many_days = of<std::int8_t, chrono::days::period>;
using picoseconds = of<std::int64_t, std::pico>;

/// What has gone wrong. An assertion for each check would take much longer.
using complaints = std::vector<std::string>;

std::string describe(wide now, ttl given) {
    return "the clock at " + std::to_string(std::int64_t(now)) + ", given " +
           std::to_string(given.seconds().count()) + " s and " +
           std::to_string(given.fraction().count()) + " ns";
}

template <class Entry, class Clock>
complaints check_lengths() {
    complaints wrong;
    cache_of<Entry, Clock> cache;
    wherever_it_stands<Clock>([&](wide now) {
        for (const auto& [given, nanoseconds] : lengths()) {
            const wide tick = tick_after_lease<Clock>(now, nanoseconds);
            const auto right = [&](bool stored) {
                return stored && expires_between(cache, tick, tick);
            };
            const cachetory::set_options lease = {.time_to_live = given};
            const auto one = [] { return 1; };
            if (!right(result(cache.set("key", 1, lease))) ||
                !right(result(cache.set_many({{"key", 1}}, lease)) == 1) ||
                !right(result(cache.get_or_set("key", one, given)) == 1) ||
                !right(result(cache.set("key", 1)) && result(cache.expire_in("key", given)))) {
                wrong.push_back(describe(now, given));
            }
        }
    });
    return wrong;
}

/// For deadlines that count by the clock of the cache or, if it is another, by the wall clock.
template <class TimePoint, class Cache>
void check_deadlines(Cache& cache, wide now, complaints& wrong) {
    using clock = typename Cache::clock;
    using counted = typename TimePoint::clock;
    constexpr bool own =
        std::same_as<counted, clock> || std::same_as<counted, typename clock::time_point::clock>;
    for (const auto given : extremes_of<typename TimePoint::duration>()) {
        const TimePoint deadline(given);
        const auto tick = [&] { // the later this is called, the earlier the tick
            return deadline == TimePoint::max() ? last_tick<clock>
                   : own                        ? tick_after<clock>(0, exact_nanoseconds(given))
                                                : tick_after_lease<clock>(
                               now, exact_nanoseconds(given) -
                                        exact_nanoseconds(counted::now().time_since_epoch()));
        };
        const auto right = [&](auto any_deadline) {
            const wide last = tick();
            return result(cache.set("key", 1)) && result(cache.expire_at("key", any_deadline)) &&
                   expires_between(cache, tick(), last);
        };
        if (!right(deadline) || !right(std::optional(deadline))) {
            wrong.push_back(describe(now, given));
        }
    }
}

template <class Entry, class Clock, class... TimePoints>
complaints check_deadlines_of() {
    complaints wrong;
    cache_of<Entry, Clock> cache;
    wherever_it_stands<Clock>(
        [&](wide now) { (check_deadlines<TimePoints>(cache, now, wrong), ...); });
    return wrong;
}

} // namespace

BACKEND_TEST_CASE("a time to live of any length is exact or saturates wherever the clock stands",
                  "[ttl][extremes][promise-5]",
                  backends_in_memory) {
    CHECK(check_lengths<TestType, manual_clock<>>() == complaints());
    CHECK(check_lengths<TestType, clock_32>() == complaints());
    CHECK(check_lengths<TestType, unix_clock>() == complaints());
}

BACKEND_TEST_CASE("a deadline of any type is exact or saturates wherever the clock stands",
                  "[ttl][extremes][promise-5]",
                  backends_in_memory) {
    using chrono::sys_time;
    using chrono::time_point;
    const complaints of_ns =
        check_deadlines_of<TestType, manual_clock<>, manual_clock<>::time_point,
                           time_point<manual_clock<>, chrono::hours>,
                           time_point<manual_clock<>, picoseconds>, sys_time<picoseconds>,
                           chrono::system_clock::time_point, sys_time<many_days>>();
    const complaints of_32 =
        check_deadlines_of<TestType, clock_32, clock_32::time_point,
                           time_point<clock_32, many_days>,
                           time_point<clock_32, chrono::nanoseconds>, chrono::sys_days>();
    const complaints of_unix =
        check_deadlines_of<TestType, unix_clock, chrono::sys_seconds,
                           time_point<unix_clock, chrono::hours>, sys_time<picoseconds>>();
    CHECK(of_ns == complaints());
    CHECK(of_32 == complaints());
    CHECK(of_unix == complaints());
}

namespace {

using real_clock = manual_clock<of<double>>;

real_clock::time_point real_time(double seconds) {
    return real_clock::time_point(of<double>(seconds));
}

} // namespace

BACKEND_TEST_CASE("a clock that counts in floating point saturates and loses no more than it must",
                  "[ttl][extremes][promise-5]",
                  backends_in_memory) {
    cache_of<TestType, real_clock> cache;
    for (const double now : {-1e6, -0.5, 0.0, 1000.25, 1e6}) {
        real_clock::current = real_time(now);
        for (const auto& [given, nanoseconds] : lengths()) {
            CAPTURE(now, given.seconds().count(), given.fraction().count());
            CHECK(result(cache.set("key", 1)));
            CHECK(result(cache.expire_in("key", given)));
            const bool alive = nanoseconds > 0;
            if (alive) {
                const auto deadline = result(cache.deadline("key"));
                const long double exact = now + static_cast<long double>(nanoseconds) / 1e9L;
                const long double most =
                    std::max(std::abs(exact), std::abs(static_cast<long double>(now)));
                CHECK(deadline.has_value() == (nanoseconds != infinite));
                CHECK((!deadline ||
                       std::abs(deadline->time_since_epoch().count() - exact) <= 0x1p-52L * most));
            }
            CHECK(result(cache.contains("key")) == alive);
        }
    }
    real_clock::reset();
}
