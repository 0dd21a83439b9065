// SPDX-License-Identifier: MIT
// Expired entries stay in memory until an operation names their key.
#include "support/contract.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

using namespace std::chrono_literals;
using support::add_expired;
using support::backends_in_memory;
using support::fresh;
using support::result;
using test_clock = support::manual_clock<>;

BACKEND_TEST_CASE("every verb that names an expired entry erases it or replaces it",
                  "[laziness][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    REQUIRE(cache.size() == 1);
    std::size_t left = 0; // only verbs that store leave an entry

    SECTION("get") { CHECK_THROWS_AS(result(cache.get("key")), cachetory::key_error); }
    SECTION("find") { CHECK(!result(cache.find("key"))); }
    SECTION("contains") { CHECK(!result(cache.contains("key"))); }
    SECTION("deadline") { CHECK_THROWS_AS(result(cache.deadline("key")), cachetory::key_error); }
    SECTION("get_many") { CHECK(result(cache.get_many({"key"})).empty()); }
    SECTION("take") { CHECK(!result(cache.take("key"))); }
    SECTION("erase") { CHECK(!result(cache.erase("key"))); }
    SECTION("erase_many") { CHECK(result(cache.erase_many({"key"})) == 0); }
    SECTION("expire_in") { CHECK(!result(cache.expire_in("key", 1h))); }
    SECTION("expire_in forever") { CHECK(!result(cache.expire_in("key", std::nullopt))); }
    SECTION("expire_at") { CHECK(!result(cache.expire_at("key", test_clock::at(9999)))); }
    SECTION("expire_at never") { CHECK(!result(cache.expire_at("key", std::nullopt))); }
    SECTION("set if_not_exists") {
        CHECK(result(cache.set("key", 2, {.if_not_exists = true})));
        left = 1;
    }
    SECTION("set_many if_not_exists") {
        CHECK(result(cache.set_many({{"key", 2}}, {.if_not_exists = true})) == 1);
        left = 1;
    }
    SECTION("get_or_set") {
        CHECK(result(cache.get_or_set("key", [] { return 2; })) == 2);
        left = 1;
    }

    CHECK(cache.size() == left);
    test_clock::current = test_clock::at(1000); // before the deadline of the erased entry
    CHECK(result(cache.contains("key")) == (left == 1));
    CHECK(result(cache.take("key")).value_or(2) == 2);
}

BACKEND_TEST_CASE("size counts expired entries until they are named",
                  "[laziness][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    CHECK(!result(cache.contains("other")));
    CHECK(cache.size() == 1);
    CHECK(!cache.empty());
    CHECK(!result(cache.contains("key")));
    CHECK(cache.size() == 0);
    CHECK(cache.empty());
}

BACKEND_TEST_CASE("an untouched entry lives again if the clock goes back",
                  "[laziness][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    test_clock::current = test_clock::at(1009);
    CHECK(result(cache.contains("key")));
}
