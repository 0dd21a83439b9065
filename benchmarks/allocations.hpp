// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BENCHMARKS_ALLOCATIONS_HPP
#define CACHETORY_BENCHMARKS_ALLOCATIONS_HPP

#include <cstddef>

namespace bench {

/// What `operator new` has been asked for by this thread: cheap enough to count all the time.
struct allocation_count {
    std::size_t calls = 0;
    std::size_t bytes = 0;
};

allocation_count allocated() noexcept;

} // namespace bench

#endif
