// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_CLOCKS_HPP
#define CACHETORY_TESTS_SUPPORT_CLOCKS_HPP

#include <chrono>

namespace support {

/// A clock that a test sets, and whose times are those of the wall clock, in seconds.
struct unix_clock {
    using duration = std::chrono::seconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::sys_seconds;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() {
        ++reads;
        return current;
    }

    /// Call this first in a test. Sets the clock to 1,000 s after the epoch, with no reads.
    static void reset() {
        current = time_point(duration(1000));
        reads = 0;
    }

    static inline time_point current = time_point(duration(1000));
    static inline int reads = 0;
};

} // namespace support

#endif
