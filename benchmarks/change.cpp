// SPDX-License-Identifier: MIT
// Overwriting, inserting, and storing again what has expired.
#include "contenders.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <memory>
#include <string_view>

namespace bench {
namespace {

template <class Contender>
void add_overwrite(const shape& of, std::string_view contender) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    benchmark::RegisterBenchmark(
        name("overwrite", of, sizeof(typename Contender::value_type), contender).c_str(),
        [=](benchmark::State& state) {
            Contender& full = (*cache)();
            const key_list& keys = workload_of(of).hits;
            std::size_t i = cache->position;
            for (auto _ : state) {
                full.set(keys[i], {i});
                if (++i == keys.size()) {
                    i = 0;
                }
            }
            cache->position = i;
            if (full.size() != of.entries) {
                state.SkipWithError("what was to be overwritten was not there");
            }
        });
}

/// From an empty cache to one with all entries, and its end.
template <class Contender>
void add_insert(const shape& of, std::string_view contender) {
    benchmark::RegisterBenchmark(
        name("insert", of, sizeof(typename Contender::value_type), contender).c_str(),
        [=](benchmark::State& state) {
            const key_list& keys = workload_of(of).stored;
            const auto count = benchmark::IterationCount(keys.size());
            while (state.KeepRunningBatch(count)) { // so the figures are for one entry
                Contender cache;
                for (std::size_t i = 0; i != keys.size(); ++i) {
                    cache.insert(keys[i], {i});
                }
                if (cache.size() != keys.size()) {
                    state.SkipWithError("what was to be inserted is not there");
                }
            }
        });
}

/// Not finding an entry, for it has expired, and storing it anew.
template <class Contender>
void add_expire(const shape& of, std::string_view contender) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    benchmark::RegisterBenchmark(
        name("expire_and_reinsert", of, sizeof(typename Contender::value_type), contender).c_str(),
        [=](benchmark::State& state) {
            Contender& full = (*cache)();
            const key_list& keys = workload_of(of).hits;
            const auto use = [](const auto& value) { consume(value); };
            std::size_t hits = 0;
            std::size_t i = cache->position;
            for (auto _ : state) {
                hits += std::size_t(full.find(keys[i], use));
                full.set(keys[i], {i});
                if (++i == keys.size()) {
                    i = 0;
                }
            }
            cache->position = i;
            if (hits != 0 || full.size() != of.entries) {
                state.SkipWithError("what was to expire did not");
            }
        });
}

template <class Value>
void add_all(const shape& of) {
    add_overwrite<bare<Value>>(of, "bare");
    add_overwrite<map_and_clock<Value, life::hour>>(of, "map_and_clock");
    add_overwrite<sync<Value, life::forever>>(of, "ours_never");
    add_overwrite<sync<Value, life::hour>>(of, "ours");
    add_overwrite<concurrent<Value, life::hour>>(of, "ours_concurrent");
    add_overwrite<hand_written<Value, life::hour>>(of, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add_overwrite<poco<Value, life::hour>>(of, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    add_overwrite<boost_flat<Value>>(of, "boost_flat");
#endif

    add_insert<bare<Value>>(of, "bare");
    add_insert<sync<Value, life::forever>>(of, "ours_never");
    add_insert<sync<Value, life::hour>>(of, "ours");
    add_insert<concurrent<Value, life::hour>>(of, "ours_concurrent");
    add_insert<hand_written<Value, life::hour>>(of, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add_insert<poco<Value, life::hour>>(of, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    add_insert<boost_flat<Value>>(of, "boost_flat");
#endif

    // Poco's is left out: each of its insertions sweeps all that has expired.
    add_expire<map_and_clock<Value, life::expired>>(of, "map_and_clock");
    add_expire<sync<Value, life::expired>>(of, "ours");
    add_expire<concurrent<Value, life::expired>>(of, "ours_concurrent");
    add_expire<hand_written<Value, life::expired>>(of, "hand_written");
}

} // namespace

void add_changes() {
    for (const std::size_t entries : {1000U, 100'000U}) {
        add_all<value<8>>({12, entries});
    }
    add_all<value<8>>({40, 100'000});
}

} // namespace bench
