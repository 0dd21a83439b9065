// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <cachetory/backend.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>

using namespace std::chrono_literals;
using support::all_backends;
using support::fresh;
using support::has_size;
using support::result;
using support::time_left;

BACKEND_TEST_CASE("get_or_set calls its factory only on a miss", "[get_or_set]", all_backends) {
    auto cache = fresh<TestType>();
    int calls = 0;
    const auto factory = [&] { return ++calls; };
    CHECK(result(cache.get_or_set("key", factory, 1h)) == 1);
    CHECK(result(cache.get_or_set("key", factory, 2h)) == 1);
    CHECK(calls == 1);
    CHECK(time_left(cache, "key") == 1h);
    CHECK(result(cache.get_or_set("other", factory)) == 2);
    CHECK(result(cache.deadline("other")) == std::nullopt);
}

BACKEND_TEST_CASE("the time to live of get_or_set counts from when the value is stored",
                  "[get_or_set]",
                  all_backends) {
    auto cache = fresh<TestType>();
    using clock = typename decltype(cache)::clock;
    auto made = clock::now();
    const auto slow = [&] {
        support::pass(cache, 100ns);
        made = clock::now();
        return 1;
    };
    result(cache.get_or_set("key", slow, 1h));
    constexpr auto tick = support::has_manual_clock<decltype(cache)> ? 0ms : 1ms; // of a server
    CHECK(result(cache.deadline("key")) >= made + 1h - tick);
    CHECK(time_left(cache, "key") == 1h);
}

BACKEND_TEST_CASE("a factory may decide the time to live", "[get_or_set]", all_backends) {
    using expiring = cachetory::expiring<int>;
    const auto make = [](expiring made) { return [made] { return made; }; };
    auto cache = fresh<TestType>();
    CHECK(result(cache.get_or_set("a", make({1, 1h}), 2h)) == 1);
    CHECK(time_left(cache, "a") == 1h);
    CHECK(result(cache.get_or_set("b", make({2, std::nullopt}), 2h)) == 2);
    CHECK(time_left(cache, "b") == std::nullopt);
    const expiring kept{3, 3h};
    const auto by_reference = [&]() -> const expiring& { return kept; };
    CHECK(result(cache.get_or_set("c", by_reference, 2h)) == 3);
    CHECK(time_left(cache, "c") == 3h);
    CHECK(kept.value == 3);
    CHECK(result(cache.get_or_set("a", make({9, 9h}))) == 1); // a hit
    CHECK(time_left(cache, "a") == 1h);
    CHECK(result(cache.get_or_set("d", make({4, 0s}), 2h)) == 4); // though it expires at once
    CHECK(!result(cache.contains("d")));
}

BACKEND_TEST_CASE("a value that a factory stores under the key itself stays",
                  "[get_or_set]",
                  all_backends) {
    auto cache = fresh<TestType>();
    const auto factory = [&] {
        result(cache.set("key", 1, {.time_to_live = 1h}));
        return 2;
    };
    CHECK(result(cache.get_or_set("key", factory, 2h)) == 1);
    CHECK(result(cache.get("key")) == 1);
    CHECK(time_left(cache, "key") == 1h);
}

BACKEND_TEST_CASE("a factory may use the backend", "[get_or_set]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("other", 1));
    const auto factory = [&] { return result(cache.take("other")).value() + 1; };
    CHECK(result(cache.get_or_set("key", factory)) == 2);
    CHECK(result(cache.get("key")) == 2);
    CHECK(!result(cache.contains("other")));
}

BACKEND_TEST_CASE("a factory that throws changes nothing",
                  "[get_or_set][errors][promise-9]",
                  all_backends) {
    auto cache = fresh<TestType>();
    const auto fails = []() -> int { throw std::domain_error("no value"); };
    CHECK_THROWS_AS(result(cache.get_or_set("key", fails)), std::domain_error);
    CHECK(has_size(cache, 0));
    CHECK(!result(cache.contains("key")));
}
