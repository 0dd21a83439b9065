// SPDX-License-Identifier: MIT
// Expired entries stay in memory until an operation names their key.
#include "support/contract.hpp"

#include <chrono>
#include <string_view>

using namespace std::chrono_literals;
using support::add_expired;
using support::backends_in_memory;
using support::fresh;
using support::name_expired;
using support::result;
using test_clock = support::manual_clock<>;

BACKEND_TEST_CASE("every verb that names an expired entry erases it or replaces it",
                  "[laziness][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    REQUIRE(cache.size() == 1);
    const bool stored = name_expired(cache); // only verbs that store leave an entry

    CHECK(cache.size() == (stored ? 1U : 0U));
    test_clock::current = test_clock::at(1000); // before the deadline of the erased entry
    CHECK(result(cache.contains("key")) == stored);
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
