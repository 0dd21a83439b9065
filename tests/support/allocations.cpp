// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> count = 0;
std::atomic<std::size_t> bytes = 0;
std::atomic<std::size_t> until_failure = 0;

void* allocate(std::size_t size, std::size_t alignment) {
    ++count;
    bytes += size;
    if (until_failure != 0 && --until_failure == 0) {
        throw std::bad_alloc();
    }
    const std::size_t whole =
        (size + alignment - 1) / alignment * alignment; // aligned_alloc asks for it
    if (void* p = std::aligned_alloc(alignment, whole == 0 ? alignment : whole)) {
        return p;
    }
    throw std::bad_alloc();
}

} // namespace

namespace support {

std::size_t allocations() noexcept { return count; }

std::size_t allocated_bytes() noexcept { return bytes; }
void fail_allocation(std::size_t n) noexcept { until_failure = n; }

} // namespace support

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }

void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return allocate(size, alignof(std::max_align_t));
    } catch (...) {
        return nullptr;
    }
}

void operator delete(void* p) noexcept { std::free(p); }

void operator delete(void* p, std::size_t) noexcept { std::free(p); }

void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }

void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
