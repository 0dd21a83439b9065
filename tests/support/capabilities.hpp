// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_CAPABILITIES_HPP
#define CACHETORY_TESTS_SUPPORT_CAPABILITIES_HPP

namespace support {

// Which of the verbs that not every backend has can be called.

template <class Cache>
concept purges = requires(Cache& cache) {
    cache.purge_expired(1U);
};

template <class Cache>
concept evicts = requires(Cache& cache) {
    cache.evict(1U);
};

template <class Cache>
concept reserves = requires(Cache& cache) {
    cache.reserve(1U);
};

} // namespace support

#endif
