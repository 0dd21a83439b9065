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

BACKEND_TEST_CASE("take returns the value and erases the entry", "[erase]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(result(cache.take("key")) == 1);
    CHECK(has_size(cache, 0));
    CHECK(!result(cache.contains("key")));
    CHECK(result(cache.take("key")) == std::nullopt);
}

BACKEND_TEST_CASE("erase says whether there was a live entry", "[erase]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1));
    CHECK(result(cache.erase("key")));
    CHECK(!result(cache.contains("key")));
    CHECK(!result(cache.erase("key")));
    CHECK(has_size(cache, 0));
}

BACKEND_TEST_CASE("an entry that is stored again does not inherit a deadline",
                  "[erase]",
                  all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    SECTION("after erase") { result(cache.erase("key")); }
    SECTION("after take") { CHECK(result(cache.take("key"))); }
    SECTION("after clear") { (void)cache.clear(); }
    CHECK(result(cache.set("key", 2, {.if_not_exists = true})));
    CHECK(result(cache.deadline("key")) == std::nullopt);
}

BACKEND_TEST_CASE("clear erases everything", "[erase]", all_backends) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    result(cache.set("other", 2));
    (void)cache.clear();
    CHECK(has_size(cache, 0));
    CHECK(!result(cache.contains("other")));
    CHECK(result(cache.set("other", 3)));
    CHECK(result(cache.get("other")) == 3);
    CHECK(!result(cache.contains("key")));
}
