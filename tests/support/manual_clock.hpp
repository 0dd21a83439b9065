// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_MANUAL_CLOCK_HPP
#define CACHETORY_TESTS_SUPPORT_MANUAL_CLOCK_HPP

#include <chrono>

namespace support {

/// A clock that a test sets, and that counts how often it is read.
template <class Duration = std::chrono::nanoseconds>
struct manual_clock {
    using duration = Duration;
    using rep = typename duration::rep;
    using period = typename duration::period;
    using time_point = std::chrono::time_point<manual_clock>;
    static constexpr bool is_steady = false;

    static time_point now() {
        ++reads;
        return current;
    }

    /// Call this first in a test. Sets the clock to 1,000 ticks after the epoch, with no reads.
    static void reset() {
        current = at(1000);
        reads = 0;
    }

    static void advance(duration by) { current += by; }

    static constexpr time_point at(rep count) { return time_point(duration(count)); }

    static inline time_point current = at(1000);
    static inline int reads = 0;
};

} // namespace support

#endif
