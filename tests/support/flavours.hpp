// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_FLAVOURS_HPP
#define CACHETORY_TESTS_SUPPORT_FLAVOURS_HPP

#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/ready_future.hpp>

#include <utility>

/// What a test that holds for every flavour is instantiated with.
#define CACHETORY_FLAVOURS                                                                         \
    flavour::sync, flavour::async, flavour::concurrent, flavour::async_concurrent

namespace flavour {

struct sync {
    template <class Wire, class Clock>
    using backend = cachetory::memory_backend<Wire, Clock>;
    static constexpr bool sharded = false; ///< Bulk verbs may read the clock once for each lock.
};

struct async {
    template <class Wire, class Clock>
    using backend = cachetory::async_memory_backend<Wire, Clock>;
    static constexpr bool sharded = false;
};

struct concurrent {
    template <class Wire, class Clock>
    using backend = cachetory::concurrent_memory_backend<Wire, Clock>;
    static constexpr bool sharded = true;
};

/// Only for values that can be copied: others cannot be had from `get`, as a `backend` must.
struct async_concurrent {
    template <class Wire, class Clock>
    using backend = cachetory::async_backend<cachetory::concurrent_memory_backend<Wire, Clock>>;
    static constexpr bool sharded = true;
};

} // namespace flavour

namespace support {

/// What an operation of any flavour comes to: waits for futures, passes plain results through.
template <class T>
T result(T&& plain) {
    return std::forward<T>(plain);
}

template <class T>
T result(cachetory::ready_future<T>&& future) {
    return future.get();
}

} // namespace support

#endif
