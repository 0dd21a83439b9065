// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using clock_type = support::manual_clock<>;

namespace {

template <class Wire>
using cache_of = cachetory::memory_backend<Wire, clock_type>;

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
