// SPDX-License-Identifier: MIT
#include <cachetory/concurrent_memory_backend.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hashes.hpp"
#include "support/tracked_mutex.hpp"
#include "support/values.hpp"

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;
using support::tracked_cache;
using support::tracked_clock;
using support::tracked_mutex;

// Every member compiles for every kind of value.
template class cachetory::concurrent_memory_backend<int>;
template class cachetory::concurrent_memory_backend<std::string, std::chrono::system_clock>;
template class cachetory::concurrent_memory_backend<std::unique_ptr<int>>;
template class cachetory::concurrent_memory_backend<support::over_aligned>;
template class cachetory::
    concurrent_memory_backend<int, tracked_clock, cachetory::string_hash, tracked_mutex>;

namespace {

template <class Wire>
using plain = concurrent_memory_backend<Wire>;

template <class Cache>
concept has_get = requires(Cache& cache) {
    cache.get("key");
};
template <class Cache>
concept has_find = requires(Cache& cache) {
    cache.find("key");
};
template <class Cache>
concept has_get_many = requires(Cache& cache, const std::vector<std::string>& keys) {
    cache.get_many(keys);
};
template <class Cache>
concept has_get_or_set = requires(Cache& cache, typename Cache::wire_type (*factory)()) {
    cache.get_or_set("key", factory);
};

template <class Cache>
using got = decltype(std::declval<Cache&>().get("key"));
template <class Cache>
using found = decltype(std::declval<Cache&>().find("key"));
template <class Cache>
using got_many = decltype(std::declval<Cache&>().get_many({"key"}));
template <class Cache>
using got_or_set = decltype(std::declval<Cache&>().get_or_set(
    "key", std::declval<typename Cache::wire_type (*)()>()));
template <class Cache, class F>
using visited = decltype(std::declval<Cache&>().visit("key", std::declval<F>()));

} // namespace

// No reference escapes.
static_assert(std::is_same_v<got<plain<int>>, int>);
static_assert(std::is_same_v<found<plain<int>>, std::optional<int>>);
static_assert(std::is_same_v<got_or_set<plain<int>>, int>);
static_assert(std::is_same_v<got_many<plain<int>>, std::vector<std::pair<std::string, int>>>);
static_assert(std::is_same_v<decltype(std::declval<plain<int>&>().take("")), std::optional<int>>);
static_assert(std::is_same_v<decltype(std::declval<plain<int>&>().deadline("")),
                             std::optional<std::chrono::steady_clock::time_point>>);
static_assert(std::is_same_v<visited<plain<int>, int& (*)(int&)>, bool>);

static_assert(std::is_default_constructible_v<plain<int>>);
static_assert(!std::is_convertible_v<std::size_t, plain<int>>);
static_assert(!std::is_copy_constructible_v<plain<int>>);
static_assert(!std::is_copy_assignable_v<plain<int>>);
static_assert(!std::is_move_constructible_v<plain<int>>);
static_assert(!std::is_move_assignable_v<plain<int>>);

static_assert(cachetory::backend<plain<int>>);
static_assert(cachetory::backend<plain<std::string>>);
static_assert(cachetory::backend<tracked_cache<int>>);

static_assert(has_get<plain<int>> && has_find<plain<int>>);
static_assert(has_get_many<plain<int>> && has_get_or_set<plain<int>>);
static_assert(!has_get<plain<support::move_only>> && !has_find<plain<support::move_only>>);
static_assert(!has_get_many<plain<support::move_only>>);
static_assert(!has_get_or_set<plain<support::move_only>>);
static_assert(!cachetory::backend<plain<support::move_only>>);

TEST_CASE("a cache of no shards cannot be made", "[shards]") {
    CHECK_THROWS_AS(plain<int>(0), std::invalid_argument);
    CHECK_THROWS_WITH(plain<int>(0), support::contains("shard"));
}

TEST_CASE("there are as many shards as asked for, and any number works", "[shards]") {
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(2), std::size_t(3),
                                        std::size_t(7), std::size_t(64), std::size_t(1000));
    tracked_clock::reset();
    tracked_cache<int> cache(shards);
    CHECK(tracked_mutex::existing() == shards);
    CHECK(tracked_mutex::aligned()); // so no two are in one cache line
    for (int i = 0; i != 500; ++i) {
        CHECK(cache.set(std::to_string(i), i));
    }
    CHECK(cache.size() == 500);
    int right = 0;
    for (int i = 0; i != 500; ++i) {
        right += cache.get(std::to_string(i)) == i && cache.set(std::to_string(i), -i) &&
                 cache.take(std::to_string(i)) == -i && !cache.contains(std::to_string(i));
    }
    CHECK(right == 500);
    CHECK(cache.empty());
}

TEST_CASE("keys spread over the shards", "[shards]") {
    tracked_clock::reset();
    tracked_cache<int> cache;
    CHECK(tracked_mutex::existing() == tracked_cache<int>::default_shards);
    for (int i = 0; i != 1000; ++i) {
        cache.set("key " + std::to_string(i), i);
    }
    CHECK(tracked_mutex::used() > tracked_cache<int>::default_shards / 2);
}

TEST_CASE("an empty cache takes at most 64 KiB", "[shards]") {
    const std::size_t before = support::allocated_bytes();
    const plain<std::string> cache;
    const std::size_t bytes = support::allocated_bytes() - before;
    CHECK(cache.empty());
    if (sizeof(cachetory::detail::default_mutex) == sizeof(int)) { // not a std::mutex
        CHECK(bytes <= 64U * 1024U);
    }
}

TEST_CASE("a shard that is moved keeps its entries", "[shards]") { // std::vector might do that
    using map =
        cachetory::detail::sharded_map<std::string, std::chrono::steady_clock,
                                       cachetory::string_hash, std::mutex, cachetory::unbounded>;
    map::shard shard{{}, {}};
    cachetory::detail::moment<std::chrono::steady_clock> now;
    map::core::displaced displaced;
    std::string value = "value";
    shard.entries.store(std::string_view("key"), value, std::optional<cachetory::ttl>(), false, now,
                        displaced);
    map::shard moved(std::move(shard));
    const auto found = moved.entries.find(std::string_view("key"));
    REQUIRE(found != moved.entries.end());
    CHECK(found->second.value == "value");
    CHECK(shard.entries.empty()); // NOLINT(bugprone-use-after-move)
}

TEST_CASE("the upper bits of the hash given choose the shard", "[shards]") {
    tracked_clock::reset();
    int calls = 0;
    tracked_cache<int, support::digit_hash> cache(4, support::digit_hash(&calls));
    const auto used_by = [&](std::initializer_list<std::string_view> keys) {
        tracked_mutex::reset();
        for (const std::string_view key : keys) {
            cache.set(key, 1);
        }
        return tracked_mutex::used();
    };
    CHECK(used_by({"0", "4", "8", "c"}) == 4);
    CHECK(used_by({"3", "7", "b", "f"}) == 4);
    CHECK(used_by({"0", "1", "2", "3"}) == 1);
    CHECK(calls >= 12);
    CHECK(cache.size() == 10);
}

TEST_CASE("a cache of values that cannot be copied works, except for copies", "[shards]") {
    using support::move_only;
    plain<move_only> cache;
    CHECK(cache.set("key", move_only(7), {.time_to_live = 1h}));
    CHECK(!cache.set("key", move_only(8), {.if_not_exists = true}));
    CHECK(cache.contains("key"));
    CHECK(cache.deadline("key"));
    CHECK(cache.expire_in("key", 2h));
    CHECK(cache.expire_at("key", std::nullopt));
    int seen = 0;
    CHECK(cache.visit("key", [&](move_only& value) { seen = value.number++; }));
    CHECK(seen == 7);
    CHECK(cache.take("key").value().number == 8);
    std::vector<std::pair<std::string, move_only>> items;
    items.emplace_back("a", 1);
    items.emplace_back("b", 2);
    CHECK(cache.set_many(std::move(items)) == 2);
    CHECK(cache.erase("a"));
    CHECK(cache.erase_many({"a", "b"}) == 1);
    CHECK(cache.purge_expired() == 0);
    cache.clear();
    CHECK(cache.empty());
}

TEST_CASE("clear empties every shard", "[shards]") {
    for (const auto shards : {std::size_t(1), std::size_t(3), std::size_t(64)}) {
        plain<int> cache(shards);
        for (int i = 0; i != 1000; ++i) {
            cache.set(std::to_string(i), i);
        }
        cache.clear();
        CHECK(cache.empty());
        CHECK(cache.size() == 0);
        CHECK(!cache.contains("999"));
        CHECK(cache.set("999", 1));
        CHECK(cache.size() == 1);
    }
}
