// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <chrono>
#include <optional>

using namespace std::chrono_literals;
using support::add_expired;
using support::all_backends;
using support::expire;
using support::fresh;
using support::result;
using support::time_left;

BACKEND_TEST_CASE("an expired entry is as good as absent in every verb",
                  "[expiry][promise-1]",
                  all_backends) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    bool stored = false;

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
    SECTION("expire_at") {
        CHECK(!result(cache.expire_at("key", decltype(cache)::clock::now() + 1h)));
    }
    SECTION("expire_at never") { CHECK(!result(cache.expire_at("key", std::nullopt))); }
    SECTION("set if_not_exists") {
        CHECK(result(cache.set("key", 2, {.if_not_exists = true})));
        CHECK(result(cache.deadline("key")) == std::nullopt);
        stored = true;
    }
    SECTION("set_many if_not_exists") {
        CHECK(result(cache.set_many({{"key", 2}}, {.if_not_exists = true})) == 1);
        CHECK(result(cache.deadline("key")) == std::nullopt);
        stored = true;
    }
    SECTION("get_or_set") {
        CHECK(result(cache.get_or_set("key", [] { return 2; })) == 2);
        CHECK(result(cache.deadline("key")) == std::nullopt);
        stored = true;
    }

    CHECK(result(cache.contains("key")) == stored);
    CHECK(result(cache.take("key")).value_or(2) == 2);
}

BACKEND_TEST_CASE("an entry lives until its deadline and no longer",
                  "[expiry][promise-1][promise-2]",
                  all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    result(cache.set("other", 2, {.time_to_live = 2h}));
    CHECK(result(cache.contains("key")));
    expire(cache, "key");
    CHECK(!result(cache.contains("key")));
    CHECK(result(cache.get("other")) == 2);
}

BACKEND_TEST_CASE("an entry whose new deadline has passed expires at once",
                  "[expiry][promise-2]",
                  all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", decltype(cache)::clock::now() - 1s)));
    CHECK(!result(cache.contains("key")));
    CHECK(!result(cache.expire_at("key", std::nullopt)));
}

BACKEND_TEST_CASE("an expired entry does not block set if_not_exists",
                  "[expiry][set][promise-1][promise-4]",
                  all_backends) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    CHECK(result(cache.set("key", 2, {.time_to_live = 1h, .if_not_exists = true})));
    CHECK(result(cache.get("key")) == 2);
    CHECK(time_left(cache, "key") == 1h);
}
