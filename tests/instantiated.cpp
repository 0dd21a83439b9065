// SPDX-License-Identifier: MIT
//
// Compiles every member of every class with warnings that are too strict for the tests themselves.
#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/ready_future.hpp>
#include <cachetory/serialized_backend.hpp>
#include <chrono>
#include <mutex>
#include <string>

template class cachetory::memory_backend<std::string>;
template class cachetory::memory_backend<std::string,
                                         std::chrono::steady_clock,
                                         cachetory::string_hash,
                                         cachetory::bounded>;
template class cachetory::concurrent_memory_backend<std::string>;
template class cachetory::concurrent_memory_backend<std::string,
                                                    std::chrono::steady_clock,
                                                    cachetory::string_hash,
                                                    std::mutex,
                                                    cachetory::bounded>;
template class cachetory::async_backend<cachetory::memory_backend<std::string>>;
template class cachetory::async_backend<cachetory::bounded_memory_backend<std::string>>;
template class cachetory::async_backend<cachetory::concurrent_memory_backend<std::string>>;
template class cachetory::serialized_backend<double, cachetory::memory_backend<std::string>>;
template class cachetory::ready_future<std::string>;
template class cachetory::ready_future<std::string&>;
template class cachetory::ready_future<void>;
