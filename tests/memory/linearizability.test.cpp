// SPDX-License-Identifier: MIT
// Whether every single-key operation of the concurrent cache takes effect at one instant: thousands
// of short random histories, each of which must be explained by some order of its operations.
#include "support/catch.hpp"
#include "support/explorer.hpp"
#include "support/yielding.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/detail/adaptive_mutex.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>

using support::linearizability::explorer;

namespace {

template <class Mutex>
using cache_with = cachetory::concurrent_memory_backend<support::yielding_number,
                                                        support::yielding_clock,
                                                        cachetory::string_hash,
                                                        support::yielding<Mutex>>;

std::chrono::duration<double> time_to_explore() {
    const char* const seconds = std::getenv("CACHETORY_LINEARIZABILITY_SECONDS");
    return std::chrono::duration<double>(seconds ? std::atof(seconds) : 2.0);
}

} // namespace

TEMPLATE_TEST_CASE("the concurrent cache can be explained by one order of its operations",
                   "[linearizability][threads][promise-14]",
                   cachetory::detail::default_mutex,
                   std::mutex) {
    explorer<cache_with<TestType>> explore(20'240'601);
    const std::string fault = explore.find_fault(time_to_explore());
    std::cout << "linearizability: " << explore.histories << " histories, " << explore.overlaps
              << " overlapping pairs of operations\n";
    INFO(fault);
    CHECK(fault.empty());
    CHECK(explore.overlaps > 0);
}
