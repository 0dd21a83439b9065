// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_RESULT_HPP
#define CACHETORY_TESTS_SUPPORT_RESULT_HPP

#include <cachetory/ready_future.hpp>

#include <utility>

namespace support {

/// What an operation of any backend returns: the value of a ready future, a plain value as it is.
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
