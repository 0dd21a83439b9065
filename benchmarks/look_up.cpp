// SPDX-License-Identifier: MIT
// Finding what is there, and not finding what is not.
#include "allocations.hpp"
#include "contenders.hpp"
#include "workload.hpp"

#include <benchmark/benchmark.h>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {
namespace {

enum class outcome { hit, miss };

void report(benchmark::State& state, std::size_t allocations, std::size_t hits, outcome expected) {
    state.counters["allocations"] =
        benchmark::Counter(double(allocations), benchmark::Counter::kAvgIterations);
    if (hits != (expected == outcome::hit ? std::size_t(state.iterations()) : 0)) {
        state.SkipWithError("the look-ups found something else than expected");
    }
}

template <class Contender>
void look_up(benchmark::State& state,
             Contender& cache,
             const key_list& keys,
             std::size_t& position,
             outcome expected) {
    const auto use = [](const auto& value) { consume(value); };
    const std::size_t before = allocated().calls;
    std::size_t hits = 0;
    std::size_t i = position;
    for (auto _ : state) {
        hits += std::size_t(cache.find(keys[i], use));
        if (++i == keys.size()) {
            i = 0;
        }
    }
    position = i;
    report(state, allocated().calls - before, hits, expected);
}

template <class Contender>
void add(const shape& of, outcome expected, std::string_view contender) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    const std::string_view operation = expected == outcome::hit ? "find_hit" : "find_miss";
    benchmark::RegisterBenchmark(
        name(operation, of, sizeof(typename Contender::value_type), contender).c_str(),
        [=](benchmark::State& state) {
            const workload& work = workload_of(of);
            const key_list& keys = expected == outcome::hit ? work.hits : work.misses;
            look_up(state, (*cache)(), keys, cache->position, expected);
        });
}

/// A coroutine that runs at once. Were it ever to suspend, it would leave its work undone.
struct task {
    struct promise_type {
        task get_return_object() { return {}; }

        std::suspend_never initial_suspend() noexcept { return {}; }

        std::suspend_never final_suspend() noexcept { return {}; }

        void return_void() {}

        void unhandled_exception() { std::terminate(); }
    };
};

template <class Contender>
task look_up_awaiting(benchmark::State& state,
                      Contender& contender,
                      const key_list& keys,
                      std::size_t& position) {
    const std::size_t before = allocated().calls;
    std::size_t hits = 0;
    std::size_t i = position;
    for (auto _ : state) {
        consume(co_await contender.cache.get(keys[i]));
        ++hits;
        if (++i == keys.size()) {
            i = 0;
        }
    }
    position = i;
    report(state, allocated().calls - before, hits, outcome::hit);
}

template <class Value>
void add_awaiting(const shape& of) {
    using contender = async<Value, life::hour, verb::get>;
    const auto cache = std::make_shared<filled<contender>>(of);
    benchmark::RegisterBenchmark(name("find_hit", of, sizeof(Value), "async_co_await").c_str(),
                                 [=](benchmark::State& state) {
                                     look_up_awaiting(state, (*cache)(), workload_of(of).hits,
                                                      cache->position);
                                 });
}

template <class Value>
void add_hits(const shape& of) {
    constexpr auto hit = outcome::hit;
    add<bare<Value>>(of, hit, "bare");
    add<sync<Value, life::forever>>(of, hit, "ours_never");
    add<sync<Value, life::hour>>(of, hit, "ours");
#if defined(CACHETORY_BENCHMARK_BOOST)
    add<boost_flat<Value>>(of, hit, "boost_flat");
#endif
    if (of.entries > 100'000) {
        return; // what follows would tell nothing new, and take long to fill
    }
    add<wall_clock<Value, life::hour>>(of, hit, "ours_system_clock");
    add<concurrent<Value, life::hour>>(of, hit, "ours_concurrent");
    add<map_and_clock<Value, life::hour>>(of, hit, "map_and_clock");
    add<hand_written<Value, life::hour>>(of, hit, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add<poco<Value, life::hour>>(of, hit, "poco");
#endif
    if (of.key_size == 12 && of.pattern == access::uniform && sizeof(Value) == 8) {
        add<sync<Value, life::forever, verb::get>>(of, hit, "ours_never_get");
        add<sync<Value, life::hour, verb::get>>(of, hit, "ours_get");
        add<async<Value, life::hour, verb::get>>(of, hit, "async_get");
        add_awaiting<Value>(of);
    }
}

template <class Value>
void add_misses(const shape& of) {
    constexpr auto miss = outcome::miss;
    add<bare<Value>>(of, miss, "bare");
    add<sync<Value, life::hour>>(of, miss, "ours");
    add<async<Value, life::hour, verb::find>>(of, miss, "async_find");
    add<concurrent<Value, life::hour>>(of, miss, "ours_concurrent");
    add<hand_written<Value, life::hour>>(of, miss, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add<poco<Value, life::hour>>(of, miss, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    add<boost_flat<Value>>(of, miss, "boost_flat");
#endif
}

// Many keys at once

constexpr std::size_t many = 64;

/// Views of the keys asked for, in whole batches.
std::vector<std::string_view> batches(const key_list& keys) {
    std::vector<std::string_view> views(keys.size() / many * many);
    for (std::size_t i = 0; i != views.size(); ++i) {
        views[i] = keys[i];
    }
    return views;
}

/// `take(cache, keys)` looks up `keys` and returns how many hits it has consumed.
template <class Contender, class Take>
void add_bulk(const shape& of, std::string_view contender, Take take) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    benchmark::RegisterBenchmark(
        name("get_64", of, sizeof(typename Contender::value_type), contender).c_str(),
        [=](benchmark::State& state) {
            auto& full = (*cache)().cache;
            const std::vector<std::string_view> views = batches(workload_of(of).hits);
            const std::size_t before = allocated().calls;
            std::size_t hits = 0;
            std::size_t i = cache->position;
            while (state.KeepRunningBatch(many)) { // so the figures are for one key
                hits += take(full, std::span(views).subspan(i, many));
                if ((i += many) == views.size()) {
                    i = 0;
                }
            }
            cache->position = i;
            report(state, allocated().calls - before, hits, outcome::hit);
        });
}

template <class Value>
void add_bulks(const shape& of) {
    using keys_type = std::span<const std::string_view>;
    const auto one_by_one = [](auto& cache, keys_type keys) {
        std::size_t hits = 0;
        for (const std::string_view key : keys) {
            if (const auto found = cache.find(key)) {
                consume(*found);
                ++hits;
            }
        }
        return hits;
    };
    const auto at_once = [](auto& cache, keys_type keys) {
        const auto found = cache.get_many(keys);
        for (const auto& hit : found) {
            consume(hit.second);
        }
        return found.size();
    };
    add_bulk<sync<Value, life::hour>>(of, "ours_finds", one_by_one);
    add_bulk<sync<Value, life::hour>>(of, "ours_get_many", at_once);
    add_bulk<concurrent<Value, life::hour>>(of, "concurrent_finds", one_by_one);
    add_bulk<concurrent<Value, life::hour>>(of, "concurrent_get_many", at_once);
}

// Two threads, on different keys

template <class Contender>
void add_threads(const shape& of, std::string_view contender) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    benchmark::RegisterBenchmark(
        name("find_threads", of, sizeof(typename Contender::value_type), contender).c_str(),
        [=](benchmark::State& state) {
            const key_list& keys = workload_of(of).halves[std::size_t(state.thread_index())];
            std::size_t position = 0;
            look_up(state, (*cache)(), keys, position, outcome::hit);
        })
        ->UseRealTime()
        ->Threads(1)
        ->Threads(2);
}

} // namespace

void add_look_ups() {
    for (const std::size_t key_size : {12U, 40U}) {
        for (const std::size_t entries : {1000U, 100'000U}) {
            const shape of{key_size, entries};
            add_hits<value<8>>(of);
            add_misses<value<8>>(of);
        }
    }
    add_hits<value<8>>({12, 1'000'000});
    add_hits<value<8>>({12, 100'000, access::zipf});
    add_hits<value<200>>({12, 100'000});
    for (const std::size_t entries : {1000U, 100'000U}) {
        const shape of{12, entries};
        add_bulks<value<8>>(of);
        add_threads<concurrent<value<8>, life::hour>>(of, "ours_concurrent");
        add_threads<hand_written<value<8>, life::hour>>(of, "hand_written");
    }
}

} // namespace bench
