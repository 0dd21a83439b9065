// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

constinit thread_local bench::allocation_count count;

void* counted(void* block, std::size_t size) {
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    ++count.calls;
    count.bytes += size;
    return block;
}

} // namespace

namespace bench {

allocation_count allocated() noexcept { return count; }

} // namespace bench

void* operator new(std::size_t size) { return counted(std::malloc(size), size); }

void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto line = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(line, (size + line - 1) / line * line), size);
}

void operator delete(void* block) noexcept { std::free(block); }

void operator delete(void* block, std::size_t) noexcept { std::free(block); }

void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }

void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
