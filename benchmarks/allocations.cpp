// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

constinit thread_local bench::allocation_count count;
constinit thread_local bool weighing = false;
constinit thread_local std::size_t weight = 0;

std::size_t weight_of(void* block) noexcept {
#if defined(__GLIBC__)
    return block == nullptr ? 0 : malloc_usable_size(block) + sizeof(std::size_t);
#else
    static_cast<void>(block);
    return 0;
#endif
}

void* counted(void* block, std::size_t size) {
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    ++count.calls;
    count.bytes += size;
    if (weighing) {
        weight += weight_of(block);
    }
    return block;
}

void release(void* block) noexcept {
    if (weighing) {
        weight -= weight_of(block);
    }
    std::free(block);
}

} // namespace

namespace bench {

allocation_count allocated() noexcept { return count; }

std::size_t heap_bytes() noexcept { return weight; }

void start_weighing() noexcept {
    weight = 0;
    weighing = true;
}

void stop_weighing() noexcept { weighing = false; }

} // namespace bench

void* operator new(std::size_t size) { return counted(std::malloc(size), size); }

void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto line = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(line, (size + line - 1) / line * line), size);
}

void operator delete(void* block) noexcept { release(block); }

void operator delete(void* block, std::size_t) noexcept { release(block); }

void operator delete(void* block, std::align_val_t) noexcept { release(block); }

void operator delete(void* block, std::size_t, std::align_val_t) noexcept { release(block); }
