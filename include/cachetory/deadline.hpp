// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DEADLINE_HPP
#define CACHETORY_DEADLINE_HPP

#include "backend.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>
#include <ratio>
#include <type_traits>

namespace cachetory {

/// The deadline that never passes: an entry that has it never expires.
template <class TimePoint>
inline constexpr TimePoint never = TimePoint::max();

/// Returns the time `span` after `start`, rounded up to a tick, the nearest there is if it is out
/// of range, or if ticks are floating-point numbers.
template <class TimePoint>
[[nodiscard]] constexpr TimePoint saturating_add(TimePoint start, ttl span) noexcept;

/// A clock whose times can be deadlines of `Clock`: the one that `Clock` counts by, or the wall
/// clock.
template <class C, class Clock>
concept deadline_clock =
    std::same_as<C, Clock> || std::same_as<C, typename Clock::time_point::clock> ||
    std::same_as<C, std::chrono::system_clock>;

namespace detail {

inline constexpr int no_clock = -1;

/// The id of the system's coarse clock that goes with `Clock`.
template <class Clock>
inline constexpr int coarse_clock = no_clock;

#if defined(__linux__) && defined(CLOCK_MONOTONIC_COARSE) && defined(CLOCK_REALTIME_COARSE)
template <>
inline constexpr int coarse_clock<std::chrono::steady_clock> = CLOCK_MONOTONIC_COARSE;
template <>
inline constexpr int coarse_clock<std::chrono::system_clock> = CLOCK_REALTIME_COARSE;
#endif

} // namespace detail

/// The moment at which one operation takes place: the clock is read when it is first needed, and no
/// more.
///
/// So one operation sees one time, however many entries it looks at, and an operation that meets no
/// deadline does not pay for the clock.
template <class Clock>
class moment {
public:
    using time_point = typename Clock::time_point;

    /// Whether an entry with this deadline is expired: dead at the very instant.
    [[nodiscard]] bool has_passed(time_point deadline) {
        if (deadline > alive_after_ || deadline == never<time_point>) {
            return false;
        }
        if constexpr (detail::coarse_clock<Clock> != detail::no_clock) {
            // What is far ahead, the coarse clock can tell, for a fraction of the price.
            if (alive_after_ == time_point::max()) {
                alive_after_ = horizon();
                if (deadline > alive_after_) {
                    return false;
                }
            }
        }
        alive_after_ = now();
        return !(deadline > alive_after_); // not <=: it may be NaN
    }

    /// The deadline of an entry that is to live for `time_to_live` from now on.
    [[nodiscard]] time_point after(const std::optional<ttl>& time_to_live) {
        return time_to_live ? from_now(*time_to_live) : never<time_point>;
    }

    /// `deadline` as one of this clock, rounded up to its tick. The largest value of any type means
    /// "never". A time of the wall clock, where `Clock` is another, is as far from now as it is on
    /// the wall clock.
    template <deadline_clock<Clock> C, class Duration>
    [[nodiscard]] time_point at(std::chrono::time_point<C, Duration> deadline) {
        using given = std::chrono::time_point<C, Duration>;
        if constexpr (std::same_as<given, time_point>) {
            return deadline;
        } else if (deadline == never<given>) {
            return never<time_point>;
        } else if constexpr (std::same_as<C, Clock> ||
                             std::same_as<C, typename time_point::clock>) {
            return saturating_add(time_point(), deadline.time_since_epoch());
        } else {
            const ttl wall_now = C::now().time_since_epoch();
            return from_now(deadline.time_since_epoch() - wall_now);
        }
    }

private:
    time_point from_now(ttl span) {
        const time_point deadline = saturating_add(now(), span);
        const ttl zero = std::chrono::seconds(0);
        if (deadline == never<time_point> && (span.seconds() < zero.seconds() || span == zero)) {
            // At the very end of the clock, what is expired already must not be taken for "never".
            const time_point before = deadline - typename time_point::duration(1);
            return before < deadline ? before : time_point::min(); // too large a float has no ticks
        }
        return deadline;
    }

    time_point now() {
        if (!now_) {
            now_ = Clock::now();
        }
        return *now_;
    }

    /// A time that the precise clock has not reached for certain: one second after the coarse time.
    ///
    /// Linux's coarse clocks show the time of the last timer interrupt: they lag some milliseconds
    /// behind the precise ones and never run ahead of them. Only if the interrupts stopped for a
    /// whole second, with the processor running, would an entry be served too late, by as much. A
    /// clock type of one's own that forwards to `std::chrono::steady_clock` does without.
    static time_point horizon() {
        std::timespec coarse{};
        if (::clock_gettime(detail::coarse_clock<Clock>, &coarse) != 0) {
            return time_point::max(); // nothing is certain: ask the precise clock
        }
        const std::chrono::seconds seconds(coarse.tv_sec + 1);
        const std::chrono::nanoseconds fraction(coarse.tv_nsec);
        return time_point(
            std::chrono::duration_cast<typename time_point::duration>(seconds + fraction));
    }

    time_point alive_after_ = time_point::max(); // deadlines that are later have not passed
    std::optional<time_point> now_;
};

template <class TimePoint>
constexpr TimePoint saturating_add(TimePoint start, ttl span) noexcept {
    using duration = typename TimePoint::duration;
    using rep = typename duration::rep;
    using period = typename duration::period;

    if constexpr (std::chrono::treat_as_floating_point_v<rep>) {
        if (span == ttl::max()) {
            return TimePoint::max();
        }
        return start + duration(span.seconds()) + duration(span.fraction());
    } else {
        // The distance in ticks as an unsigned magnitude, which holds every distance between two
        // rep: so start may stand anywhere. Rounding up makes a positive magnitude larger, a
        // negative smaller.
        constexpr auto most = std::numeric_limits<std::uint64_t>::max();
        constexpr std::uint64_t num = period::num;
        constexpr std::uint64_t den = period::den;
        using per_nanosecond = std::ratio_divide<std::nano, std::ratio<1, period::den>>;
        static_assert(per_nanosecond::num <= most / 1'000'000'000,
                      "cachetory: the clock's tick is too fine, or too odd a fraction");

        const bool back = span.seconds().count() < 0;
        const bool partial = span.fraction().count() != 0;
        const auto fraction = static_cast<std::uint64_t>(
            back && partial ? 1'000'000'000 - span.fraction().count() : span.fraction().count());
        auto seconds = static_cast<std::uint64_t>(span.seconds().count());
        if (back) {
            seconds = 0 - seconds - (partial ? 1 : 0);
        }

        const auto divide = [back](std::uint64_t a, std::uint64_t b) {
            return a / b + (!back && a % b != 0 ? 1 : 0);
        };
        const std::uint64_t part = divide(fraction * per_nanosecond::num, per_nanosecond::den);
        const bool fits =
            span != ttl::max() && span != ttl::min() && seconds <= (most - part) / den;
        const std::uint64_t ticks = fits ? divide(seconds * den + part, num) : most;

        const auto from = static_cast<std::uint64_t>(start.time_since_epoch().count());
        const auto room = back ? from - static_cast<std::uint64_t>(duration::min().count())
                               : static_cast<std::uint64_t>(duration::max().count()) - from;
        if (ticks >= room) {
            return back ? TimePoint::min() : TimePoint::max();
        }
        return TimePoint(duration(static_cast<rep>(back ? from - ticks : from + ticks)));
    }
}

} // namespace cachetory

#endif
