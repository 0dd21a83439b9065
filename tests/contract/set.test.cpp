// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using support::all_backends;
using support::fresh;
using support::has_size;
using support::result;
using support::time_left;

BACKEND_TEST_CASE("get find contains and get_many see what set stored", "[set]", all_backends) {
    auto cache = fresh<TestType, std::string>();
    CHECK(has_size(cache, 0));
    CHECK(result(cache.set("key", "value")));
    CHECK(has_size(cache, 1));
    CHECK(result(cache.get("key")) == "value");
    CHECK(result(cache.contains("key")));
    const auto found = result(cache.get_many({"key"}));
    REQUIRE(found.size() == 1);
    CHECK(found.begin()->second == "value");
    if (auto hit = result(cache.find("key"))) {
        CHECK(*hit == "value");
    } else {
        FAIL("not found");
    }
}

BACKEND_TEST_CASE("set replaces value and deadline", "[set][promise-4]", all_backends) {
    auto cache = fresh<TestType>();
    CHECK(result(cache.set("key", 1, {.time_to_live = 2h})));
    CHECK(time_left(cache, "key") == 2h);
    CHECK(result(cache.set("key", 2, {.time_to_live = 1h})));
    CHECK(result(cache.get("key")) == 2);
    CHECK(time_left(cache, "key") == 1h);
    CHECK(result(cache.set("key", 3)));
    CHECK(result(cache.get("key")) == 3);
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(has_size(cache, 1));
}

BACKEND_TEST_CASE("a refused if_not_exists changes nothing", "[set][promise-4]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(!result(cache.set("key", 2, {.time_to_live = 2h, .if_not_exists = true})));
    CHECK(!result(cache.set("key", 2, {.if_not_exists = true})));
    CHECK(result(cache.set_many({{"key", 2}}, {.if_not_exists = true})) == 0);
    CHECK(result(cache.get("key")) == 1);
    CHECK(time_left(cache, "key") == 1h);
}

BACKEND_TEST_CASE("an empty value is a value", "[set]", all_backends) {
    auto cache = fresh<TestType, std::string>();
    CHECK(result(cache.set("key", "")));
    CHECK(result(cache.get("key")).empty());
    CHECK(result(cache.contains("key")));
    CHECK(!result(cache.set("key", "other", {.if_not_exists = true})));
    CHECK(result(cache.take("key")) == "");
}

BACKEND_TEST_CASE("a refused rvalue is not moved from", "[set][promise-4]", all_backends) {
    auto cache = fresh<TestType, std::string>();
    CHECK(result(cache.set("key", "old")));
    std::string value(50, 'v');
    CHECK_FALSE(result(cache.set("key", std::move(value), {.if_not_exists = true})));
    CHECK(value == std::string(50, 'v')); // NOLINT(bugprone-use-after-move)
    CHECK(result(cache.get("key")) == "old");
}
