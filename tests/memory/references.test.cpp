// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/capabilities.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;
using clock_type = support::manual_clock<>;

namespace {

template <class Wire>
using cache_of = cachetory::memory_backend<Wire, clock_type>;

template <class Wire>
using bounded_cache_of = cachetory::bounded_memory_backend<Wire, clock_type>;

/// An empty cache, with this bound if it is of a kind that has one.
template <class Cache>
Cache made(std::size_t bound) {
    if constexpr (support::evicts<Cache>) {
        return Cache(bound);
    } else {
        return Cache();
    }
}

constexpr std::string_view long_key = "a key too long for the small string optimisation";

} // namespace

TEST_CASE("get and find hand out the stored value and changing it changes the entry",
          "[references][promise-6]") {
    cache_of<std::string> cache;
    cache.set("k", "v");
    cache.get("k") += "1";
    *cache.find("k") += "2";
    cache.get_or_set("k", [] { return std::string(); }) += "3";
    for (auto& [key, value] : cache.get_many({"k"})) {
        value += "4";
    }
    CHECK(cache.get("k") == "v1234");
}

TEST_CASE("references and views stay valid across inserts and overwrites in place",
          "[references][promise-6]") {
    cache_of<int> cache;
    cache.set(long_key, 1);
    int* const address = cache.find(long_key);
    const std::string_view view = cache.get_many({long_key}).front().first;
    for (int i = 0; i != 10'000; ++i) {
        cache.set(std::to_string(i), i);
    }
    cache.set(long_key, 2, {.time_to_live = 1s});
    cache.expire_in(long_key, 1h);
    CHECK(cache.find(long_key) == address);
    CHECK(*address == 2);
    CHECK(view == long_key);
}

TEMPLATE_TEST_CASE("references and views stay valid while other entries are erased",
                   "[references][promise-6]",
                   cache_of<int>,
                   bounded_cache_of<int>) {
    clock_type::reset();
    TestType cache = made<TestType>(100);
    cache.set(long_key, 1);
    int* const address = cache.find(long_key);
    const std::string_view view = cache.get_many({long_key}).front().first;
    for (int i = 1; i != 100; ++i) {
        cache.set(std::to_string(i), i, {.time_to_live = i % 2 == 0 ? 1ns : 1h});
    }
    clock_type::advance(1ns);
    CHECK(cache.erase("1"));
    CHECK(cache.take("3") == 3);
    CHECK(cache.erase_many({"5", "7"}) == 2);
    CHECK_FALSE(cache.contains("2")); // expired
    CHECK(cache.purge_expired(10) > 0);
    CHECK(cache.erase_if([](std::string_view, int value) { return value > 50; }) == 25);
    cache.purge_expired();
    cache.erase_if([](std::string_view key, int) { return key != long_key; });
    CHECK(cache.size() == 1);
    CHECK(cache.find(long_key) == address);
    CHECK(*address == 1);
    CHECK(view == long_key);
}

TEMPLATE_TEST_CASE("references and views stay valid when their cache is moved",
                   "[references][promise-6]",
                   cache_of<int>,
                   bounded_cache_of<int>) {
    TestType cache = made<TestType>(10);
    cache.set(long_key, 1);
    int* const address = cache.find(long_key);
    const std::string_view view = cache.get_many({long_key}).front().first;
    TestType constructed = std::move(cache);
    CHECK(constructed.find(long_key) == address);
    TestType assigned = made<TestType>(20);
    assigned.set("its old entry", 2);
    assigned = std::move(constructed);
    CHECK(assigned.find(long_key) == address);
    CHECK(*address == 1);
    CHECK(view == long_key);
}

TEST_CASE("in a full cache references and views stay valid until a new key is stored",
          "[references][bound][promise-6]") {
    clock_type::reset();
    bounded_cache_of<int> cache(3);
    cache.set_many({{long_key, 1}, {"b", 2}, {"c", 3}});
    int* const address = cache.find(long_key);
    const std::string_view view = cache.get_many({long_key}).front().first;
    for (int round = 0; round != 5; ++round) { // as long as anything has lives to lose
        cache.set("b", 4, 1h);
        cache.set(long_key, 5, 1h);
        CHECK_FALSE(cache.set("c", 6, {.if_not_exists = true}));
        CHECK(cache.set_many({{"c", 7}, {"b", 8}}) == 2);
        CHECK(cache.get_or_set("b", [] { return 9; }) == 8);
        CHECK_FALSE(cache.set_or_visit("c", 10, [](int& value) { ++value; }));
        CHECK(cache.expire_in(long_key, 2h));
        CHECK(cache.touch("b", 1h) != nullptr);
        CHECK_FALSE(cache.contains("d"));
        cache.purge_expired(2);
        cache.reserve(100);
        CHECK(cache.size() == 3);
    }
    CHECK(cache.erase("c"));
    CHECK(cache.find(long_key) == address);
    CHECK(*address == 5);
    CHECK(view == long_key);
}

TEST_CASE("the reference that get_or_set returns is valid although its insertion evicts",
          "[references][bound][promise-6]") {
    bounded_cache_of<std::string> cache(GENERATE(1U, 2U, 10U));
    for (int i = 0; i != 100; ++i) {
        const std::string key = std::to_string(i);
        std::string& value = cache.get_or_set(key, [&] { return std::string(long_key) + key; });
        REQUIRE(value == std::string(long_key) + key);
        REQUIRE(cache.find(key) == &value);
    }
    CHECK(cache.size() == cache.max_entries());
}

TEST_CASE("an expired entry is overwritten in place", "[references][promise-6]") {
    clock_type::reset();
    cache_of<int> cache;
    cache.set("k", 1, {.time_to_live = 0s});
    const std::size_t before = support::allocations();
    CHECK(cache.set("k", 2, {.if_not_exists = true}));
    CHECK(support::allocations() == before);
    CHECK(cache.size() == 1);
    CHECK(cache.get("k") == 2);
    CHECK(cache.deadline("k") == std::nullopt);
}
