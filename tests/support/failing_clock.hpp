// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_FAILING_CLOCK_HPP
#define CACHETORY_TESTS_SUPPORT_FAILING_CLOCK_HPP

#include "manual_clock.hpp"

#include <stdexcept>

namespace support {

/// A clock that cannot be read while it is `broken`.
struct failing_clock : manual_clock<> {
    struct error : std::runtime_error {
        error() : std::runtime_error("the clock cannot be read") {}
    };

    static time_point now() {
        if (broken) {
            throw error();
        }
        return manual_clock::now();
    }

    static inline bool broken = false;
};

/// Whether the operation throws what the broken clock throws. Afterwards the clock works again.
template <class Operation>
bool fails_without_clock(Operation operation) {
    failing_clock::broken = true;
    bool failed = false;
    try {
        operation();
    } catch (const failing_clock::error&) {
        failed = true;
    }
    failing_clock::broken = false;
    return failed;
}

} // namespace support

#endif
