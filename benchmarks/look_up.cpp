// SPDX-License-Identifier: MIT
// Look-ups that hit, and look-ups that miss.
#include "../tests/support/allocations.hpp"
#include "../tests/support/coroutine.hpp"
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
        state.SkipWithError("the look-ups did not find what they should");
    }
}

/// `ask(cache, key)` looks up `key` and returns whether it was there. Contenders that share a cache
/// differ in nothing but how they ask: where its entries lie in memory matters more than that.
template <class Contender, class Ask>
void add(const full<Contender>& cache,
         const shape& of,
         outcome expected,
         std::string_view contender,
         Ask ask,
         std::string_view hit = "find_hit",
         std::string_view miss = "find_miss") {
    const std::string_view operation = expected == outcome::hit ? hit : miss;
    add_benchmark(name(operation, of, sizeof(typename Contender::value_type), contender),
                  [=](benchmark::State& state) {
                      const workload& work = workload_of(of);
                      Contender& asked = (*cache)();
                      const std::size_t before = support::allocations();
                      const std::size_t hits = look_up(
                          state, expected == outcome::hit ? work.hits : work.misses,
                          cache->position, [&](std::string_view key) { return ask(asked, key); });
                      report(state, support::allocations() - before, hits, expected);
                  });
}

template <class Contender>
void add(const shape& of, outcome expected, std::string_view contender) {
    add(std::make_shared<filled<Contender>>(of), of, expected, contender, find);
}

// The same cache asked in several ways

constexpr auto find_sync = [](auto& contender, std::string_view key) {
    const auto* found = contender.cache.synchronous().find(key);
    if (found != nullptr) {
        consume(*found);
    }
    return found != nullptr;
};
constexpr auto find_async = [](auto& contender, std::string_view key) {
    const auto* found = contender.cache.find(key).get();
    if (found != nullptr) {
        consume(*found);
    }
    return found != nullptr;
};
constexpr auto get_sync = [](auto& contender, std::string_view key) {
    consume(contender.cache.synchronous().get(key));
    return true;
};
constexpr auto get_async = [](auto& contender, std::string_view key) {
    consume(contender.cache.get(key).get());
    return true;
};

/// An address or an error to await, with as little around it as we could think of.
template <class Value>
struct value_or_error {
    bool await_ready() const noexcept { return true; }

    void await_suspend(std::coroutine_handle<>) const noexcept {}

    Value& await_resume() const {
        if (value == nullptr) {
            std::rethrow_exception(error);
        }
        return *value;
    }

    Value* value;
    std::exception_ptr error;
};

enum class awaiting { nothing, least, future };

/// A coroutine keeps its variables in its frame, which costs time. So even the contender that
/// awaits nothing is a coroutine.
template <awaiting Awaiting, class Contender>
support::task get_in_coroutine(benchmark::State& state,
                               Contender& contender,
                               const key_list& keys,
                               std::size_t& position) {
    const std::size_t before = support::allocations();
    std::size_t hits = 0;
    std::size_t i = position;
    for (auto _ : state) {
        if constexpr (Awaiting == awaiting::future) {
            consume(co_await contender.cache.get(keys[i]));
        } else if constexpr (Awaiting == awaiting::least) {
            using value = typename Contender::value_type;
            consume(
                co_await value_or_error<value>{&contender.cache.synchronous().get(keys[i]), {}});
        } else {
            consume(contender.cache.synchronous().get(keys[i]));
        }
        ++hits;
        if (++i == keys.size()) {
            i = 0;
        }
    }
    position = i;
    report(state, support::allocations() - before, hits, outcome::hit);
    co_return;
}

template <awaiting Awaiting, class Contender>
void add_coroutine(const full<Contender>& cache, const shape& of, std::string_view contender) {
    add_benchmark(name("ways_hit", of, sizeof(typename Contender::value_type), contender),
                  [=](benchmark::State& state) {
                      get_in_coroutine<Awaiting>(state, (*cache)(), workload_of(of).hits,
                                                 cache->position);
                  });
}

template <class Value>
void add_ways_to_ask(const shape& of) {
    using contender = async<Value, life::hour>;
    const auto cache = std::make_shared<filled<contender>>(of);
    const auto add_way = [&](outcome expected, std::string_view way, auto ask) {
        add(cache, of, expected, way, ask, "ways_hit", "ways_miss");
    };
    add_way(outcome::hit, "ours_find", find_sync);
    add_way(outcome::hit, "ours_get", get_sync);
    add_way(outcome::hit, "async_get", get_async);
    add_coroutine<awaiting::nothing>(cache, of, "ours_get_in_coroutine");
    add_coroutine<awaiting::least>(cache, of, "least_co_await");
    add_coroutine<awaiting::future>(cache, of, "async_co_await");
    add_way(outcome::miss, "ours_find", find_sync);
    add_way(outcome::miss, "async_find", find_async);
}

/// How the time of a hit depends on the number of entries.
template <class Value>
void add_growth(const shape& of) {
    const auto add_one = [&]<class Contender>(std::string_view contender,
                                              const full<Contender>& cache) {
        add(cache, of, outcome::hit, contender, find, "growth");
    };
    add_one("bare", std::make_shared<filled<bare<Value>>>(of));
    add_one("ours", std::make_shared<filled<sync<Value, life::hour>>>(of));
    add_one("ours_concurrent", std::make_shared<filled<concurrent<Value, life::hour>>>(of));
#if defined(CACHETORY_BENCHMARK_BOOST)
    add_one("boost_flat", std::make_shared<filled<boost_flat<Value>>>(of));
#endif
}

template <class Value>
void add_hits(const shape& of) {
    constexpr auto hit = outcome::hit;
    add<bare<Value>>(of, hit, "bare");
    add<bare_with_our_hash<Value>>(of, hit, "bare_with_our_hash");
    const auto never = std::make_shared<filled<sync<Value, life::forever>>>(of);
    add(never, of, hit, "ours_never", find);
    add(never, of, hit, "ours_never_get", [](auto& contender, std::string_view key) {
        consume(contender.cache.get(key));
        return true;
    });
    add<sync<Value, life::hour>>(of, hit, "ours");
#if defined(CACHETORY_BENCHMARK_BOOST)
    add<boost_flat<Value>>(of, hit, "boost_flat");
#endif
    if (of.entries > 100'000) {
        return; // the other contenders would show nothing new, and take long to fill
    }
    add<wall_clock<Value, life::hour>>(of, hit, "ours_system_clock");
    add<concurrent<Value, life::hour>>(of, hit, "ours_concurrent");
    add<ours<sharded<Value, 64>, life::hour>>(of, hit, "64_shards");
    add<one_lock<Value, life::hour>>(of, hit, "one_lock");
    add<bounded<Value, life::hour>>(of, hit, "ours_bounded");
    add<map_and_clock<Value, life::hour>>(of, hit, "map_and_clock");
    add<hand_written<Value, life::hour>>(of, hit, "hand_written");
#if defined(CLOCK_MONOTONIC_COARSE)
    add<map_and_coarse_clock<Value>>(of, hit, "map_and_coarse_clock");
    add<shards_and_coarse_clock<Value>>(of, hit, "shards_and_coarse_clock");
#endif
#if defined(CACHETORY_BENCHMARK_POCO)
    add<poco<Value, life::hour>>(of, hit, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_TBB)
    add<tbb_map<Value, life::hour>>(of, hit, "tbb");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
    add<boost_concurrent<Value, life::hour>>(of, hit, "boost_concurrent");
#endif
}

template <class Value>
void add_misses(const shape& of) {
    constexpr auto miss = outcome::miss;
    add<bare<Value>>(of, miss, "bare");
    add<bare_with_our_hash<Value>>(of, miss, "bare_with_our_hash");
    add<sync<Value, life::hour>>(of, miss, "ours");
    add<concurrent<Value, life::hour>>(of, miss, "ours_concurrent");
    add<bounded<Value, life::hour>>(of, miss, "ours_bounded");
    add<hand_written<Value, life::hour>>(of, miss, "hand_written");
#if defined(CACHETORY_BENCHMARK_POCO)
    add<poco<Value, life::hour>>(of, miss, "poco");
#endif
#if defined(CACHETORY_BENCHMARK_TBB)
    add<tbb_map<Value, life::hour>>(of, miss, "tbb");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
    add<boost_concurrent<Value, life::hour>>(of, miss, "boost_concurrent");
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
void add_bulk(const full<Contender>& cache,
              const shape& of,
              std::string_view contender,
              Take take) {
    add_benchmark(name("get_64", of, sizeof(typename Contender::value_type), contender),
                  [=](benchmark::State& state) {
                      auto& asked = (*cache)().cache;
                      const std::vector<std::string_view> views = batches(workload_of(of).hits);
                      const std::size_t before = support::allocations();
                      std::size_t hits = 0;
                      std::size_t i = cache->position;
                      while (state.KeepRunningBatch(many)) { // so the figures are for one key
                          hits += take(asked, std::span(views).subspan(i, many));
                          if ((i += many) == views.size()) {
                              i = 0;
                          }
                      }
                      cache->position = i;
                      report(state, support::allocations() - before, hits, outcome::hit);
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
    const auto ours = std::make_shared<filled<sync<Value, life::hour>>>(of);
    add_bulk(ours, of, "ours_finds", one_by_one);
    add_bulk(ours, of, "ours_get_many", at_once);
    const auto shared = std::make_shared<filled<concurrent<Value, life::hour>>>(of);
    add_bulk(shared, of, "concurrent_finds", one_by_one);
    add_bulk(shared, of, "concurrent_get_many", at_once);
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
    for (const std::size_t entries : {1000U, 3000U, 10'000U, 30'000U, 100'000U, 300'000U,
                                      1'000'000U, 3'000'000U, 10'000'000U}) {
        add_growth<value<8>>({12, entries});
    }
    add_hits<value<8>>({12, 100'000, access::zipf});
    add_hits<value<200>>({12, 100'000});
    for (const std::size_t entries : {1000U, 100'000U}) {
        const shape of{12, entries};
        add_ways_to_ask<value<8>>(of);
        add_bulks<value<8>>(of);
    }
}

} // namespace bench
