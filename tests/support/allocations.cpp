// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include <cstdlib>
#include <new>
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace {

constinit thread_local std::size_t count = 0;
constinit thread_local std::size_t bytes = 0;
constinit thread_local std::size_t until_failure = 0;

void* aligned(std::size_t size, std::size_t alignment) {
#if defined(_WIN32) // has no std::aligned_alloc
    return _aligned_malloc(size, alignment);
#else
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
#endif
}

void free_aligned(void* block) {
#if defined(_WIN32)
    _aligned_free(block);
#else
    std::free(block);
#endif
}

/// Counts an allocation. Throws if this is the one that is to fail.
void count_allocation(std::size_t size) {
    ++count;
    bytes += size;
    if (until_failure != 0 && --until_failure == 0) {
        throw std::bad_alloc();
    }
}

void* checked(void* block) { return block != nullptr ? block : throw std::bad_alloc(); }

} // namespace

namespace support {

std::size_t allocations() noexcept { return count; }

std::size_t allocated_bytes() noexcept { return bytes; }

void fail_allocation(std::size_t n) noexcept { until_failure = n; }

} // namespace support

void* operator new(std::size_t size) {
    count_allocation(size);
    return checked(std::malloc(size == 0 ? 1 : size));
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    count_allocation(size);
    return checked(aligned(size == 0 ? 1 : size, static_cast<std::size_t>(alignment)));
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return operator new(size);
    } catch (...) {
        return nullptr;
    }
}

void operator delete(void* block) noexcept { std::free(block); }

void operator delete(void* block, std::size_t) noexcept { std::free(block); }

void operator delete(void* block, std::align_val_t) noexcept { free_aligned(block); }

void operator delete(void* block, std::size_t, std::align_val_t) noexcept { free_aligned(block); }
