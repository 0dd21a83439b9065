// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/contract.hpp"
#include "support/counting.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

using namespace std::chrono_literals;
using support::allocations_of;
using support::backends_in_memory;
using support::bytes_of;
using support::fresh;
using support::result;

namespace {

template <class Wire>
using cache_of = cachetory::memory_backend<Wire, support::manual_clock<>>;

/// A hash that the bare map keeps in its nodes, as ours is.
struct bare_hash {
    std::size_t operator()(const std::string& key) const { return std::hash<std::string>()(key); }
};

using bare_map = std::unordered_map<std::string, std::uint64_t, bare_hash>;

constexpr std::string_view long_key = "a key too long for the small string optimisation";

} // namespace

BACKEND_TEST_CASE("find and contains never allocate",
                  "[allocations][promise-8]",
                  backends_in_memory) {
    const std::string hit(100, 'h'), miss(100, 'm'), expired(100, 'e'), expired_too(100, 'f');
    auto cache = fresh<TestType>();
    result(cache.set(hit, 1, {.time_to_live = 1h}));
    result(cache.set_many({{expired, 2}, {expired_too, 2}}, {.time_to_live = 0s}));
    CHECK(allocations_of([&] {
              (void)result(cache.find(hit));
              (void)result(cache.find(miss));
              (void)result(cache.find(expired));
              (void)result(cache.contains(hit));
              (void)result(cache.contains(miss));
              (void)result(cache.contains(expired_too));
          }) == 0);
}

BACKEND_TEST_CASE("touch never allocates", "[allocations][promise-8]", backends_in_memory) {
    const std::string hit(100, 'h'), miss(100, 'm'), expired(100, 'e');
    auto cache = fresh<TestType>();
    result(cache.set(hit, 1));
    result(cache.set(expired, 2, {.time_to_live = 0s}));
    CHECK(allocations_of([&] {
              (void)result(cache.touch(hit, 1h));
              (void)result(cache.touch(miss, 1h));
              (void)result(cache.touch(expired, 1h));
          }) == 0);
    CHECK(cache.size() == 1);
}

BACKEND_TEST_CASE("hits of get and deadline do not allocate",
                  "[allocations][promise-8]",
                  backends_in_memory) {
    const std::string key(100, 'k');
    auto cache = fresh<TestType>();
    result(cache.set(key, 1, {.time_to_live = 1h}));
    CHECK(allocations_of([&] {
              (void)result(cache.get(std::string_view(key)));
              (void)result(cache.deadline(std::string_view(key)));
          }) == 0);
}

BACKEND_TEST_CASE("an overwrite does not allocate",
                  "[allocations][promise-8]",
                  backends_in_memory) {
    const std::string key(100, 'k');
    const std::string_view view = key;
    auto cache = fresh<TestType>();
    result(cache.set(view, 1));
    CHECK(allocations_of([&] {
              result(cache.set(view, 2, {.time_to_live = 1h}));
              result(cache.set(view, 3, {.time_to_live = 1h, .if_not_exists = true}));
              result(cache.expire_in(view, 0s));
              result(cache.set(view, 4)); // an expired entry is also overwritten
          }) == 0);
    CHECK(result(cache.get(view)) == 4);
}

TEST_CASE("an entry costs a node of the bare map and eight bytes", "[allocations]") {
    bare_map bare;
    cachetory::memory_backend<std::uint64_t> cache;
    bare.reserve(16);
    cache.reserve(16);
    const std::size_t node = bytes_of([&] { bare.try_emplace("k", 1U); });
    CHECK(bytes_of([&] { cache.set("k", 1U); }) == node + 8);
}

TEST_CASE("neither a hit nor a miss nor an overwrite allocates", "[allocations][promise-8]") {
    support::manual_clock<>::reset();
    cache_of<int> cache;
    cache.set(long_key, 1, {.time_to_live = 1h});
    const std::size_t before = support::allocations();
    bool seen = cache.get(long_key) == 1 && cache.deadline(long_key).has_value();
    seen = seen && cache.find(long_key) != nullptr && cache.contains(long_key);
    seen = seen && cache.find("another key that is too long to be small") == nullptr;
    seen = seen && cache.set(long_key, 2, {.time_to_live = 2h});
    seen = seen && cache.expire_in(long_key, 1h);
    const std::size_t after = support::allocations();
    CHECK(seen);
    CHECK(after == before);
}

TEST_CASE("a table seldom grows", "[allocations]") {
    cache_of<int> cache;
    const std::size_t before = support::allocations();
    for (int i = 0; i != 10'000; ++i) {
        cache.set(std::to_string(i), i);
    }
    CHECK(support::allocations() - before >= 10'000); // a node each
    CHECK(support::allocations() - before <= 10'016);
}

#if defined(__GLIBCXX__) // maps of other libraries begin with other sizes
TEST_CASE("a table grows when the bare map's does, and as far", "[allocations]") {
    const std::size_t reserved = GENERATE(as<std::size_t>(), 0, 1, 2, 3, 4, 5, 6, 100);
    bare_map bare;
    cachetory::memory_backend<std::uint64_t> cache;
    bare.reserve(reserved);
    cache.reserve(reserved);
    std::size_t differences = 0;
    for (std::uint64_t i = 0; i != 10'000; ++i) {
        const std::string key = std::to_string(i);
        const std::size_t wanted = bytes_of([&] { bare.try_emplace(key, i); });
        differences += bytes_of([&] { cache.set(key, i); }) == wanted + 8 ? 0U : 1U;
    }
    CHECK(differences == 0);
}
#endif

TEST_CASE("reserve makes room at once and refuses what no table can hold", "[allocations]") {
    cache_of<int> cache;
    cache.reserve(1000);
    const std::size_t before = support::allocations();
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::string(1, static_cast<char>(i)) + std::to_string(i), i); // small strings
    }
    CHECK(support::allocations() - before == 1000); // the nodes
    CHECK_THROWS_WITH(cache.reserve(cache_of<int>::unlimited),
                      support::contains(std::to_string(cache_of<int>::unlimited)));
    CHECK(cache.size() == 1000);
}

TEST_CASE("reserve makes room in the shards", "[allocations]") {
    cachetory::concurrent_memory_backend<int> cache(1); // so that the share is known
    cache.reserve(1000);
    const std::size_t before = support::allocations();
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::to_string(i), i);
    }
    CHECK(support::allocations() - before == 1000); // the nodes
}
