// SPDX-License-Identifier: MIT
#include <cachetory/memory_backend.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/values.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::memory_backend;
using clock_type = support::manual_clock<>;

template <class Wire>
using cache_of = memory_backend<Wire, clock_type>;

// Every member compiles for every kind of value.
template class cachetory::memory_backend<int>;
template class cachetory::memory_backend<std::string, std::chrono::system_clock>;
template class cachetory::memory_backend<std::unique_ptr<int>>;
template class cachetory::memory_backend<support::move_only>;
template class cachetory::memory_backend<support::over_aligned>;
template class cachetory::memory_backend<support::throwing, clock_type>;
template class cachetory::memory_backend<int, support::manual_clock<std::chrono::seconds>>;

static_assert(std::is_default_constructible_v<memory_backend<int>>);
static_assert(std::copyable<memory_backend<int>>);
static_assert(std::is_nothrow_move_constructible_v<memory_backend<int>>);
static_assert(std::is_nothrow_move_assignable_v<memory_backend<int>>);
static_assert(std::is_nothrow_move_constructible_v<memory_backend<support::throwing>>);
static_assert(!std::is_copy_constructible_v<memory_backend<support::move_only>>);
static_assert(!std::is_copy_assignable_v<memory_backend<support::move_only>>);
static_assert(std::movable<memory_backend<support::move_only>>);
static_assert(noexcept(std::declval<memory_backend<int>&>().clear()));
static_assert(noexcept(std::declval<const memory_backend<int>&>().size()));
static_assert(std::is_same_v<decltype(std::declval<memory_backend<int>&>().get("")), int&>);
static_assert(std::is_same_v<decltype(std::declval<memory_backend<int>&>().find("")), int*>);
static_assert(std::is_same_v<decltype(std::declval<memory_backend<int>&>().get_many({""})),
                             std::vector<std::pair<const std::string_view, int&>>>);

namespace {

constexpr std::string_view long_key = "a key too long for the small string optimisation";

/// A hash that sends every key to one bucket, and remembers its own key.
struct constant_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view) const { return value; }

    std::size_t value = 7;
};

} // namespace

// References and views

TEST_CASE("get and find hand out the stored value and changing it changes the entry") {
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

TEST_CASE("references and views stay valid across inserts and overwrites in place") {
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

TEST_CASE("an expired entry is overwritten in place") {
    clock_type::reset();
    cache_of<int> cache;
    cache.set("k", 1, {.time_to_live = 0s});
    CHECK(cache.set("k", 2, {.if_not_exists = true}));
    CHECK(cache.size() == 1);
    CHECK(cache.get("k") == 2);
    CHECK(cache.deadline("k") == std::nullopt);
}

TEST_CASE("a time to live of zero is expired even at the very end of the clock") {
    cache_of<int> cache;
    clock_type::current = clock_type::time_point::max();
    CHECK(cache.set("zero", 1, {.time_to_live = 0s}));
    CHECK(cache.set("tick", 1, {.time_to_live = 1ns}));
    CHECK_FALSE(cache.contains("zero"));
    CHECK(cache.contains("tick"));
    clock_type::reset();

    using seconds_clock = support::manual_clock<std::chrono::seconds>;
    memory_backend<int, seconds_clock> coarse;
    seconds_clock::current = seconds_clock::time_point::max();
    CHECK(coarse.set("rounded up to zero", 1, {.time_to_live = -1ms}));
    CHECK_FALSE(coarse.contains("rounded up to zero"));
    seconds_clock::reset();
}

// Memory

TEST_CASE("an entry costs a node of the bare map and eight bytes") {
    // The bare map with a hash that is cached in the node, as ours is.
    struct bare_hash {
        std::size_t operator()(const std::string& key) const { return key.size(); }
    };

    const auto bytes_for_one = [](auto& map, auto insert) {
        map.reserve(16);
        const std::size_t before = support::allocated_bytes();
        insert();
        return support::allocated_bytes() - before;
    };
    std::unordered_map<std::string, std::uint64_t, bare_hash> bare;
    memory_backend<std::uint64_t> cache;
    const std::size_t node = bytes_for_one(bare, [&] { bare.try_emplace("k", 1U); });
    CHECK(bytes_for_one(cache, [&] { cache.set("k", 1U); }) == node + 8);
}

TEST_CASE("neither a hit nor a miss nor an overwrite allocates") {
    clock_type::reset();
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

TEST_CASE("a table grows seldom") {
    cache_of<int> cache;
    const std::size_t before = support::allocations();
    for (int i = 0; i != 10'000; ++i) {
        cache.set(std::to_string(i), i);
    }
    CHECK(support::allocations() - before >= 10'000); // a node each
    CHECK(support::allocations() - before <= 10'016);
}

TEST_CASE("reserve makes room at once and refuses what no table can hold") {
    cache_of<int> cache;
    cache.reserve(1000);
    const std::size_t before = support::allocations();
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::string(1, static_cast<char>(i)) + std::to_string(i), i); // small strings
    }
    CHECK(support::allocations() - before == 1000); // the nodes
    CHECK_THROWS_WITH(cache.reserve(cache_of<int>::unlimited),
                      support::contains("18446744073709551615"));
    CHECK(cache.size() == 1000);
}

// Copies and moves

TEST_CASE("a copy is a cache of its own") {
    clock_type::reset();
    cache_of<std::string> original;
    original.set("k", "v", {.time_to_live = 1s});
    cache_of<std::string> copy = original;
    copy.get("k") = "changed";
    CHECK(original.get("k") == "v");
    CHECK(copy.deadline("k") == original.deadline("k"));
    original = copy;
    CHECK(original.get("k") == "changed");
}

TEST_CASE("a cache that was moved from is empty and usable") {
    cache_of<int> first;
    first.set("k", 1);
    cache_of<int> second = std::move(first);
    CHECK(first.empty()); // NOLINT(bugprone-use-after-move): it is the promise
    CHECK(first.find("k") == nullptr);
    CHECK(first.set("k", 2));
    CHECK(second.get("k") == 1);
    second = std::move(first);
    CHECK(second.get("k") == 2);
    CHECK(first.empty());
    CHECK(first.purge_expired() == 0);
    CHECK(first.set("k", 3));
}

TEST_CASE("a cache that is moved to itself keeps its entries") {
    cache_of<int> cache;
    cache.set("k", 1);
    cache_of<int>& itself = cache;
    cache = std::move(itself);
    CHECK(cache.get("k") == 1);
}

TEST_CASE("a cache uses the hash it was given and takes it along") {
    memory_backend<int, clock_type, constant_hash> cache(constant_hash{42});
    cache.set("a", 1);
    cache.set("b", 2);
    auto other = std::move(cache);
    CHECK(other.get("a") == 1);
    CHECK(other.get("b") == 2);
    CHECK(cache.set("c", 3)); // NOLINT(bugprone-use-after-move): it is the promise
    CHECK(cache.get("c") == 3);
}

// Unusual values

TEST_CASE("keys of any type are hashed as views") {
    struct greedy_hash { // would hash the address of a C string
        using is_transparent = void;

        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
        std::size_t operator()(const char* address) const {
            return std::hash<const void*>()(address);
        }
    };
    memory_backend<int, clock_type, greedy_hash> cache;
    const std::vector<const char*> keys = {"a", "b"};
    CHECK(cache.set_many(std::map<const char*, int>{{keys[0], 1}, {keys[1], 2}}) == 2);
    CHECK(cache.get_many(keys).size() == 2);
    CHECK(cache.erase_many(keys) == 2);
    CHECK(cache.empty());
}

TEST_CASE("values need only be movable") {
    cache_of<support::move_only> cache;
    CHECK(cache.set("k", support::move_only(1)));
    CHECK(cache.set("k", support::move_only(2)));
    CHECK(cache.get("k").number == 2);
    CHECK(cache.get_or_set("l", [] { return support::move_only(3); }).number == 3);
    CHECK(cache.take("k")->number == 2);
    std::map<std::string, support::move_only> items;
    items.emplace("m", 4);
    CHECK(cache.set_many(std::move(items)) == 1);
    CHECK(cache.get("m").number == 4);
}

TEST_CASE("over-aligned values are aligned") {
    cache_of<support::over_aligned> cache;
    for (int i = 0; i != 10; ++i) {
        cache.set(std::to_string(i), support::over_aligned{i});
        const auto address = reinterpret_cast<std::uintptr_t>(cache.find(std::to_string(i)));
        CHECK(address % alignof(support::over_aligned) == 0);
    }
}

// Aliasing (see aliasing.test.cpp for every verb)

TEST_CASE("a key may view a stored value and a value may come from the same entry") {
    clock_type::reset();
    cache_of<std::string> cache;
    const std::string name(long_key);
    cache.set(name, name);
    CHECK(cache.set(name, *cache.find(name)));
    CHECK(cache.get(name) == name);
    CHECK(cache.set(*cache.find(name), "overwritten")); // the key dies with the old value
    CHECK(cache.get(name) == "overwritten");
    cache.set(name, name);
    CHECK(cache.take(*cache.find(name)) == name);
    cache.set(name, name);
    CHECK(cache.erase(*cache.find(name)));
    cache.set(name, name);
    std::string& value = cache.get(name);
    CHECK(cache.get_or_set("new", [&] {
        cache.clear();
        return std::string("made");
    }) == "made");
    static_cast<void>(value);
    cache.set(name, name);
    CHECK(cache.get_or_set(*cache.find(name), [] { return std::string(); }) == name);
    cache.set("other", "not " + name);
    CHECK(cache.get_or_set(*cache.find("other"), [&] {
        cache.erase("other"); // takes the key's characters away
        return std::string("made");
    }) == "made");
    CHECK(cache.get("not " + name) == "made");
    CHECK(cache.set_many(cache.get_many({name, "not " + name})) == 2);
    CHECK(cache.get(name) == name);
}

// Destructors that call back (see aliasing.test.cpp for every verb)

namespace {

using reentrant_cache = cache_of<support::last_words>;

/// A cache with an entry "a" whose value, dying, does `words`, and some others that say nothing.
void prepare(reentrant_cache& cache, std::function<void()> words) {
    clock_type::reset();
    cache.clear();
    cache.set_many([] {
        std::map<std::string, support::last_words> quiet;
        quiet["b"] = support::last_words();
        quiet["c"] = support::last_words();
        return quiet;
    }());
    cache.set("a", support::last_words(std::move(words)), {.time_to_live = 1s});
}

} // namespace

TEST_CASE("a destructor sees the operation done and nothing half done") {
    reentrant_cache cache;
    prepare(cache, [&] {
        CHECK(cache.contains("a"));
        CHECK(cache.deadline("a") == std::nullopt);
    });
    cache.set("a", support::last_words());
    prepare(cache, [&] { CHECK_FALSE(cache.contains("a")); });
    cache.erase("a");
    prepare(cache, [&] { CHECK(cache.size() == 1); });
    cache = [] {
        reentrant_cache one;
        one.set("a", support::last_words());
        return one;
    }();
}

TEST_CASE("get_many does not return what a destructor erased or let expire on the way") {
    reentrant_cache cache;
    for (const auto& keys : {std::vector{"a", "b", "c"}, std::vector{"c", "b", "a"}}) {
        for (const bool erases : {true, false}) {
            prepare(cache, [&] { erases ? cache.erase("b") : cache.expire_in("b", 0s); });
            clock_type::advance(1s);
            const auto found = cache.get_many(keys);
            REQUIRE(found.size() == 1);
            CHECK(found.front().first == "c");
            CHECK_FALSE(found.front().second.speak);
        }
    }
}

// Exceptions

TEST_CASE("an overwrite that fails leaves the old value with its old deadline") {
    clock_type::reset();
    for (int failing = 1; failing != 3; ++failing) { // the old value moves out, the new one in
        CAPTURE(failing);
        cache_of<support::throwing> cache;
        cache.set("k", 1, {.time_to_live = 1s});
        const auto deadline = cache.deadline("k");
        support::throwing value = 2;
        support::throwing::countdown = failing;
        bool failed = false;
        try {
            cache.set("k", std::move(value));
        } catch (const support::throwing::error&) {
            failed = true;
        }
        support::throwing::countdown = -1;
        CHECK(failed);
        CHECK(cache.deadline("k") == deadline);
        CHECK(cache.get("k").number == 1);
    }
}

TEST_CASE("an insertion for which memory runs out changes nothing") {
    int failures = 0;
    for (std::size_t entries = 0; entries != 40; ++entries) { // the table grows now and then
        bool failed = true;
        for (std::size_t n = 1; failed; ++n) {
            CAPTURE(entries, n);
            cache_of<std::string> cache;
            for (std::size_t i = 0; i != entries; ++i) {
                cache.set(std::to_string(i), "old");
            }
            std::string value = "new";
            support::fail_allocation(n);
            try {
                cache.set(long_key, std::move(value));
                failed = false;
            } catch (const std::bad_alloc&) {
                ++failures;
            }
            support::fail_allocation(0);
            CHECK(cache.size() == entries + (failed ? 0 : 1));
            CHECK(cache.contains(long_key) != failed);
            CHECK(cache.set(long_key, "again"));
            CHECK(cache.get(long_key) == "again");
        }
    }
    CHECK(failures > 80); // the key and the node each time, the table sometimes
}

namespace {

struct throwing_clock : clock_type {
    static time_point now() { throw std::runtime_error("the clock has stopped"); }
};

struct throwing_hash : constant_hash {
    std::size_t operator()(std::string_view key) const {
        return key == "k" ? throw std::runtime_error("no hash") : constant_hash::operator()(key);
    }
};

} // namespace

TEST_CASE("a clock that throws leaves everything as it was") {
    memory_backend<int, throwing_clock> cache;
    cache.set("never", 1);
    CHECK_THROWS_WITH(cache.set("new", 2, {.time_to_live = 1s}), "the clock has stopped");
    CHECK_THROWS_WITH(cache.set("never", 2, {.time_to_live = 1s}), "the clock has stopped");
    CHECK_THROWS_WITH(cache.expire_in("never", 1s), "the clock has stopped");
    CHECK(cache.size() == 1);
    CHECK(cache.get("never") == 1);
    CHECK(cache.deadline("never") == std::nullopt);
    cache.expire_at("never", clock_type::at(1));
    CHECK_THROWS_WITH(cache.find("never"), "the clock has stopped");
    CHECK_THROWS_WITH(cache.purge_expired(), "the clock has stopped");
    CHECK(cache.size() == 1);
    CHECK(cache.expire_in("absent", 1s) == false);
}

TEST_CASE("a hash that throws leaves everything as it was") {
    memory_backend<int, clock_type, throwing_hash> cache;
    cache.set("other", 2); // newer libraries do not hash to look into an empty table
    CHECK_THROWS_WITH(cache.set("k", 1), "no hash");
    CHECK_THROWS_WITH(cache.find("k"), "no hash");
    CHECK(cache.size() == 1);
    CHECK(cache.get("other") == 2);
}

// Clock

TEST_CASE("each operation reads the clock at most once and none for what never expires") {
    clock_type::reset();
    cache_of<int> cache;
    const auto reads_of = [&](auto operation) {
        clock_type::reads = 0;
        operation();
        return clock_type::reads;
    };
    const auto fill = [&](std::optional<cachetory::ttl> time_to_live) {
        cache.clear();
        cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}}, {.time_to_live = time_to_live});
    };
    for (const int reads : {0, 1}) {
        const auto time_to_live =
            reads == 0 ? std::optional<cachetory::ttl>() : std::optional<cachetory::ttl>(1h);
        CHECK(reads_of([&] { fill(time_to_live); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.get("a")); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.find("a")); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.contains("a")); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.deadline("a")); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.get_many({"a", "b", "c"})); }) == reads);
        CHECK(reads_of([&] {
                  cache.get_or_set(
                      "a", [] { return 1; }, 1s);
              }) == reads);
        CHECK(reads_of([&] { cache.set("a", 1, {time_to_live, true}); }) == reads);
        CHECK(reads_of([&] { cache.set("a", 1, {time_to_live, false}); }) == reads);
        CHECK(reads_of([&] { cache.expire_in("a", time_to_live); }) == reads);
        CHECK(reads_of([&] { cache.purge_expired(); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.take("a")); }) == reads);
        CHECK(reads_of([&] { cache.erase("b"); }) == reads);
        fill(time_to_live);
        CHECK(reads_of([&] { cache.erase_many({"a", "b", "c"}); }) == reads);
        CHECK(reads_of([&] { static_cast<void>(cache.find("absent")); }) == 0);
        CHECK(reads_of([&] { cache.expire_in("absent", 1s); }) == 0);
    }
}

// purge_expired

TEST_CASE("purge_expired visits no more entries than it may and goes on where it stopped") {
    clock_type::reset();
    cache_of<int> cache;
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
    CHECK(calls >= 51); // no fewer than 10 visits each can do
    CHECK(calls <= 200);
    CHECK(cache.purge_expired(0) == 0);
}

TEST_CASE("purge_expired gets past a long bucket with few visits") {
    clock_type::reset();
    memory_backend<int, clock_type, constant_hash> cache;
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

TEST_CASE("purge_expired visits each entry of a bucket once in a round") {
    for (int expired = 0; expired != 10; ++expired) {
        clock_type::reset();
        memory_backend<int, clock_type, constant_hash> cache(constant_hash{0});
        for (int i = 0; i != 10; ++i) {
            cache.set(std::to_string(i), i, {.time_to_live = i == expired ? 0s : 1h});
        }
        std::size_t purged = 0;
        for (int calls = 0; calls != 10; ++calls) {
            purged += cache.purge_expired(1);
        }
        CHECK(purged == 1);
        CHECK(cache.purge_expired(5) == 0);
        clock_type::advance(1h);
        CHECK(cache.purge_expired() ==
              9); // those before the place where the last call stopped, too
    }
}

TEST_CASE("purge_expired bounds the buckets it walks and not only the entries") {
    clock_type::reset();
    memory_backend<int, clock_type, constant_hash> cache(constant_hash{50'000});
    cache.reserve(100'000);
    cache.set("only", 1, {.time_to_live = 0s});
    int calls = 1;
    while (cache.purge_expired(10) == 0) {
        REQUIRE(++calls < 100'000);
    }
    CHECK(calls > 50'000 / 100); // more than there would be with 100 buckets each
    CHECK(cache.empty());
    cache.set("only", 1, {.time_to_live = 0s});
    CHECK(cache.purge_expired() == 1); // unlimited: wherever the last call stopped
}

TEST_CASE("purge_expired goes on when the table has shrunk since") {
    clock_type::reset();
    cache_of<int> cache;
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::to_string(i), i);
    }
    CHECK(cache.purge_expired(100) == 0);
    cache.clear();
    cache.set("a", 1, {.time_to_live = 0s});
    CHECK(cache.purge_expired(50) == 1);
}
