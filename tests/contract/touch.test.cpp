// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <chrono>
#include <optional>

using namespace std::chrono_literals;
using support::add_expired;
using support::all_backends;
using support::fresh;
using support::has_size;
using support::result;
using support::time_left;

BACKEND_TEST_CASE("touch returns the value and restarts its time to live",
                  "[touch]",
                  all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    support::pass(cache, 9ns);
    if (auto hit = result(cache.touch("key", 2h))) {
        CHECK(*hit == 1);
    } else {
        FAIL("not found");
    }
    CHECK(time_left(cache, "key") == 2h);
    CHECK(result(cache.touch("key", std::nullopt)));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.get("key")) == 1);
}

BACKEND_TEST_CASE("touch of a missing or an expired key finds nothing and stores nothing",
                  "[touch][expiry][promise-1]",
                  all_backends) {
    auto cache = fresh<TestType>();
    CHECK(!result(cache.touch("key", 1h)));
    CHECK(has_size(cache, 0));
    add_expired(cache);
    CHECK(!result(cache.touch("key", 1h)));
    CHECK(has_size(cache, 0));
    CHECK(!result(cache.contains("key")));
}

BACKEND_TEST_CASE("touch with a time to live of zero returns the value one last time",
                  "[touch][promise-5]",
                  all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1));
    if (auto hit = result(cache.touch("key", 0s))) {
        CHECK(*hit == 1);
    } else {
        FAIL("not found");
    }
    CHECK(!result(cache.contains("key")));
}
