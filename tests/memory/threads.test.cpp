// SPDX-License-Identifier: MIT
// Threads that use one cache at the same time.
#include "support/threads.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;
using support::watch_together;

TEST_CASE("all threads that race in get_or_set get the value that was stored first",
          "[threads][promise-14]") {
    constexpr int threads = 4;
    for (int round = 0; round != 50; ++round) {
        concurrent_memory_backend<std::string> cache;
        support::gate all_missed(threads); // so no factory runs under a lock
        std::vector<std::string> got(threads);
        watch_together(threads, [&](int i) {
            got[std::size_t(i)] = cache.get_or_set("key", [&] {
                all_missed.arrive_and_wait();
                return std::to_string(i);
            });
        });
        REQUIRE(got == std::vector<std::string>(threads, cache.get("key")));
    }
}

TEST_CASE("threads that count with visit never lose an update", "[threads][promise-14]") {
    concurrent_memory_backend<int> cache(2);
    cache.set_many({{"a", 0}, {"b", 0}});
    watch_together(4, [&](int thread) {
        for (int i = 0; i != 10'000; ++i) {
            cache.visit((i + thread) % 2 == 0 ? "a" : "b", [](int& value) { ++value; });
        }
    });
    CHECK(cache.get("a") == 20'000);
    CHECK(cache.get("b") == 20'000);
}

TEST_CASE("exactly one of several threads that set if_not_exists stores", "[threads][promise-14]") {
    const bool over_expired = GENERATE(false, true);
    for (int round = 0; round != 50; ++round) {
        concurrent_memory_backend<int> cache;
        if (over_expired) {
            cache.set("key", -1, {.time_to_live = 0s});
        }
        std::vector<int> stored(4);
        watch_together(4, [&](int i) {
            stored[std::size_t(i)] = cache.set("key", i, {.if_not_exists = true});
        });
        const int winner = cache.get("key");
        std::vector<int> expected(4);
        expected.at(std::size_t(winner)) = 1;
        REQUIRE(stored == expected);
    }
}

TEST_CASE("exactly one of several threads that take or erase one entry gets it",
          "[threads][promise-14]") {
    for (int round = 0; round != 50; ++round) {
        concurrent_memory_backend<int> cache;
        cache.set("key", 7);
        std::atomic<int> had = 0;
        watch_together(4, [&](int i) {
            had += i % 2 == 0 ? cache.take("key").has_value() : cache.erase("key");
        });
        REQUIRE(had == 1);
    }
}

TEST_CASE("everything may be called by several threads at once",
          "[threads][promise-11][promise-14]") {
    concurrent_memory_backend<std::string> cache(2);
    watch_together(4, [&](int thread) {
        for (int i = 0; i != 1000; ++i) {
            const std::string key = std::to_string((i * 7 + thread) % 20);
            switch ((i + thread) % 16) {
            case 0:
                cache.clear();
                break;
            case 1:
                cache.purge_expired();
                break;
            case 2:
                (void)cache.size();
                break;
            case 3:
                (void)cache.empty();
                break;
            case 4:
                cache.reserve(std::size_t(i));
                break;
            case 5:
                (void)cache.take(key);
                break;
            case 6:
                cache.erase(key);
                break;
            case 7:
                cache.expire_in(key, 1us);
                break;
            case 8:
                (void)cache.get_or_set(
                    key, [&] { return key; }, 1us);
                break;
            case 9:
                cache.visit(key, [](std::string& value) { value += "a long way to go from here"; });
                break;
            case 10:
                (void)cache.get_many({"1", "2", "3"});
                break;
            case 11:
                cache.erase_many({"1", "2", "3"});
                break;
            case 12:
                cache.purge_expired(3);
                break;
            default:
                cache.set(key, key + " and what it takes to allocate", {.time_to_live = 1us});
            }
            (void)cache.find(key);
        }
    });
    cache.clear();
    CHECK(cache.empty());
}
