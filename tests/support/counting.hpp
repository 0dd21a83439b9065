// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_COUNTING_HPP
#define CACHETORY_TESTS_SUPPORT_COUNTING_HPP

#include "allocations.hpp"
#include "manual_clock.hpp"

#include <cstddef>

namespace support {

/// How often the operation allocates.
template <class Operation>
std::size_t allocations_of(Operation operation) {
    const std::size_t before = allocations();
    operation();
    return allocations() - before;
}

/// How many bytes the operation allocates.
template <class Operation>
std::size_t bytes_of(Operation operation) {
    const std::size_t before = allocated_bytes();
    operation();
    return allocated_bytes() - before;
}

/// How often the operation reads the clock.
template <class Clock = manual_clock<>, class Operation>
int reads_of(Operation operation) {
    Clock::reads = 0;
    operation();
    return Clock::reads;
}

} // namespace support

#endif
