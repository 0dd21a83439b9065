// SPDX-License-Identifier: MIT
// Threads that use one cache at the same time.
#include "support/threads.hpp"
#include "support/capabilities.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/yielding.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;
using support::watch_together;

namespace {

using unbounded = concurrent_memory_backend<std::string>;
using bounded = cachetory::bounded_concurrent_memory_backend<std::string>;

constexpr std::size_t entries = 64;

/// A cache with two shards, so that threads meet in them.
template <class Cache>
Cache made() {
    if constexpr (support::evicts<Cache>) {
        return Cache(entries, 2);
    } else {
        return Cache(2);
    }
}

} // namespace

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

namespace {

std::string value_of(std::string_view key) {
    return std::string(key) + " and what it takes to allocate";
}

/// Whether this is the value of the key, whatever a visitor has made of its last character.
bool belongs(std::string_view key, std::string_view value) {
    return value.substr(0, key.size() + 5) == std::string(key) + " and ";
}

constexpr int verbs = 27;

/// Calls the n-th of all verbs. Returns whether it met only values that belong to their keys.
template <class Cache>
bool call_verb(int n, Cache& cache, const std::string& key) {
    const auto change = [](std::string& value) { value.back() = '!'; };
    bool right = true;
    switch (n) {
    case 0:
        right = belongs(key, cache.find(key).value_or(value_of(key)));
        break;
    case 1:
        try {
            right = belongs(key, cache.get(key));
        } catch (const cachetory::key_error& error) {
            right = error.key() == key;
        }
        break;
    case 2:
        try {
            right = cache.deadline(key) != typename Cache::time_point();
        } catch (const cachetory::key_error& error) {
            right = error.key() == key;
        }
        break;
    case 3:
        (void)cache.contains(key);
        break;
    case 4:
        for (const auto& [found, value] : cache.get_many({key, "1", "2"})) {
            right = right && belongs(found, value);
        }
        break;
    case 5:
        right = belongs(key, cache.touch(key, 1us).value_or(value_of(key)));
        break;
    case 6:
        right = belongs(key, cache.take(key).value_or(value_of(key)));
        break;
    case 7:
        cache.visit(key, change);
        break;
    case 8:
        cache.for_each([&](std::string_view each, std::string& value) {
            right = right && belongs(each, value);
            value.back() = '?';
        });
        break;
    case 9:
        cache.set(key, value_of(key), {.if_not_exists = true});
        break;
    case 10:
        right = cache.set(key, value_of(key), 1us);
        break;
    case 11:
        right = cache.set(key, value_of(key), Cache::clock::now() + 1us);
        break;
    case 12:
        right = cache.set_many({{key, value_of(key)}, {"1", value_of("1")}}) == 2;
        break;
    case 13:
        right = belongs(key, cache.get_or_set(key, [&] { return value_of(key); }));
        break;
    case 14:
        cache.set_or_visit(key, value_of(key), change, 1us);
        break;
    case 15:
        cache.expire_in(key, 1us);
        break;
    case 16:
        cache.expire_at(key, Cache::clock::now() + 1us);
        break;
    case 17:
        cache.erase(key);
        break;
    case 18:
        right = cache.erase_many({key, "1", "2"}) <= 3;
        break;
    case 19:
        cache.erase_if([&](std::string_view each, const std::string& value) {
            right = right && belongs(each, value);
            return value.back() == '!';
        });
        break;
    case 20:
        cache.purge_expired();
        break;
    case 21:
        cache.purge_expired(3);
        break;
    case 22:
        cache.reserve(1000);
        break;
    case 23:
        (void)cache.size();
        break;
    case 24:
        (void)cache.empty();
        break;
    case 25:
        if (key.size() == 1) { // seldom, so that a bounded cache is often full
            cache.clear();
        }
        break;
    case 26:
        if constexpr (support::evicts<Cache>) {
            right = cache.evict(3) <= 3;
        }
        break;
    }
    return right;
}

} // namespace

TEMPLATE_TEST_CASE("everything may be called by several threads at once",
                   "[threads][promise-11][promise-14][promise-16]",
                   unbounded,
                   bounded) {
    TestType cache = made<TestType>();
    std::atomic<int> wrong = 0;
    watch_together(4, [&](int thread) {
        for (int i = 0; i != 100 * verbs; ++i) {
            const std::string key = std::to_string((i * 7 + thread) % 100);
            wrong += !call_verb((i + thread * 5) % verbs, cache, key);
            for (int added = 0; added != 8; ++added) {
                const std::string another = std::to_string((i * 8 + added) % 100);
                cache.set(another, value_of(another));
            }
            if constexpr (support::evicts<TestType>) {
                wrong += cache.size() > entries;
            }
        }
    });
    CHECK(wrong == 0);
    cache.clear();
    CHECK(cache.empty());
    CHECK(cache.set("key", value_of("key")));
    CHECK(cache.get("key") == value_of("key"));
}

TEST_CASE("threads that store in a full cache leave it full and threads that evict empty it",
          "[threads][bound][promise-14][promise-16]") {
    using mutex = support::yielding<cachetory::detail::default_mutex>; // so that they meet
    cachetory::bounded_concurrent_memory_backend<std::string, std::chrono::steady_clock,
                                                 cachetory::string_hash, mutex>
        cache(entries, 2);
    int stored = 0;
    for (int round = 0; round != 50; ++round) {
        while (cache.size() != entries) {
            REQUIRE(stored < 50'000); // far more than it takes to fill both shards
            cache.set(std::to_string(stored++), "");
        }
        std::atomic<int> wrong = 0;
        std::atomic<std::size_t> evicted = 0;
        watch_together(4, [&](int thread) {
            support::scheduler::seed(std::uint32_t(4 * round + thread));
            for (int i = 0; i != 20; ++i) {
                cache.set(std::to_string(i) + " of thread " + std::to_string(thread), "");
                wrong += cache.size() != entries; // each evicts one for the one that it stores
            }
        });
        watch_together(4, [&](int thread) {
            support::scheduler::seed(std::uint32_t(4 * round + thread));
            while (const std::size_t count = cache.evict(3)) {
                evicted += count;
            }
        });
        REQUIRE(wrong == 0);
        REQUIRE(evicted == entries);
        REQUIRE(cache.empty());
    }
}
