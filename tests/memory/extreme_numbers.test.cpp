// SPDX-License-Identifier: MIT
// The largest and smallest numbers.
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <chrono>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

using support::manual_clock;
using support::result;
using namespace std::chrono_literals;

namespace {

template <class Entry, class Clock>
using cache_of = support::backend_of<Entry, int, Clock>;

} // namespace

TEST_CASE("reserve refuses more entries than a table can hold, and changes nothing",
          "[extremes][promise-9]") {
    const auto refuses = [](auto& cache, auto reserve) {
        constexpr std::size_t max = std::numeric_limits<std::size_t>::max();
        manual_clock<>::reset();
        (void)result(cache.set("key", 1, {.time_to_live = 1h}));
        CHECK_THROWS_AS(reserve(max), std::length_error);
        CHECK_THROWS_AS(reserve(max - 1), std::length_error);
        CHECK(cache.size() == 1);
        CHECK(result(cache.get("key")) == 1);
        CHECK(result(cache.deadline("key")) == manual_clock<>::at(1000) + 1h);
    };
    SECTION("by one table") {
        cache_of<support::memory, manual_clock<>> cache;
        refuses(cache, [&](std::size_t many) { cache.reserve(many); });
    }
    SECTION("in the future") {
        cache_of<support::async<support::memory>, manual_clock<>> cache;
        refuses(cache, [&](std::size_t many) { cache.reserve(many).get(); });
    }
    SECTION("by few shards") { // with many shards, the share of one would be allocated, and fail
        const std::size_t shards = GENERATE(1U, 2U, 7U);
        cache_of<support::concurrent_memory, manual_clock<>> cache(shards);
        refuses(cache, [&](std::size_t many) { cache.reserve(many); });
    }
}

// Takes 2 GB and a minute each, so only on request: cachetory_tests "[huge]".
using memory_and_concurrent_memory = std::tuple<support::memory, support::concurrent_memory>;

BACKEND_TEST_CASE("sixteen million entries come and go", "[.huge]", memory_and_concurrent_memory) {
    constexpr std::size_t count = 16'000'000;
    constexpr std::size_t limit = 1'000'000;
    using clock = manual_clock<>;
    clock::reset();
    cache_of<TestType, clock> cache;
    std::size_t stored = 0;
    for (std::size_t i = 0; i != count; ++i) {
        stored += cache.set(std::to_string(i), int(i), {.time_to_live = 1h}) ? 1U : 0U;
    }
    CHECK(stored == count);
    CHECK(cache.size() == count);
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; i += 997) {
        const auto hit = cache.find(std::to_string(i));
        found += hit && *hit == int(i) ? 1U : 0U;
    }
    CHECK(found == (count + 996) / 997);
    CHECK(cache.purge_expired(limit) == 0);

    clock::advance(1h);
    CHECK(!cache.contains("0"));
    CHECK(cache.set("0", 1));
    std::size_t calls = 0;
    for (std::size_t left = count - 1; left != 0; ++calls) {
        const std::size_t purged = cache.purge_expired(limit);
        left -= purged;
        REQUIRE((purged <= limit && calls < 1000 && cache.size() == left + 1));
    }
    CHECK(calls >= count / limit);
    CHECK(cache.purge_expired() == 0);
    CHECK(cache.get("0") == 1);
    cache.clear();
    CHECK(cache.empty());
}
