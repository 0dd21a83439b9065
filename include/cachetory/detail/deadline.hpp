// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_DEADLINE_HPP
#define CACHETORY_DETAIL_DEADLINE_HPP

#include "../ttl.hpp"
#include "../version.hpp"

#include <chrono>
#include <concepts>
#include <ctime>
#include <optional>

namespace cachetory::detail {

/// The deadline of an entry that never expires.
template <class TimePoint>
inline constexpr TimePoint never = (TimePoint::max)();

/// A clock whose times can be deadlines of `Clock`: `Clock`, the clock of its time points, or the
/// wall clock.
template <class C, class Clock>
concept deadline_clock =
    std::same_as<C, Clock> || std::same_as<C, typename Clock::time_point::clock> ||
    std::same_as<C, std::chrono::system_clock>;

template <class Clock, deadline_clock<Clock> C, class Duration>
void accept_deadline(const std::chrono::time_point<C, Duration>&);
template <class Clock, deadline_clock<Clock> C, class Duration>
void accept_deadline(const std::optional<std::chrono::time_point<C, Duration>>&);

/// A time of such a clock, or an optional one.
template <class T, class Clock>
concept deadline_of = requires(const T& given) {
    detail::accept_deadline<Clock>(given);
};

/// `horizon()` returns a time that `Clock` has certainly not reached yet, and costs little. If it
/// cannot be certain of any time, it returns the last one.
///
/// Linux has coarse clocks, which show the time of the last timer interrupt: they lag some
/// milliseconds behind the precise ones and never run ahead of them. So the horizon is the coarse
/// time plus one second. An entry is served too late only if the interrupts stop for more than a
/// second while the processor runs. Wrap `std::chrono::steady_clock` in a clock type of your own to
/// opt out.
template <class Clock>
struct coarse_clock {
    static constexpr bool exists = false;
};

#if defined(__linux__) && defined(CLOCK_MONOTONIC_COARSE) && defined(CLOCK_REALTIME_COARSE)
template <class Clock, ::clockid_t Id>
struct linux_coarse_clock {
    static constexpr bool exists = true;

    static typename Clock::time_point horizon() {
        std::timespec coarse{};
        if (::clock_gettime(Id, &coarse) != 0) {
            return (Clock::time_point::max)();
        }
        // Converted before they are added, because std::time_t may have 32 bits.
        const std::chrono::seconds seconds(coarse.tv_sec);
        const std::chrono::nanoseconds fraction(coarse.tv_nsec);
        return typename Clock::time_point(std::chrono::duration_cast<typename Clock::duration>(
            seconds + std::chrono::seconds(1) + fraction));
    }
};

template <>
struct coarse_clock<std::chrono::steady_clock>
    : linux_coarse_clock<std::chrono::steady_clock, CLOCK_MONOTONIC_COARSE> {};
template <>
struct coarse_clock<std::chrono::system_clock>
    : linux_coarse_clock<std::chrono::system_clock, CLOCK_REALTIME_COARSE> {};
#endif

/// The moment at which one operation takes place: the clock is read when it is first needed, and
/// not again.
///
/// So one operation sees one time, however many entries it looks at, and an operation that meets no
/// deadline does not pay for the clock. (With a coarse clock, an operation that lasts longer than
/// its horizon may read the precise one late, and so find one entry alive and another one, with the
/// same deadline, expired.)
template <class Clock>
class moment {
public:
    using time_point = typename Clock::time_point;

    /// Whether an entry with this deadline has expired, which it does at that very instant.
    [[nodiscard]] bool has_passed(time_point deadline) {
        if (deadline > alive_after_ || deadline == never<time_point>) {
            return false;
        }
        if constexpr (coarse_clock<Clock>::exists) {
            // The coarse clock takes a third of the time to read, and decides most cases.
            if (alive_after_ == (time_point::max)()) {
                alive_after_ = coarse_clock<Clock>::horizon();
                if (deadline > alive_after_) {
                    return false;
                }
            }
        }
        alive_after_ = now();
        return !(deadline > alive_after_); // not <=: it may be NaN
    }

    // resolve() returns the deadline that a caller's argument stands for. The largest value of any
    // type means "never". All others are rounded up to a tick of `Clock`, and saturate.

    [[nodiscard]] time_point resolve(const std::optional<ttl>& time_to_live) {
        return time_to_live ? cachetory::deadline_after(now(), *time_to_live) : never<time_point>;
    }

    /// If `Clock` is not the wall clock, a time of the wall clock becomes the time of `Clock` that
    /// is as far from now.
    template <deadline_clock<Clock> C, class Duration>
    [[nodiscard]] time_point resolve(const std::chrono::time_point<C, Duration>& deadline) {
        using given = std::chrono::time_point<C, Duration>;
        if constexpr (std::same_as<given, time_point>) {
            return deadline;
        } else if (deadline == never<given>) {
            return never<time_point>;
        } else if constexpr (std::same_as<C, Clock> ||
                             std::same_as<C, typename time_point::clock>) {
            return detail::saturating_add(time_point(), deadline.time_since_epoch());
        } else {
            const ttl wall_now = C::now().time_since_epoch();
            const ttl wall_deadline = deadline.time_since_epoch();
            return cachetory::deadline_after(now(), wall_deadline - wall_now);
        }
    }

    template <deadline_clock<Clock> C, class Duration>
    [[nodiscard]] time_point
    resolve(const std::optional<std::chrono::time_point<C, Duration>>& deadline) {
        return deadline ? resolve(*deadline) : never<time_point>;
    }

private:
    time_point now() {
        if (!now_) {
            now_ = Clock::now();
        }
        return *now_;
    }

    time_point alive_after_ = (time_point::max)(); // a later deadline has not passed
    std::optional<time_point> now_ = {};
};

} // namespace cachetory::detail

#endif
