// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_MANUAL_CLOCK_HPP
#define CACHETORY_TESTS_SUPPORT_MANUAL_CLOCK_HPP

#include <chrono>

namespace support {

/// A clock that stands where a test puts it, and counts how often it is read.
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

    /// To be called first in a test: 1,000 ticks after the epoch, no reads.
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
