// SPDX-License-Identifier: MIT
#ifndef CACHETORY_MANUAL_CLOCK_HPP
#define CACHETORY_MANUAL_CLOCK_HPP

#include "ttl.hpp"
#include "version.hpp"

#include <atomic>
#include <chrono>

namespace cachetory {

/// A clock that stands still until it is told to move, so that tests of expiry need not sleep.
///
/// Give it to a backend as its `Clock`. There is one time for the whole program: a test begins with
/// `set(manual_clock::time_point())`. All functions are safe to call from several threads, and each
/// is atomic.
struct manual_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<manual_clock>;
    static constexpr bool is_steady = false; // set() may move it back

    /// Returns the time to which the clock was last moved; at first, its epoch.
    [[nodiscard]] static time_point now() noexcept { return time_point(duration(ticks_.load())); }

    /// Moves the clock forward, or back if `by` is negative. Saturates at both ends.
    static void advance(ttl by) noexcept {
        rep old = ticks_.load();
        const auto moved = [&] { return detail::saturating_add(time_point(duration(old)), by); };
        while (!ticks_.compare_exchange_weak(old, moved().time_since_epoch().count())) {
        }
    }

    /// Moves the clock to `time`.
    static void set(time_point time) noexcept { ticks_.store(time.time_since_epoch().count()); }

private:
    static inline std::atomic<rep> ticks_ = 0;
};

} // namespace cachetory

#endif
