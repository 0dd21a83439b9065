// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_ALLOCATIONS_HPP
#define CACHETORY_TESTS_SUPPORT_ALLOCATIONS_HPP

#include <cstddef>

// Counts what the calling thread requests from operator new, in a program that links
// allocations.cpp.
namespace support {

/// How often operator new has been called so far.
std::size_t allocations() noexcept;

/// How many bytes have been requested from operator new so far.
std::size_t allocated_bytes() noexcept;

/// Makes the n-th allocation from now on fail, or none if `n` is 0.
void fail_allocation(std::size_t n) noexcept;

} // namespace support

#endif
