// SPDX-License-Identifier: MIT
// What the shared cache does under its locks, and what it does without them.
#include "support/capabilities.hpp"
#include "support/catch.hpp"
#include "support/threads.hpp"
#include "support/tracked_mutex.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;
using support::others_get_through;
using support::tracked_cache;
using support::tracked_clock;
using support::tracked_mutex;
using support::watch;
using support::watch_together;

namespace {

/// A shared cache that is too small for the keys of `use_every_verb`, unless it has many shards.
using small_cache = cachetory::
    bounded_concurrent_memory_backend<int, tracked_clock, cachetory::string_hash, tracked_mutex>;

/// Whether one lock was taken, and never two at once.
template <class Operation>
bool takes_one_lock(Operation operation) {
    tracked_mutex::reset();
    operation();
    return tracked_mutex::locks == 1 && tracked_mutex::nested == 0 && tracked_mutex::held == 0;
}

template <class Cache>
void use_every_verb(Cache& cache) {
    const std::vector<std::string> keys = {"a", "b", "c", "d", "missing"};
    const std::vector<std::pair<std::string, int>> items = {{"a", 1}, {"b", 2}, {"c", 3}};
    for (const std::string& key : keys) {
        try {
            (void)cache.get(key);
            (void)cache.deadline(key);
        } catch (const cachetory::key_error&) {
        }
        (void)cache.find(key);
        (void)cache.contains(key);
        cache.visit(key, [](int& value) { ++value; });
        (void)cache.touch(key, 5ns);
        cache.set_or_visit(
            key, 1, [](int& value) { ++value; }, 5ns);
        cache.set(key, 1, {.time_to_live = 5ns, .if_not_exists = true});
        cache.expire_in(key, 5ns);
        cache.expire_at(key, tracked_clock::at(1100));
        cache.expire_at(key, std::chrono::system_clock::now() + 1h);
        cache.set(key, 2, {.time_to_live = 5ns});
        tracked_clock::advance(2ns);
    }
    (void)cache.get_or_set(
        "a", [] { return 1; }, 3ns);
    (void)cache.get_many(keys);
    cache.set_many(items, {.time_to_live = 5ns, .if_not_exists = true});
    cache.erase_many(keys);
    (void)cache.get_or_set(
        "a", [] { return 1; }, 3ns);
    (void)cache.get_or_set(
        "a", [] { return 1; }, 3ns);
    (void)cache.take("a");
    cache.set_many(items, {.time_to_live = 5ns});
    cache.erase("b");
    cache.for_each([](std::string_view, int& value) { ++value; });
    cache.erase_if([](std::string_view key, int) { return key == "c"; });
    tracked_clock::advance(10ns);
    (void)cache.take("a");
    cache.purge_expired(1);
    cache.purge_expired();
    (void)cache.size();
    (void)cache.empty();
    cache.reserve(100);
    if constexpr (support::evicts<Cache>) {
        cache.set_many(items, {.time_to_live = 5ns});
        cache.evict(2);
    }
    cache.clear();
}

} // namespace

TEST_CASE("a single-key operation takes one lock whatever it meets", "[locks][promise-14]") {
    tracked_clock::reset();
    tracked_cache<int> cache;
    enum class state { absent, alive, expired };
    const state was = GENERATE(state::absent, state::alive, state::expired);
    if (was != state::absent) {
        cache.set("key", 1, {.time_to_live = 10ns});
    }
    if (was == state::expired) {
        tracked_clock::advance(10ns);
    }
    const cachetory::set_options if_absent = {.time_to_live = 1h, .if_not_exists = true};

    SECTION("find") {
        CHECK(takes_one_lock([&] { (void)cache.find("key"); }));
    }
    SECTION("contains") {
        CHECK(takes_one_lock([&] { (void)cache.contains("key"); }));
    }
    SECTION("visit") {
        CHECK(takes_one_lock([&] { cache.visit("key", [](int& value) { ++value; }); }));
    }
    SECTION("touch") {
        CHECK(takes_one_lock([&] { (void)cache.touch("key", 1h); }));
    }
    SECTION("set_or_visit") {
        CHECK(takes_one_lock([&] {
            cache.set_or_visit(
                "key", 2, [](int& value) { ++value; }, 1h);
        }));
    }
    SECTION("take") {
        CHECK(takes_one_lock([&] { (void)cache.take("key"); }));
    }
    SECTION("erase") {
        CHECK(takes_one_lock([&] { cache.erase("key"); }));
    }
    SECTION("set") {
        CHECK(takes_one_lock([&] { cache.set("key", 2, {.time_to_live = 1h}); }));
    }
    SECTION("set if_not_exists") {
        CHECK(takes_one_lock([&] { cache.set("key", 2, if_absent); }));
    }
    SECTION("expire_in") {
        CHECK(takes_one_lock([&] { cache.expire_in("key", 1h); }));
    }
    SECTION("expire_at") {
        CHECK(takes_one_lock([&] { cache.expire_at("key", tracked_clock::at(5000)); }));
    }
    SECTION("get") {
        CHECK(takes_one_lock([&] {
            try {
                (void)cache.get("key");
            } catch (const cachetory::key_error&) {
            }
        }));
    }
    SECTION("deadline") {
        CHECK(takes_one_lock([&] {
            try {
                (void)cache.deadline("key");
            } catch (const cachetory::key_error&) {
            }
        }));
    }
}

TEST_CASE("no operation ever holds two locks", "[locks][promise-14]") {
    tracked_clock::reset();
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(3), std::size_t(64));
    {
        tracked_cache<int> cache(shards);
        use_every_verb(cache);
        cache.set_many({{"a", 1}, {"b", 2}});
        small_cache small(shards, shards);
        use_every_verb(small);
    }
    CHECK(tracked_mutex::nested == 0);
    CHECK(tracked_mutex::held == 0);
}

TEST_CASE("the clock is read under the lock and at most once under each",
          "[locks][clock][promise-7]") {
    tracked_clock::reset();
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(3), std::size_t(64));
    tracked_cache<int> cache(shards);
    use_every_verb(cache);
    CHECK(tracked_clock::reads > 10);
    small_cache small(shards, shards);
    use_every_verb(small);
    CHECK(tracked_clock::outside == 0);
    CHECK(tracked_clock::repeated == 0);
}

namespace {

/// Becomes a number, and records how many locks are held meanwhile.
struct watched_number {
    operator int() const {
        ++conversions;
        most_held = std::max(most_held, tracked_mutex::held);
        return 1;
    }

    static inline int conversions = 0;
    static inline int most_held = 0;
};

} // namespace

TEST_CASE("values are converted before any lock is taken", "[locks][set][promise-4]") {
    tracked_cache<int> cache(1);
    std::vector<std::pair<std::string, watched_number>> items(1);
    for (int stored = 0; stored != 2; ++stored) { // under a new key, and under one that is there
        cache.set("set", watched_number());
        cache.set("set", watched_number(), 1h);
        cache.set("set", watched_number(), std::chrono::system_clock::now() + 1h);
        cache.set_or_visit("visit", watched_number(), [](int&) {});
        cache.set_many(items);
    }
    CHECK(watched_number::conversions == 10);
    CHECK(watched_number::most_held == 0);
}

TEST_CASE("the factory of get_or_set runs without a lock and may use the cache",
          "[locks][get_or_set][promise-14]") {
    tracked_clock::reset();
    tracked_cache<int> cache(1);
    int held = -1;
    const int got = [&] {
        int result = 0;
        watch([&] {
            result = cache.get_or_set("key", [&] {
                held = tracked_mutex::held;
                const int other = cache.get_or_set("other", [] { return 2; });
                return cache.find("key") ? -1 : other + 1;
            });
        });
        return result;
    }();
    CHECK(held == 0);
    CHECK(got == 3);
    CHECK(cache.get("key") == 3);
    CHECK(cache.get("other") == 2);
}

TEST_CASE("get_or_set of the same key within its factory returns what was stored first",
          "[locks][get_or_set][promise-14]") {
    tracked_clock::reset();
    tracked_cache<int> cache(1);
    int inner = 0;
    int outer = 0;
    watch([&] {
        outer = cache.get_or_set("key", [&] {
            inner = cache.get_or_set("key", [] { return 1; });
            return 2;
        });
    });
    CHECK(inner == 1);
    CHECK(outer == 1);
    CHECK(cache.get("key") == 1);
}

TEST_CASE("a factory that throws leaves no entry and holds no lock",
          "[locks][get_or_set][promise-9]") {
    concurrent_memory_backend<int> cache(1);
    CHECK_THROWS_AS(cache.get_or_set("key", []() -> int { throw std::domain_error("none"); }),
                    std::domain_error);
    CHECK(others_get_through(cache, "key"));
    CHECK(cache.empty());
}

TEST_CASE("bulk verbs with the same keys in opposite orders do not wait for each other",
          "[locks][bulk][promise-14]") {
    tracked_clock::reset();
    tracked_cache<int> cache(2);
    std::vector<std::string> keys;
    std::vector<std::pair<std::string, int>> items;
    for (int i = 0; i != 16; ++i) {
        keys.push_back(std::to_string(i));
        items.emplace_back(std::to_string(i), i);
    }
    const std::vector<std::string> keys_back(keys.rbegin(), keys.rend());
    const std::vector<std::pair<std::string, int>> items_back(items.rbegin(), items.rend());
    std::atomic<int> wrong = 0;
    watch_together(2, [&](int thread) {
        for (int i = 0; i != 1000; ++i) {
            wrong += cache.set_many(thread == 0 ? items : items_back) != 16;
            for (const auto& [key, value] : cache.get_many(thread == 0 ? keys : keys_back)) {
                wrong += key != std::to_string(value);
            }
            cache.erase_many(thread == 0 ? keys : keys_back);
        }
    });
    CHECK(wrong == 0);
    CHECK(tracked_mutex::nested == 0);
}
