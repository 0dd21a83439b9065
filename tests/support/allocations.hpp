// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_ALLOCATIONS_HPP
#define CACHETORY_TESTS_SUPPORT_ALLOCATIONS_HPP

#include <cstddef>

// What the calling thread asks of operator new: a program that links allocations.cpp counts it.
namespace support {

/// How often operator new has been called so far.
std::size_t allocations() noexcept;

/// How many bytes have been asked of operator new so far.
std::size_t allocated_bytes() noexcept;

/// Makes the n-th allocation from now on fail; 0: none.
void fail_allocation(std::size_t n) noexcept;

} // namespace support

#endif
