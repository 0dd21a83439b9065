// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <chrono>
#include <optional>

using namespace std::chrono_literals;
using support::add_expired;
using support::all_backends;
using support::expire;
using support::fresh;
using support::name_expired;
using support::result;
using support::time_left;
using support::walk_past_expired;

BACKEND_TEST_CASE("every verb treats an expired entry as absent",
                  "[expiry][promise-1]",
                  all_backends) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    const bool stored = name_expired(cache);
    walk_past_expired(cache);
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
