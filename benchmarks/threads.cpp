// SPDX-License-Identifier: MIT
// Several threads that look up stored keys in one cache.
#include "contenders.hpp"
#include "workload.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {
namespace {

using word = value<8>;

/// Where one thread's last repetition stopped in its keys. Alone on its cache line.
struct alignas(64) progress {
    std::size_t position = 0;
};

template <class Contender>
void look_up_all(benchmark::State& state,
                 Contender& cache,
                 const key_list& keys,
                 std::size_t& position) {
    const std::size_t hits =
        look_up(state, keys, position, [&](std::string_view key) { return find(cache, key); });
    if (hits != std::size_t(state.iterations())) {
        state.SkipWithError("a key was not found");
    }
}

// Two threads on different keys. `caches` holds one cache that they share, or one for each.
template <class Contender>
void add_two(const shape& of,
             std::string_view contender,
             const std::vector<full<Contender>>& caches) {
    const auto of_threads = std::make_shared<std::array<progress, 2>>();
    add_benchmark(
        name("find_threads", of, sizeof(typename Contender::value_type), contender),
        [=](benchmark::State& state) {
            const auto thread = std::size_t(state.thread_index());
            look_up_all(state, (*caches[thread % caches.size()])(), workload_of(of).halves[thread],
                        (*of_threads)[thread].position);
        },
        [](auto& added) { added.UseRealTime()->Threads(2); });
}

template <class Contender>
void add_two(const shape& of, std::string_view contender) {
    add_two<Contender>(of, contender, {std::make_shared<filled<Contender>>(of)});
}

// The lock of the shards, and std::mutex in its place

template <class Mutex>
using with_lock =
    ours<cachetory::concurrent_memory_backend<word, steady, cachetory::string_hash, Mutex>,
         life::hour>;

/// What was the default before there was a lock of one word.
using old_default = ours<sharded<word, 1024, std::mutex>, life::hour>;

/// All threads ask for the same keys, each starting at a different place.
template <class Contender>
void add_lock(const shape& of, std::string_view contender, std::initializer_list<int> threads) {
    const auto cache = std::make_shared<filled<Contender>>(of);
    const auto of_threads = std::make_shared<std::array<progress, 8>>();
    add_benchmark(
        name("find_lock", of, sizeof(word), contender),
        [=](benchmark::State& state) {
            const key_list& keys = workload_of(of).hits;
            const auto thread = std::size_t(state.thread_index());
            std::size_t& position = (*of_threads)[thread].position;
            position = position != 0 ? position : thread * (keys.size() / 8);
            look_up_all(state, (*cache)(), keys, position);
        },
        [=](auto& added) {
            added.UseRealTime();
            for (const int each : threads) {
                added.Threads(each);
            }
        });
}

/// Eight threads ask for one key, for half a second. Counts how many times as often the fastest of
/// them found it as the slowest.
template <class Contender>
void add_fairness(std::string_view contender) {
    const shape one{12, 1};
    const auto cache = std::make_shared<filled<Contender>>(one);
    add_benchmark(
        name("fairness", one, sizeof(word), contender),
        [=](benchmark::State& state) {
            for (auto _ : state) {
                Contender& shared = (*cache)();
                const std::string_view key = workload_of(one).stored[0];
                std::array<std::size_t, 8> counts{};
                std::atomic<bool> over = false;
                std::vector<std::thread> threads;
                for (std::size_t& count : counts) {
                    threads.emplace_back([&shared, &over, &count, key] {
                        std::size_t found = 0;
                        while (!over.load(std::memory_order_relaxed)) {
                            found += std::size_t(find(shared, key));
                        }
                        count = found;
                    });
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(500));
                over = true;
                for (std::thread& each : threads) {
                    each.join();
                }
                const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
                state.counters["unfairness"] = double(*most) / double(*least);
            }
        },
        once);
}

} // namespace

void add_threads() {
    for (const std::size_t entries : {1000U, 100'000U}) {
        const shape of{12, entries};
        add_two<concurrent<word, life::hour>>(of, "ours_concurrent");
        add_two<hand_written<word, life::hour>>(of, "hand_written");
#if defined(CACHETORY_BENCHMARK_TBB)
        add_two<tbb_map<word, life::hour>>(of, "tbb");
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
        add_two<boost_concurrent<word, life::hour>>(of, "boost_concurrent");
#endif
        add_two<ours<sharded<word, 64>, life::hour>>(of, "64_shards");
        // What the machine and the map would allow at most:
        using own = filled<sync<word, life::hour>>;
        add_two<sync<word, life::hour>>(of, "one_each",
                                        {std::make_shared<own>(of), std::make_shared<own>(of)});
    }
    for (const shape& of : {shape{12, 1000}, shape{12, 100'000}, shape{12, 1000, access::zipf},
                            shape{12, 100'000, access::zipf}, shape{12, 1}}) {
        add_lock<with_lock<cachetory::detail::default_mutex>>(of, "ours_concurrent", {2, 8});
        add_lock<with_lock<std::mutex>>(of, "std_mutex", {2, 8});
        add_lock<old_default>(of, "old_default", {2, 8});
        add_lock<with_lock<least_mutex>>(of, "least_mutex", {2}); // more would only spin
    }
    add_fairness<with_lock<cachetory::detail::default_mutex>>("ours_concurrent");
    add_fairness<with_lock<std::mutex>>("std_mutex");
}

} // namespace bench
