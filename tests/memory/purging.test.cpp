// SPDX-License-Identifier: MIT
#include "support/capabilities.hpp"
#include "support/contract.hpp"
#include "support/hashes.hpp"
#include "support/tracked_mutex.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using support::add_expired;
using support::backends_in_memory;
using support::constant_hash;
using support::fresh;
using support::listed;
using support::listing;
using support::result;
using support::tracked_cache;
using support::tracked_clock;
using support::tracked_mutex;
using test_clock = support::manual_clock<>;

namespace {

template <class Hash>
using cache_with = cachetory::memory_backend<int, test_clock, Hash>;

} // namespace

BACKEND_TEST_CASE("purge_expired erases the expired entries and nothing else",
                  "[purging][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    result(cache.set("due", 1, {.time_to_live = 0ns}));
    result(cache.set("later", 2, {.time_to_live = 1ns}));
    result(cache.set("never", 3));
    CHECK(result(cache.purge_expired()) == 2);
    CHECK(result(cache.purge_expired()) == 0);
    CHECK(cache.size() == 2);
    CHECK(listed(result(cache.get_many({"due", "later", "never"}))) ==
          listing{{"later", 2}, {"never", 3}});
}

BACKEND_TEST_CASE("repeated limited purges purge everything",
                  "[purging][promise-15]",
                  backends_in_memory) {
    const std::size_t limit = GENERATE(std::size_t(1), std::size_t(7), std::size_t(40));
    const std::size_t room = GENERATE(std::size_t(0), std::size_t(3000));
    auto cache = fresh<TestType>();
    (void)cache.reserve(room);
    for (int i = 0; i != 300; ++i) {
        const bool dies = i % 3 != 0;
        result(cache.set(std::to_string(i), i, {.time_to_live = dies ? 1ns : 1h}));
    }
    test_clock::advance(1ns);
    std::size_t purged = 0;
    std::size_t most = 0;
    for (int calls = 0; purged != 200 && calls != 5000; ++calls) {
        const std::size_t now = result(cache.purge_expired(limit));
        most = std::max(most, now);
        purged += now;
    }
    CHECK(purged == 200);
    CHECK(most <= limit);
    CHECK(cache.size() == 100);
    CHECK(result(cache.purge_expired()) == 0);
}

BACKEND_TEST_CASE("purge_expired with no visits does nothing",
                  "[purging][promise-15]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    CHECK(result(cache.purge_expired(0)) == 0);
    CHECK(cache.size() == 1);
}

TEST_CASE("purge_expired visits no more entries than allowed and resumes where it stopped",
          "[purging][promise-15]") {
    test_clock::reset();
    cachetory::memory_backend<int, test_clock> cache;
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::to_string(i), i, {.time_to_live = i % 2 == 0 ? 0s : 1h});
    }
    std::size_t purged = 0;
    int calls = 0;
    for (; cache.size() > 500 && calls != 1000; ++calls) {
        const std::size_t now = cache.purge_expired(10);
        CHECK(now <= 10);
        purged += now;
    }
    CHECK(purged == 500);
    CHECK(cache.size() == 500);
    CHECK(calls >= 51); // with at most 10 visits each
    CHECK(calls <= 200);
    CHECK(cache.purge_expired(0) == 0);
}

TEST_CASE("purge_expired gets past a long bucket with few visits", "[purging][promise-15]") {
    test_clock::reset();
    cache_with<constant_hash> cache;
    for (int i = 0; i != 100; ++i) {
        cache.set(std::to_string(i), i, {.time_to_live = i % 3 == 0 ? 0s : 1h});
    }
    std::size_t purged = 0;
    for (int calls = 0; calls != 1000; ++calls) {
        purged += cache.purge_expired(1);
    }
    CHECK(purged == 34);
    CHECK(cache.size() == 66);
}

TEST_CASE("purge_expired visits each entry of a bucket once in a round", "[purging][promise-15]") {
    for (int expired = 0; expired != 10; ++expired) {
        test_clock::reset();
        cache_with<constant_hash> cache(constant_hash{0});
        for (int i = 0; i != 10; ++i) {
            cache.set(std::to_string(i), i, {.time_to_live = i == expired ? 0s : 1h});
        }
        std::size_t purged = 0;
        for (int calls = 0; calls != 10; ++calls) {
            purged += cache.purge_expired(1);
        }
        CHECK(purged == 1);
        CHECK(cache.purge_expired(5) == 0);
        test_clock::advance(1h);
        CHECK(cache.purge_expired() ==
              9); // including those before the place where the last call stopped
    }
}

TEST_CASE("purge_expired bounds the buckets it walks and not only the entries",
          "[purging][promise-15]") {
    test_clock::reset();
    cache_with<constant_hash> cache(constant_hash{50'000});
    cache.reserve(100'000);
    cache.set("only", 1, {.time_to_live = 0s});
    int calls = 1;
    while (cache.purge_expired(10) == 0) {
        REQUIRE(++calls < 100'000);
    }
    CHECK(calls > 50'000 / 100); // more calls than with 100 buckets each
    CHECK(cache.empty());
    cache.set("only", 1, {.time_to_live = 0s});
    CHECK(cache.purge_expired() == 1); // unlimited, so from the beginning
}

TEST_CASE("purge_expired continues after the table has shrunk", "[purging][promise-15]") {
    test_clock::reset();
    cachetory::memory_backend<int, test_clock> cache;
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::to_string(i), i);
    }
    CHECK(cache.purge_expired(100) == 0);
    cache.clear();
    cache.set("a", 1, {.time_to_live = 0s});
    CHECK(cache.purge_expired(50) == 1);
}

BACKEND_TEST_CASE("a purge may be given any number of visits",
                  "[purging][promise-15]",
                  backends_in_memory) {
    constexpr std::size_t max = std::numeric_limits<std::size_t>::max();
    for (const std::size_t visits : {max, max - 1, max / 8 + 1, max / 8, max / 8 - 1, max / 16}) {
        CAPTURE(visits);
        auto cache = fresh<TestType>();
        for (int i = 0; i != 200; ++i) {
            (void)result(cache.set(std::to_string(i), i, {.time_to_live = i % 2 * 1h}));
        }
        CHECK(result(cache.purge_expired(visits)) == 100);
        CHECK(result(cache.purge_expired(visits)) == 0);
        CHECK(cache.size() == 100);
    }
}

TEST_CASE("limited purges visit no more entries than allowed and together purge all shards",
          "[purging][promise-15]") {
    const std::size_t limit = GENERATE(std::size_t(1), std::size_t(5), std::size_t(40));
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(7), std::size_t(64));
    tracked_clock::reset();
    tracked_cache<int> cache(shards);
    for (int i = 0; i != 300; ++i) {
        cache.set(std::to_string(i), i, {.time_to_live = i % 3 != 0 ? 1ns : 1h});
    }
    tracked_clock::advance(1ns);
    std::size_t purged = 0;
    std::size_t most = 0;
    std::size_t most_locks = 0;
    std::size_t calls = 0;
    for (; purged != 200 && calls != 20'000; ++calls) {
        tracked_mutex::reset();
        const std::size_t now = cache.purge_expired(limit);
        most_locks = std::max(most_locks, std::size_t(tracked_mutex::locks.load()));
        most = std::max(most, now);
        purged += now;
    }
    CHECK(purged == 200);
    CHECK(most <= limit);
    CHECK(most_locks <= shards + limit / 32);
    CHECK(calls <= 300 / limit * 8 + shards * 8);
    CHECK(cache.size() == 100);
    CHECK(cache.purge_expired() == 0);
}

TEST_CASE("purges of one visit each get past live entries", "[purging][promise-15]") {
    tracked_clock::reset();
    int calls = 0;
    tracked_cache<int, support::digit_hash> cache(16, support::digit_hash(&calls));
    cache.set("0", 1, {.time_to_live = 1h});
    cache.set("9", 1, {.time_to_live = 0s});
    std::size_t purged = 0;
    for (int i = 0; i != 16 && purged == 0; ++i) {
        purged = cache.purge_expired(1);
    }
    CHECK(purged == 1);
}

namespace {

/// An empty cache. Bounded ones get the bound, and shared ones the number of shards.
template <class Cache>
Cache made(std::size_t bound, std::size_t shards) {
    constexpr bool shared = !std::movable<Cache>;
    if constexpr (support::evicts<Cache> && shared) {
        return Cache(bound, shards);
    } else if constexpr (support::evicts<Cache>) {
        return Cache(bound);
    } else if constexpr (shared) {
        return Cache(shards);
    } else {
        return Cache();
    }
}

} // namespace

TEMPLATE_TEST_CASE(
    "limited purges that do not overlap purge everything in the promised number of calls",
    "[purging][promise-15]",
    (cachetory::memory_backend<int, test_clock>),
    (cachetory::concurrent_memory_backend<int, test_clock>),
    (cachetory::bounded_memory_backend<int, test_clock>),
    (cachetory::bounded_concurrent_memory_backend<int, test_clock>)) {
    constexpr std::size_t most_entries = 10'000;
    const std::size_t limit = GENERATE(1U, 10U, 1000U);
    const std::size_t shards = std::movable<TestType> ? 1U : GENERATE(1U, 16U, 1024U);
    test_clock::reset();
    TestType cache = made<TestType>(most_entries, shards);
    const bool bounded = support::evicts<TestType>;
    const std::size_t stored = bounded ? most_entries * 3 / 2 : most_entries; // so it has evicted
    for (std::size_t i = 0; i != stored; ++i) {
        cache.set(std::to_string(i), 1, {.time_to_live = i % 10 == 0 ? -1s : 1h});
    }
    const std::size_t entries = cache.size();
    std::size_t live = 0;
    cache.for_each([&](std::string_view, int) { ++live; });
    REQUIRE(entries > most_entries * 9 / 10);
    REQUIRE(entries <= most_entries);
    REQUIRE(live < entries);
    (void)cache.purge_expired(3); // the next call continues there
    // A table has at most three times as many buckets as entries, and a small one at most 13.
    const std::size_t buckets = 3 * entries + 13 * shards;
    const std::size_t most_calls = entries / limit + buckets / (8 * limit) + 2;
    for (std::size_t calls = 1; cache.size() != live; ++calls) {
        REQUIRE(calls <= most_calls);
        cache.purge_expired(limit);
    }
}
