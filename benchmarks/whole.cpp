// SPDX-License-Identifier: MIT
// How much memory a cache takes, and how long a purge pauses it.
#include "../tests/support/allocations.hpp"
#include "contenders.hpp"
#include "workload.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <string_view>

namespace bench {
namespace {

using expired = sync<value<8>, life::expired>;

void fill(expired& cache, const shape& of) {
    const key_list& keys = workload_of(of).stored;
    for (std::size_t i = 0; i != keys.size(); ++i) {
        cache.insert(keys[i], {i});
    }
}

void purge_at_once(benchmark::State& state, const shape& of) {
    for (auto _ : state) {
        expired filled;
        fill(filled, of);
        const double start = seconds();
        if (filled.cache.purge_expired() != of.entries) {
            state.SkipWithError("something was left");
        }
        state.SetIterationTime(seconds() - start);
    }
}

/// The time is that of the longest call.
void purge_in_steps(benchmark::State& state, const shape& of) {
    for (auto _ : state) {
        expired filled;
        fill(filled, of);
        double longest = 0;
        while (!filled.cache.empty()) {
            const double start = seconds();
            filled.cache.purge_expired(1000);
            longest = std::max(longest, seconds() - start);
        }
        state.SetIterationTime(longest);
    }
}

template <class Contender>
void add_weight(const shape& of, std::string_view contender) {
    add_benchmark(
        name("memory", of, sizeof(typename Contender::value_type), contender),
        [=](benchmark::State& state) {
            const key_list& keys = workload_of(of).stored;
            for (auto _ : state) {
                Contender cache;
                cache.reserve(of.entries); // so that only one node is allocated for each entry
                const std::size_t before = support::allocated_bytes();
                for (std::size_t i = 0; i != keys.size(); ++i) {
                    cache.insert(keys[i], {i});
                }
                state.counters["node_bytes"] =
                    double(support::allocated_bytes() - before) / double(of.entries);
                state.SetIterationTime(1e-9); // not used
            }
        },
        manual_time_once);
}

} // namespace

void add_whole_caches() {
    const shape million{12, 1'000'000};
    const auto add_purge = [&](std::string_view contender, auto purge) {
        add_benchmark(
            name("purge", million, 8, contender),
            [=](benchmark::State& state) { purge(state, million); }, manual_time_once);
    };
    add_purge("all_at_once", purge_at_once);
    add_purge("calls_of_1000", purge_in_steps);

    for (const std::size_t key_size : {12U, 40U}) {
        const shape of{key_size, 100'000};
        add_weight<values_only<value<8>>>(of, "values_only");
        add_weight<bare<value<8>>>(of, "bare");
        add_weight<sync<value<8>, life::hour>>(of, "ours");
    }
}

} // namespace bench
