// SPDX-License-Identifier: MIT
#include "support/contract.hpp"
#include "support/counting.hpp"

#include <cachetory/backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::add_expired;
using support::backends_in_memory;
using support::fresh;
using support::reads_of;
using support::result;
using test_clock = support::manual_clock<>;

BACKEND_TEST_CASE("an operation reads the clock once", "[clock][promise-7]", backends_in_memory) {
    const bool alive = GENERATE(true, false);
    CAPTURE(alive);
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    if (!alive) {
        test_clock::advance(10ns);
    }
    const cachetory::set_options fresh_for_1h = {.time_to_live = 1h};
    const cachetory::set_options if_absent_for_1h = {.time_to_live = 1h, .if_not_exists = true};

    SECTION("find") {
        CHECK(reads_of([&] { (void)result(cache.find("key")); }) == 1);
    }
    SECTION("contains") {
        CHECK(reads_of([&] { (void)result(cache.contains("key")); }) == 1);
    }
    SECTION("get") {
        CHECK(reads_of([&] {
                  try {
                      (void)result(cache.get("key"));
                  } catch (const cachetory::key_error&) {
                  }
              }) == 1);
    }
    SECTION("deadline") {
        CHECK(reads_of([&] {
                  try {
                      (void)result(cache.deadline("key"));
                  } catch (const cachetory::key_error&) {
                  }
              }) == 1);
    }
    SECTION("take") {
        CHECK(reads_of([&] { (void)result(cache.take("key")); }) == 1);
    }
    SECTION("erase") {
        CHECK(reads_of([&] { result(cache.erase("key")); }) == 1);
    }
    SECTION("set") {
        CHECK(reads_of([&] { result(cache.set("key", 2, fresh_for_1h)); }) == 1);
    }
    SECTION("set if_not_exists") {
        CHECK(reads_of([&] { result(cache.set("key", 2, if_absent_for_1h)); }) == 1);
    }
    SECTION("expire_in") {
        CHECK(reads_of([&] { result(cache.expire_in("key", 1h)); }) == 1);
    }
    SECTION("expire_at") {
        CHECK(reads_of([&] { result(cache.expire_at("key", test_clock::at(5000))); }) == 1);
    }
    SECTION("expire_at the wall clock's time") {
        const auto deadline = std::chrono::system_clock::now() + 1h;
        CHECK(reads_of([&] { result(cache.expire_at("key", deadline)); }) == 1);
    }
    SECTION("purge_expired") {
        CHECK(reads_of([&] { result(cache.purge_expired()); }) == 1);
    }
}

BACKEND_TEST_CASE("a bulk operation reads the clock once",
                  "[clock][promise-7]",
                  backends_in_memory) {
    const int most = TestType::has.shared ? 100 : 1; // shared: once for each lock
    auto cache = fresh<TestType>();
    std::vector<std::string> keys;
    std::vector<std::pair<std::string, int>> items;
    for (int i = 0; i != 100; ++i) {
        keys.push_back(std::to_string(i));
        items.emplace_back(std::to_string(i), i);
        result(cache.set(std::to_string(i), i, {.time_to_live = i % 2 == 0 ? 1ns : 1h}));
    }
    test_clock::advance(1ns);
    const auto once = [&](auto operation) {
        const int reads = reads_of(operation);
        return 1 <= reads && reads <= most;
    };
    CHECK(once([&] { (void)result(cache.get_many(keys)); }));
    CHECK(
        once([&] { result(cache.set_many(items, {.time_to_live = 1h, .if_not_exists = true})); }));
    CHECK(once([&] { result(cache.set_many(items, {.time_to_live = 0h})); }));
    CHECK(once([&] { result(cache.purge_expired()); }));
    result(cache.set_many(items, {.time_to_live = 1h}));
    CHECK(once([&] { result(cache.erase_many(keys)); }));
}

BACKEND_TEST_CASE("the clock is not read for entries that never expire",
                  "[clock][promise-7]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    CHECK(reads_of([&] {
              result(cache.set("key", 1));
              result(cache.set("key", 2));
              result(cache.set("key", 3, {.if_not_exists = true}));
              result(cache.set_many({{"key", 4}, {"other", 5}}));
              (void)result(cache.get("key"));
              (void)result(cache.find("key"));
              (void)result(cache.find("missing"));
              (void)result(cache.contains("key"));
              (void)result(cache.deadline("key"));
              (void)result(cache.get_many({"key", "other", "missing"}));
              (void)result(cache.get_or_set("key", [] { return 6; }));
              (void)result(cache.get_or_set("third", [] { return 7; }));
              result(cache.expire_at("key", std::nullopt));
              result(cache.expire_in("key", std::nullopt));
              result(cache.purge_expired());
              (void)result(cache.take("third"));
              result(cache.erase("missing"));
              result(cache.erase("key"));
              result(cache.erase_many({"other", "missing"}));
              (void)cache.clear();
          }) == 0);
}

BACKEND_TEST_CASE("get_or_set reads the clock once before and once after its factory",
                  "[clock][get_or_set][promise-7]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    test_clock::reads = 0;
    int before = 0;
    const auto factory = [&] {
        before = test_clock::reads;
        return 2;
    };
    result(cache.get_or_set("key", factory, 1h));
    CHECK(before == 1);
    CHECK(test_clock::reads == 2);
    CHECK(reads_of([&] { result(cache.get_or_set("key", factory, 1h)); }) == 1); // a hit
}

TEST_CASE(
    "each operation reads the clock at most once, and not at all for entries that never expire",
    "[clock][promise-7]") {
    test_clock::reset();
    cachetory::memory_backend<int, test_clock> cache;
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

TEMPLATE_TEST_CASE(
    "an insertion into a full cache and evict read the clock once, and not for endless entries",
    "[clock][bound][promise-7]",
    (cachetory::bounded_memory_backend<int, test_clock>),
    (cachetory::bounded_concurrent_memory_backend<int, test_clock>)) {
    test_clock::reset();
    const bool endless = GENERATE(false, true);
    const auto time_to_live =
        endless ? std::optional<cachetory::ttl>() : std::optional<cachetory::ttl>(1h);
    const int once = endless ? 0 : 1;
    const bool shared = !std::movable<TestType>; // shared: once for each lock
    CAPTURE(endless, shared);
    TestType cache(100);
    auto new_key = [n = 0]() mutable { return std::to_string(n++); };
    for (int i = 0; i != 300; ++i) {
        cache.set(new_key(), i, {.time_to_live = time_to_live});
    }
    REQUIRE(cache.size() == 100);
    for (int i = 0; i != 300; ++i) { // so that both the queue and the hand find victims
        const std::string a = new_key(), b = new_key(), c = new_key();
        REQUIRE(reads_of([&] { cache.set(a, i, {.time_to_live = time_to_live}); }) == once);
        REQUIRE(reads_of([&] {
                    cache.set_or_visit(
                        b, i, [](int&) {}, time_to_live);
                }) == once);
        REQUIRE(reads_of([&] {
                    (void)cache.get_or_set(
                        c, [&] { return i; }, time_to_live);
                }) == once); // not before its factory, because there is no entry
    }
    const std::vector<std::pair<std::string, int>> items = {
        {new_key(), 1}, {new_key(), 2}, {new_key(), 3}};
    CHECK(reads_of([&] { cache.set_many(items, {.time_to_live = time_to_live}); }) ==
          (shared ? 3 * once : once));
    REQUIRE(cache.size() == 100);
    CHECK(reads_of([&] { cache.evict(20); }) == (shared ? 20 * once : once));
    CHECK(cache.size() == 80);
}
