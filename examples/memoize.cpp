// SPDX-License-Identifier: MIT
//
// A function that remembers its results in any backend.
#include <cachetory/backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <fmt/core.h>
#include <optional>

namespace {

/// Returns a function that calls `f` only if the result for the argument is not in `cache`, and
/// stores what `f` returns. The key is the argument as text, so each function needs a cache of its
/// own.
template <cachetory::backend Cache, class F>
auto memoize(Cache& cache, F f, std::optional<cachetory::ttl> time_to_live = {}) {
    return [&cache, f, time_to_live](const auto& argument) -> typename Cache::wire_type {
        return cache.get_or_set(
            fmt::format("{}", argument), [&] { return f(argument); }, time_to_live);
    };
}

/// How many steps of n / 2 or 3n + 1 lead from n to 1.
int count_steps(int n) {
    int steps = 0;
    for (; n != 1; ++steps) {
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    }
    return steps;
}

template <cachetory::backend Cache>
void demonstrate() {
    using namespace std::chrono_literals;
    Cache cache;
    int calls = 0;
    const auto counted = [&calls](int n) {
        ++calls;
        return count_steps(n);
    };
    const auto steps = memoize(cache, counted, 1h);
    for (const int n : {27, 97, 27, 27}) {
        fmt::print("{} steps from {}\n", steps(n), n);
    }
    fmt::print("{} calls\n", calls);
}

} // namespace

int main() {
    demonstrate<cachetory::memory_backend<int>>();
    demonstrate<cachetory::concurrent_memory_backend<int>>();
}
