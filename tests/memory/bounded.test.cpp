// SPDX-License-Identifier: MIT
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>

#include "../support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::manual_clock;

namespace {

using bounded = cachetory::bounded_memory_backend<int, manual_clock>;
using shared = cachetory::bounded_concurrent_memory_backend<int, manual_clock>;

std::size_t any_bound() { return GENERATE(1U, 2U, 3U, 10U, 100U); }

void restart_clock() { manual_clock::set(manual_clock::time_point()); }

/// A hash with a fixed key, for tests of which entry goes. With a random key, that would differ
/// between processes.
cachetory::string_hash known_hash() {
    return cachetory::string_hash({0x9e37'79b9'7f4a'7c15, 0xd1b5'4a32'd192'ed03,
                                   0x94d0'49bb'1331'11eb, 0xbf58'476d'1ce4'e5b9});
}

/// Stores the keys "0" to "n - 1", each with its number as its value.
template <class Cache>
void fill(Cache& cache, std::size_t n) {
    for (std::size_t i = 0; i != n; ++i) {
        cache.set(std::to_string(i), static_cast<int>(i));
    }
}

} // namespace

TEST_CASE("what a bound adds to a cache and to an entry", "[bound][sizes]") {
    using unbounded = cachetory::memory_backend<int, manual_clock>;
    using core = cachetory::detail::expiring_map<int, manual_clock, cachetory::string_hash>;
    using bounded_core =
        cachetory::detail::expiring_map<int, manual_clock,
                                        cachetory::detail::hash_once<cachetory::string_hash>,
                                        cachetory::bounded>;
    constexpr std::size_t of_vectors = 2 * sizeof(std::vector<int>); // more than usual if checked
    CHECK(sizeof(bounded) == sizeof(unbounded) + of_vectors + 3 * sizeof(std::size_t));
    const bool has_room = alignof(core::entry) > alignof(int); // for a byte
    CHECK(sizeof(bounded_core::entry) == sizeof(core::entry) + (has_room ? 0 : sizeof(int)));
}

TEMPLATE_TEST_CASE("a bounded cache never holds more than its bound, whatever the verb",
                   "[bound][promise-16]",
                   bounded,
                   shared) {
    restart_clock();
    const std::size_t max = any_bound();
    TestType cache(max);
    CHECK(cache.max_entries() == max);
    const auto in_bound = [&] { return cache.size() <= max && cache.max_entries() == max; };
    for (int round = 0; round != 3; ++round) {
        for (int i = 0; i != 400; ++i) {
            const std::string key = std::to_string(i * 7919 % 211);
            const std::string other = std::to_string(i);
            switch (i % 9) {
            case 0:
                cache.set(key, i, {.time_to_live = std::chrono::nanoseconds(i % 50)});
                break;
            case 1:
                REQUIRE(cache.get_or_set(other, [&] { return i; }) >= 0);
                break;
            case 2:
                cache.set_many({{key, 1}, {other, 2}, {"both", 3}});
                break;
            case 3:
                cache.set_or_visit(key, 1, [](int& n) { ++n; });
                break;
            case 4:
                cache.erase(other);
                break;
            case 5:
                REQUIRE(cache.evict(1) <= 1);
                break;
            case 6:
                cache.purge_expired(3);
                break;
            case 7:
                manual_clock::advance(10ns);
                cache.reserve(1000);
                break;
            default:
                cache.set(other, i);
                REQUIRE(cache.contains(other));
            }
            REQUIRE(in_bound());
        }
        if (round == 1) {
            cache.clear();
            CHECK(cache.empty());
        }
    }
}

TEMPLATE_TEST_CASE("the entry just stored is never the victim",
                   "[bound][promise-16]",
                   bounded,
                   shared) {
    const std::size_t max = any_bound();
    TestType cache(max);
    for (int i = 0; i != 1000; ++i) {
        const std::string key = std::to_string(i);
        cache.set(key, i);
        REQUIRE(cache.find(key));
        REQUIRE(cache.get_or_set(key + "x", [&] { return i; }) == i);
        REQUIRE(cache.contains(key + "x"));
    }
    CHECK(cache.size() == max);
}

TEST_CASE("overwriting in a full cache evicts nothing", "[bound][promise-16]") {
    restart_clock();
    const std::size_t max = any_bound();
    bounded cache(max);
    fill(cache, max);
    const auto time_to_live =
        GENERATE(std::optional<cachetory::ttl>(), std::optional<cachetory::ttl>(1s));
    CHECK(cache.expire_in("0", time_to_live)); // an expired entry is overwritten in place
    manual_clock::advance(2s);
    for (std::size_t i = 0; i != max; ++i) {
        CHECK(cache.set(std::to_string(i), -1));
        CHECK(cache.size() == max);
    }
    for (std::size_t i = 0; i != max; ++i) {
        CHECK(cache.get(std::to_string(i)) == -1);
    }
}

TEST_CASE("an expired entry that the hand reaches is evicted before a live one",
          "[bound][promise-3][promise-16]") {
    restart_clock();
    bounded cache(100, known_hash());
    fill(cache, 100);
    for (std::size_t i = 0; i != 100; ++i) { // all have been used, so all have three lives
        REQUIRE(cache.expire_in(std::to_string(i), i % 10 == 0 ? 1s : 1h));
    }
    manual_clock::advance(1s);
    std::size_t live_ones_gone = 0;
    for (int i = 0; i != 5; ++i) {
        cache.set("new " + std::to_string(i), 0);
    }
    for (std::size_t i = 0; i != 100; ++i) {
        live_ones_gone += i % 10 != 0 && !cache.contains(std::to_string(i)) ? 1U : 0U;
    }
    // One entry in ten is expired, so the hand seldom spares sixteen in a row without meeting one.
    CHECK(live_ones_gone <= 2);
}

TEST_CASE("used entries outlive unused ones", "[bound]") {
    bounded cache(100, known_hash());
    fill(cache, 100);
    for (int i = 0; i != 20; ++i) {
        REQUIRE(cache.contains(std::to_string(i)));
    }
    for (int i = 0; i != 70; ++i) {
        cache.set("new " + std::to_string(i), 0);
    }
    for (int i = 0; i != 20; ++i) {
        CHECK(cache.contains(std::to_string(i)));
    }
}

TEST_CASE("for_each, erase_if and purge_expired do not count as a use", "[bound]") {
    bounded cache(100, known_hash());
    fill(cache, 100);
    const auto victims_after = [&](auto look) {
        bounded copy = cache;
        look(copy);
        for (int i = 0; i != 50; ++i) {
            copy.set("new " + std::to_string(i), 0);
        }
        std::vector<bool> gone;
        for (int i = 0; i != 100; ++i) {
            gone.push_back(!copy.contains(std::to_string(i)));
        }
        return gone;
    };
    const auto expected = victims_after([](bounded&) {});
    CHECK(victims_after([](bounded& c) { c.for_each([](std::string_view, int&) {}); }) == expected);
    CHECK(victims_after([](bounded& c) {
              c.erase_if([](std::string_view, int&) { return false; });
          }) == expected);
    CHECK(victims_after([](bounded& c) { c.purge_expired(); }) == expected);
    CHECK(victims_after([&](bounded& c) {
              for (std::size_t i = 0; i != expected.size(); ++i) {
                  REQUIRE((!expected[i] || c.contains(std::to_string(i))));
              }
          }) != expected);
}

TEST_CASE("an evicted key that comes back skips probation", "[bound]") {
    bounded cache(100, known_hash());
    fill(cache, 100);
    cache.set("comes back", 0);
    for (int i = 0; i != 11; ++i) { // eleven newcomers push it out of the queue of ten
        cache.set("once " + std::to_string(i), 0);
    }
    REQUIRE_FALSE(cache.contains("comes back"));
    cache.set("comes back", 1);
    for (int i = 0; i != 60; ++i) {
        cache.set("once more " + std::to_string(i), 0);
    }
    CHECK(cache.contains("comes back"));

    cache.clear(); // forgets the ghosts
    fill(cache, 100);
    cache.set("comes back", 2);
    for (int i = 0; i != 60; ++i) {
        cache.set("once more " + std::to_string(i), 0);
    }
    CHECK_FALSE(cache.contains("comes back"));
}

TEST_CASE("a queue whose keys have all been erased does no harm", "[bound]") {
    bounded cache(100);
    fill(cache, 100);
    for (int round = 0; round != 5; ++round) {
        for (int i = 0; i != 15; ++i) {
            cache.set("new " + std::to_string(i), i);
        }
        for (int i = 0; i != 15; ++i) {
            cache.erase("new " + std::to_string(i));
        }
        fill(cache, 100);
        REQUIRE(cache.size() == 100);
        REQUIRE(cache.contains("99"));
    }
}

TEST_CASE("evict evicts as many as it is told, or all there are", "[bound]") {
    bounded cache(100);
    CHECK(cache.evict(1) == 0);
    fill(cache, 60); // never full: there are neither newcomers nor ghosts
    CHECK(cache.evict(0) == 0);
    CHECK(cache.evict(10) == 10);
    CHECK(cache.size() == 50);
    fill(cache, 200);
    CHECK(cache.evict(30) == 30);
    CHECK(cache.size() == 70);
    CHECK(cache.evict((std::numeric_limits<std::size_t>::max)()) == 70);
    CHECK(cache.empty());
    fill(cache, 200);
    CHECK(cache.size() == 100);
}

TEST_CASE("the shared cache evicts from one shard after the other", "[bound]") {
    shared cache(1000, 10);
    fill(cache, 5000);
    REQUIRE(cache.size() == 1000);
    CHECK(cache.evict(15) == 15);
    CHECK(cache.evict(10) == 10);
    CHECK(cache.size() == 975);
    CHECK(cache.evict(5000) == 975);
    CHECK(cache.empty());
    CHECK(cache.evict(1) == 0);
}

TEST_CASE("a byte budget is kept by evicting one at a time", "[bound]") {
    struct counted {
        explicit counted(std::size_t n) : bytes(n) { used() += n; }
        counted(counted&& other) noexcept : bytes(std::exchange(other.bytes, 0)) {}
        counted& operator=(counted&& other) noexcept {
            std::swap(bytes, other.bytes);
            return *this;
        }
        ~counted() { used() -= bytes; }
        static std::size_t& used() {
            static std::size_t sum = 0;
            return sum;
        }
        std::size_t bytes;
    };
    constexpr std::size_t budget = 10'000;
    cachetory::bounded_memory_backend<counted> cache(1'000'000);
    for (std::size_t i = 0; i != 2000; ++i) {
        cache.set(std::to_string(i), counted(i % 90 + 1));
        while (counted::used() > budget && cache.evict(1) != 0) {
        }
        REQUIRE(counted::used() <= budget);
    }
    CHECK(counted::used() > budget / 2);
    cache.clear();
    CHECK(counted::used() == 0);
}

TEST_CASE("moved-from and copied bounded caches have their bounds", "[bound][promise-16]") {
    const std::size_t max = any_bound();
    bounded cache(max);
    fill(cache, 3 * max);
    bounded copy = cache;
    bounded moved = std::move(cache);
    CHECK(cache.empty());
    for (bounded* each : {&cache, &copy, &moved}) {
        CHECK(each->max_entries() == max);
        fill(*each, 3 * max + 5);
        CHECK(each->size() == max);
    }
    bounded other(max + 7);
    fill(other, 1000);
    other = std::move(moved);
    CHECK(other.max_entries() == max);
    fill(other, 1000);
    CHECK(other.size() == max);
    fill(moved, 1000);
    CHECK(moved.size() == moved.max_entries());
    other = bounded(max + 1);
    fill(other, 1000);
    CHECK(other.size() == max + 1);
}

TEST_CASE("a copy evicts as its original does", "[bound]") {
    bounded cache(50);
    fill(cache, 120);
    bounded copy = cache;
    CHECK(copy.size() == 50);
    int found = 0;
    for (int i = 0; i != 120; ++i) {
        CHECK(copy.contains(std::to_string(i)) == cache.contains(std::to_string(i)));
        found += cache.contains(std::to_string(i)) ? 1 : 0;
    }
    CHECK(found == 50);
}

TEST_CASE("a cache that has been moved knows which entries are on probation", "[bound]") {
    bounded original(50, known_hash());
    fill(original, 120);
    bounded built = std::move(original);
    bounded assigned(70);
    fill(assigned, 1000);
    assigned = std::move(built);
    for (int i = 120; i != 140; ++i) {
        assigned.set(std::to_string(i), i);
    }
    for (int i = 115; i != 140; ++i) { // five are on probation: the newest, each for a while
        CHECK(assigned.contains(std::to_string(i)) == (i >= 135));
    }
}

TEST_CASE("a huge bound costs nothing until it is reached", "[bound]") {
    bounded cache((std::numeric_limits<std::size_t>::max)() / 4);
    fill(cache, 100);
    CHECK(cache.size() == 100);
    CHECK(cache.evict(1) == 1);
    shared many((std::numeric_limits<std::size_t>::max)() / 4);
    fill(many, 100);
    CHECK(many.size() == 100);
}

TEST_CASE("a bound of zero and a missing one are errors that say so", "[bound][errors]") {
    using Catch::Matchers::Equals;
    CHECK_THROWS_WITH(bounded(0), support::contains("at least 1 entry, not 0"));
    CHECK_THROWS_AS(shared(0), std::invalid_argument);
    CHECK_THROWS_WITH(shared(5, 6),
                      support::contains("5 entries") && support::contains("6 shards"));
    CHECK_THROWS_AS(shared(5, 0), std::invalid_argument);
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<bounded>);
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<shared>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<cachetory::memory_backend<int>, std::size_t>);
    CHECK(bounded::from_url("memory://?max_entries=1000").max_entries() == 1000);
    CHECK(shared::from_url("memory://?max_entries=1000").max_entries() == 1000);
    for (const std::string url :
         {"memory://", "memory://?max_entries=", "memory://?max_entries=0",
          "memory://?max_entries=-1", "memory://?max_entries=1k",
          "memory://?max_entries=99999999999999999999",
          "memory://?max_entries=18446744073709551616", "memory://?MAX_ENTRIES=1", "redis://"}) {
        CAPTURE(url);
        CHECK_THROWS_WITH(bounded::from_url(url), support::contains('"' + url + '"'));
        CHECK_THROWS_AS(shared::from_url(url), std::invalid_argument);
    }
    CHECK_THROWS_AS(cachetory::memory_backend<int>::from_url("memory://?max_entries=1"),
                    std::invalid_argument);
}

TEST_CASE("the shares of the shards add up to the bound", "[bound][promise-16]") {
    const std::size_t max = GENERATE(1U, 63U, 64U, 65U, 1000U, 65'537U, 1'000'003U);
    CHECK(shared(max).max_entries() == max);
    for (const std::size_t shards : {1U, 7U, 64U}) {
        if (shards <= max) {
            CHECK(shared(max, shards).max_entries() == max);
        }
    }
}
