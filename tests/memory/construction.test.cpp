// SPDX-License-Identifier: MIT
#include "support/contract.hpp"
#include "support/every_verb.hpp"
#include "support/hashes.hpp"

#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/serialized_backend.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;
using support::act;
using support::add_expired;
using support::at_first;
using support::backends_in_memory;
using support::every_verb;
using support::fill;
using support::fresh;
using support::observe;
using support::result;
using test_clock = support::manual_clock<>;

namespace {

template <class Wire>
using cache_of = cachetory::memory_backend<Wire, test_clock>;

template <class Entry>
using faulty_cache_of = support::faulty<Entry, support::wire<true>>;

/// A moved-from hash hashes keys differently.
struct salted_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string>()(salt + std::string(text));
    }

    std::string salt = "too long to be stored in the string itself";
};

using with_references = support::backends_with<&support::features::references>;

} // namespace

BACKEND_TEST_CASE("from_url takes the URL of a memory backend",
                  "[construction]",
                  backends_in_memory) {
    test_clock::reset();
    using backend = decltype(fresh<TestType>());
    auto cache = backend::from_url(support::url_of<backend>());
    CHECK(cache.empty());
    CHECK(result(cache.set("key", 1)));
    CHECK(result(cache.get("key")) == 1);
}

BACKEND_TEST_CASE("from_url refuses any other URL and names it",
                  "[construction]",
                  backends_in_memory) {
    const std::string url =
        GENERATE("redis://localhost", "memory:/", "memory://x", "MEMORY://", "");
    CAPTURE(url);
    try {
        (void)decltype(fresh<TestType>())::from_url(url);
        FAIL("accepted");
    } catch (const std::invalid_argument& error) {
        CHECK(std::string(error.what()).find('"' + url + '"') != std::string::npos);
    }
}

BACKEND_TEST_CASE("reserve changes no entry", "[construction]", backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    result(cache.set("live", 2, {.time_to_live = 10ns}));
    (void)cache.reserve(10'000);
    CHECK(cache.size() == 2);
    CHECK(result(cache.get("live")) == 2);
    CHECK(result(cache.deadline("live")) == test_clock::at(1020));
}

BACKEND_TEST_CASE("a moved-from cache is empty and usable",
                  "[construction][promise-10]",
                  with_references) {
    using cache_type = decltype(fresh<TestType>());
    auto from = fresh<TestType>();
    result(from.set("key", 1, {.time_to_live = 10ns}));
    cache_type to;
    result(to.set("old", 2));
    SECTION("constructed from") {
        cache_type made = std::move(from);
        to = std::move(made);
        CHECK(made.empty());
    }
    SECTION("assigned from") { to = std::move(from); }
    CHECK(to.size() == 1);
    CHECK(result(to.deadline("key")) == test_clock::at(1010));
    CHECK(from.empty());
    CHECK(!result(from.contains("key")));
    CHECK(result(from.purge_expired()) == 0);
    CHECK(result(from.set("key", 3)));
    CHECK(result(from.get("key")) == 3);
    CHECK(result(to.get("key")) == 1);
}

namespace {

template <class Cache>
struct aggregate {
    int number;
    Cache cache;
};

} // namespace

TEMPLATE_TEST_CASE("a cache may be a member of an aggregate and an element of an array",
                   "[construction]",
                   cachetory::memory_backend<int>,
                   cachetory::concurrent_memory_backend<int>,
                   cachetory::async_memory_backend<int>,
                   cachetory::async_backend<cachetory::concurrent_memory_backend<int>>,
                   (cachetory::serialized_backend<int, cachetory::memory_backend<std::string>>)) {
    TestType cache = {};
    aggregate<TestType> member = {.number = 1, .cache = {}};
    std::array<TestType, 2> elements = {};
    for (TestType* each : {&cache, &member.cache, &elements[0], &elements[1]}) {
        CHECK(result(each->set("key", member.number)));
    }
}

TEST_CASE("a copy is a cache of its own", "[construction]") {
    test_clock::reset();
    cache_of<std::string> original;
    original.set("k", "v", {.time_to_live = 1s});
    cache_of<std::string> copy = original;
    copy.get("k") = "changed";
    CHECK(original.get("k") == "v");
    CHECK(copy.deadline("k") == original.deadline("k"));
    original = copy;
    CHECK(original.get("k") == "changed");
}

TEST_CASE("a cache that was moved from is empty and usable", "[construction]") {
    cache_of<int> first;
    first.set("k", 1);
    cache_of<int> second = std::move(first);
    CHECK(first.empty()); // NOLINT(bugprone-use-after-move): this is promised
    CHECK(first.find("k") == nullptr);
    CHECK(first.set("k", 2));
    CHECK(second.get("k") == 1);
    second = std::move(first);
    CHECK(second.get("k") == 2);
    CHECK(first.empty());
    CHECK(first.purge_expired() == 0);
    CHECK(first.set("k", 3));
}

TEST_CASE("a cache that is moved to itself keeps its entries", "[construction]") {
    cache_of<int> cache;
    cache.set("k", 1);
    cache_of<int>& itself = cache;
    cache = std::move(itself);
    CHECK(cache.get("k") == 1);
}

TEST_CASE("a cache uses the hash it was given and takes it along", "[construction]") {
    cachetory::memory_backend<int, test_clock, support::constant_hash> cache(
        support::constant_hash{42});
    cache.set("a", 1);
    cache.set("b", 2);
    auto other = std::move(cache);
    CHECK(other.get("a") == 1);
    CHECK(other.get("b") == 2);
    CHECK(cache.set("c", 3)); // NOLINT(bugprone-use-after-move): this is promised
    CHECK(cache.get("c") == 3);
}

TEMPLATE_TEST_CASE("a cache that is cleared hashes as before",
                   "[construction]",
                   (cachetory::memory_backend<int, test_clock, salted_hash>),
                   (cachetory::concurrent_memory_backend<int, test_clock, salted_hash>)) {
    TestType cache;
    cache.set("a", 1);
    cache.clear(); // libc++ moves the hash with the table
    CHECK(cache.set("a", 2));
    CHECK(cache.contains("a"));
    CHECK(cache.set("a", 3));
    CHECK(cache.size() == 1);
    CHECK(cache.get("a") == 3);
}

BACKEND_TEST_CASE("every verb works on a cache that was moved from",
                  "[construction][promise-10]",
                  with_references) {
    using cache_type = faulty_cache_of<TestType>;
    for (const auto& verb : every_verb<cache_type>()) {
        CAPTURE(verb.name);
        cache_type unused;
        cache_type moved;
        fill(moved);
        cache_type to = std::move(moved);
        CHECK(moved.empty()); // NOLINT(bugprone-use-after-move): this is promised
        CHECK(act(verb, moved) == act(verb, unused));
        CHECK(observe(moved) == observe(unused));

        unused = std::move(moved);
        fill(moved);
        (void)act(verb, moved);
        CHECK(observe(moved) == verb.steps.states().back());
        CHECK(observe(to) == at_first);
        CHECK(support::works(moved));
    }
}
