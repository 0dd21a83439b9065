// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <cachetory/backend.hpp>

#include <chrono>
#include <limits>
#include <optional>

using namespace std::chrono_literals;
using support::all_backends;
using support::fresh;
using support::has_size;
using support::result;
using support::time_left;

using seconds_f = std::chrono::duration<double>;

BACKEND_TEST_CASE("a time to live of zero or less is stored and already expired",
                  "[ttl][promise-5]",
                  all_backends) {
    const cachetory::ttl length = GENERATE(cachetory::ttl(0s), cachetory::ttl(-1ns),
                                           cachetory::ttl(-1h), cachetory::ttl::min());
    auto cache = fresh<TestType>();
    CHECK(result(cache.set("key", 1, {.time_to_live = length})));
    CHECK(has_size(cache, 1));
    CHECK(!result(cache.contains("key")));

    CHECK(result(cache.set_many({{"key", 1}}, {.time_to_live = length})) == 1);
    CHECK(!result(cache.contains("key")));

    CHECK(result(cache.get_or_set(
              "key", [] { return 1; }, length)) == 1);
    CHECK(!result(cache.contains("key")));

    result(cache.set("key", 1));
    CHECK(result(cache.expire_in("key", length)));
    CHECK(!result(cache.contains("key")));

    result(cache.set("key", 1));
    CHECK(!result(cache.set("key", 2, {.time_to_live = length, .if_not_exists = true})));
    CHECK(result(cache.get("key")) == 1);
}

BACKEND_TEST_CASE("a time to live beyond the range means never or long ago",
                  "[ttl][promise-5]",
                  all_backends) {
    using hours = std::chrono::duration<std::int64_t, std::ratio<3600>>;
    auto cache = fresh<TestType>();
    for (const cachetory::ttl longest :
         {cachetory::ttl(hours::max()), cachetory::ttl::max(), cachetory::ttl(seconds_f(1e300))}) {
        CHECK(result(cache.set("key", 1, {.time_to_live = longest})));
        CHECK(result(cache.deadline("key")) == std::nullopt);
        result(cache.expire_in("key", 1h));
        CHECK(result(cache.expire_in("key", longest)));
        CHECK(result(cache.deadline("key")) == std::nullopt);
    }
    for (const cachetory::ttl shortest :
         {cachetory::ttl(hours::min()), cachetory::ttl::min(), cachetory::ttl(seconds_f(-1e300)),
          cachetory::ttl(seconds_f(std::numeric_limits<double>::quiet_NaN()))}) {
        CHECK(result(cache.set("key", 1, {.time_to_live = shortest})));
        CHECK(!result(cache.contains("key")));
    }
}

BACKEND_TEST_CASE("the largest time point means never and the lowest has passed",
                  "[ttl][promise-5]",
                  all_backends) {
    auto cache = fresh<TestType>();
    using time_point = typename decltype(cache)::time_point;
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(result(cache.expire_at("key", time_point::max())));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.expire_at("key", time_point::min())));
    CHECK(!result(cache.contains("key")));
}

BACKEND_TEST_CASE("expire_at moves or removes the deadline and keeps the value",
                  "[ttl]",
                  all_backends) {
    auto cache = fresh<TestType>();
    const auto now = decltype(cache)::clock::now();
    CHECK(!result(cache.expire_at("key", now + 2h)));
    CHECK(has_size(cache, 0));
    CHECK(!result(cache.contains("key")));
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", now + 2h)));
    CHECK(time_left(cache, "key") == 2h);
    CHECK(result(cache.expire_at("key", std::optional(now + 1h))));
    CHECK(time_left(cache, "key") == 1h);
    CHECK(result(cache.expire_at("key", std::nullopt)));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    result(cache.expire_at("key", now + 2h));
    CHECK(result(cache.expire_at("key", {})));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.get("key")) == 1);
}

BACKEND_TEST_CASE("expire_in counts from now and nullopt means forever", "[ttl]", all_backends) {
    auto cache = fresh<TestType>();
    CHECK(!result(cache.expire_in("key", 1h)));
    CHECK(has_size(cache, 0));
    CHECK(!result(cache.contains("key")));
    result(cache.set("key", 1, {.time_to_live = 1h}));
    support::pass(cache, 9ns);
    CHECK(result(cache.expire_in("key", 2h)));
    CHECK(time_left(cache, "key") == 2h);
    CHECK(result(cache.expire_in("key", std::nullopt)));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.get("key")) == 1);
}

BACKEND_TEST_CASE("neither a look-up nor a refused set moves a deadline", "[ttl]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(result(cache.get("key")) == 1);
    CHECK(result(cache.find("key")));
    CHECK(result(cache.contains("key")));
    CHECK(result(cache.get_many({"key"})).size() == 1);
    CHECK(result(cache.get_or_set(
              "key", [] { return 2; }, 3h)) == 1);
    CHECK(time_left(cache, "key") == 1h);
}
