// SPDX-License-Identifier: MIT
// Overwriting, inserting, and storing expired entries again.
#include "contenders.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <memory>
#include <string_view>

namespace bench {
namespace {

/// `change(contender, key, value)` changes the entry of `key` and returns whether it was there.
template <class Contender, class Change>
void add(std::string_view operation, const shape& of, std::string_view contender, Change change) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    add_benchmark(name(operation, of, sizeof(typename Contender::value_type), contender),
                  [=](benchmark::State& state) {
                      Contender& full = (*cache)();
                      const key_list& keys = workload_of(of).hits;
                      std::size_t hits = 0;
                      std::size_t i = cache->position;
                      for (auto _ : state) {
                          hits +=
                              std::size_t(change(full, keys[i], typename Contender::value_type{i}));
                          if (++i == keys.size()) {
                              i = 0;
                          }
                      }
                      cache->position = i;
                      if (hits != std::size_t(state.iterations()) || full.size() != of.entries) {
                          state.SkipWithError("the entry to be changed is missing");
                      }
                  });
}

template <class Contender>
void add_overwrite(const shape& of, std::string_view contender) {
    add<Contender>("overwrite", of, contender,
                   [](Contender& full, std::string_view key, const auto& value) {
                       full.set(key, value);
                       return true;
                   });
}

/// A counter: adds to the stored value.
template <class Contender>
void add_set_or_use(const shape& of, std::string_view contender) {
    add<Contender>("set_or_visit", of, contender,
                   [](Contender& full, std::string_view key, const auto& value) {
                       return full.set_or_use(key, value, [](auto& found) { ++found[0]; });
                   });
}

template <class Contender>
void add_touch(const shape& of, std::string_view contender) {
    add<Contender>("touch", of, contender, [](Contender& full, std::string_view key, const auto&) {
        const auto found = full.touch(key);
        if (found) {
            consume(*found);
        }
        return bool(found);
    });
}

/// Erases a tenth of the entries. The time is that of one entry, erased or not; storing the tenth
/// again is not measured.
template <class Contender>
void add_erase_if(const shape& of, std::string_view contender) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    add_benchmark(
        name("erase_if", of, sizeof(typename Contender::value_type), contender),
        [=](benchmark::State& state) {
            Contender& full = (*cache)();
            const key_list& keys = workload_of(of).stored;
            const auto count = benchmark::IterationCount(keys.size());
            std::size_t tenth = 0;
            while (state.KeepRunningBatch(count)) { // so the figures are for one entry
                const double start = seconds();
                const std::size_t erased =
                    full.erase_if([&](const auto& value) { return value[0] % 10 == tenth; });
                state.SetIterationTime(seconds() - start);
                for (std::size_t i = tenth; i < keys.size(); i += 10) {
                    full.insert(keys[i], {i});
                }
                if (erased != keys.size() / 10) {
                    state.SkipWithError("not a tenth was erased");
                }
                tenth = (tenth + 1) % 10;
            }
        },
        manual_time);
}

/// Fills an empty cache with all entries, and destroys it.
template <class Contender>
void add_insert(const shape& of, std::string_view contender) {
    add_benchmark(name("insert", of, sizeof(typename Contender::value_type), contender),
                  [=](benchmark::State& state) {
                      const key_list& keys = workload_of(of).stored;
                      const auto count = benchmark::IterationCount(keys.size());
                      while (state.KeepRunningBatch(count)) { // so the figures are for one entry
                          Contender cache;
                          for (std::size_t i = 0; i != keys.size(); ++i) {
                              cache.insert(keys[i], {i});
                          }
                          if (cache.size() != keys.size()) {
                              state.SkipWithError("an inserted entry is missing");
                          }
                      }
                  });
}

/// A look-up that misses because the entry has expired, and storing it again.
template <class Contender>
void add_expire(const shape& of, std::string_view contender) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    add_benchmark(
        name("expire_and_reinsert", of, sizeof(typename Contender::value_type), contender),
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
                state.SkipWithError("an entry has not expired");
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
    add_overwrite<bounded<Value, life::hour>>(of, "ours_bounded");
    add_overwrite<hand_written<Value, life::hour>>(of, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add_overwrite<poco<Value, life::hour>>(of, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_TBB)
    add_overwrite<tbb_map<Value, life::hour>>(of, "tbb");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
    add_overwrite<boost_concurrent<Value, life::hour>>(of, "boost_concurrent");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    add_overwrite<boost_flat<Value>>(of, "boost_flat");
#endif

    add_insert<bare<Value>>(of, "bare");
    add_insert<sync<Value, life::forever>>(of, "ours_never");
    add_insert<sync<Value, life::hour>>(of, "ours");
    add_insert<concurrent<Value, life::hour>>(of, "ours_concurrent");
    add_insert<bounded<Value, life::hour>>(of, "ours_bounded");
    add_insert<hand_written<Value, life::hour>>(of, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add_insert<poco<Value, life::hour>>(of, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_TBB)
    add_insert<tbb_map<Value, life::hour>>(of, "tbb");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
    add_insert<boost_concurrent<Value, life::hour>>(of, "boost_concurrent");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    add_insert<boost_flat<Value>>(of, "boost_flat");
#endif

    add_set_or_use<bare<Value>>(of, "bare");
    add_set_or_use<map_and_clock<Value, life::hour>>(of, "map_and_clock");
    add_set_or_use<sync<Value, life::hour>>(of, "ours");
    add_set_or_use<concurrent<Value, life::hour>>(of, "ours_concurrent");
    add_set_or_use<hand_written<Value, life::hour>>(of, "hand_written");

    add_touch<map_and_clock<Value, life::hour>>(of, "map_and_clock");
    add_touch<sync<Value, life::hour>>(of, "ours");
    add_touch<concurrent<Value, life::hour>>(of, "ours_concurrent");
    add_touch<hand_written<Value, life::hour>>(of, "hand_written");

    // Poco's is left out: each of its insertions purges all expired entries.
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

    const shape many{12, 100'000};
    add_erase_if<bare<value<8>>>(many, "bare");
    add_erase_if<map_and_clock<value<8>, life::hour>>(many, "map_and_clock");
    add_erase_if<sync<value<8>, life::hour>>(many, "ours");
    add_erase_if<concurrent<value<8>, life::hour>>(many, "ours_concurrent");
#if defined(CACHETORY_BENCHMARK_BOOST)
    add_erase_if<boost_flat<value<8>>>(many, "boost_flat");
#endif
}

} // namespace bench
