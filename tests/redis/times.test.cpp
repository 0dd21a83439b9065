// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

using time_point = cachetory::redis_backend::time_point;

cachetory::redis_backend make_cache() {
    return cachetory::redis_backend::from_url(support::empty_redis_server().url());
}

/// The number that the server answers to `command`.
std::int64_t ask(const std::string& command, const std::string& key = "key") {
    return std::stoll(support::shared_redis_server().command({command, key}));
}

} // namespace

TEST_CASE("the server is told of a time to live in milliseconds", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    CHECK(cache.set("key", "value", {.time_to_live = 100s}));
    CHECK(ask("PTTL") > 90'000);
    CHECK(ask("PTTL") <= 100'000);
    CHECK(cache.set("key", "value"));
    CHECK(ask("PTTL") == -1);
    CHECK(cache.expire_in("key", 200s));
    CHECK(ask("PTTL") > 190'000);
    CHECK(ask("PTTL") <= 200'000);
    CHECK(cache.expire_in("key", std::nullopt));
    CHECK(ask("PTTL") == -1);
    CHECK(cache.expire_in("key", std::nullopt)); // there is an entry, although it has no deadline
}

TEST_CASE("touch returns the value and sets a new time to live", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "value");
    CHECK(cache.touch("key", 100s) == "value");
    CHECK(ask("PTTL") > 90'000);
    CHECK(cache.touch("key", std::nullopt) == "value");
    CHECK(ask("PTTL") == -1);
    CHECK(cache.touch("key", std::chrono::hours::max()) == "value");
    CHECK(ask("PTTL") == -1);
    CHECK(cache.touch("key", -1s) == "value");
    CHECK(ask("EXISTS") == 0);
}

TEST_CASE("a deadline is the server's, and is read back as it was given", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "value");
    const auto deadline = std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now() + 1h);
    CHECK(cache.expire_at("key", deadline));
    CHECK(ask("PEXPIRETIME") == deadline.time_since_epoch().count());
    CHECK(cache.deadline("key") == time_point(deadline));
    CHECK(cache.expire_at("key", std::nullopt));
    CHECK(cache.deadline("key") == std::nullopt);
}

TEST_CASE("a deadline between two milliseconds is rounded up", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    const auto whole = std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now() + 1h);
    for (const std::chrono::nanoseconds part : {1'000ns, 500'000ns, 999'000ns}) {
        cache.set("key", "value");
        CHECK(cache.expire_at(
            "key", std::optional(time_point(whole) +
                                 std::chrono::duration_cast<time_point::duration>(part))));
        CHECK(ask("PEXPIRETIME") == whole.time_since_epoch().count() + 1);
    }
}

TEST_CASE("a time to live of less than a millisecond becomes one", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    for (const cachetory::ttl shortly :
         {cachetory::ttl(1ns), cachetory::ttl(1us), cachetory::ttl(1ms)}) {
        support::redis_server& server = support::shared_redis_server();
        server.command({"SET", "key", "value"});
        CHECK(cache.expire_in("key", shortly)); // PEXPIRE key 0 would also erase it: see below
        CHECK(cache.set("other", "value", {.time_to_live = shortly})); // PX 0 would be an error
    }
    cache.set("key", "value", {.time_to_live = 100s});
    CHECK(cache.expire_in("key", 99'999'000'001ns));
    CHECK(ask("PTTL") > 90'000);
}

TEST_CASE("an entry is gone after its time to live", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "value", {.time_to_live = 20ms});
    support::wait_until([&] { return !cache.contains("key"); }, "for an entry to expire", 5s);
    CHECK(cache.find("key") == std::nullopt);
    CHECK(cache.set("key", "value", {.if_not_exists = true}));
}

TEST_CASE("a time to live of zero or less stores a value that nobody sees", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    for (const cachetory::ttl over :
         {cachetory::ttl(0s), cachetory::ttl(-1ns), cachetory::ttl(-250ms), cachetory::ttl(-1h),
          cachetory::ttl(std::chrono::hours::min()),
          cachetory::ttl(
              std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()))}) {
        cache.set("key", "value");
        CHECK(cache.set("key", "other", {.time_to_live = over}));
        CHECK(ask("EXISTS") == 0);
        CHECK(cache.set("key", "other", {.time_to_live = over, .if_not_exists = true}));
        CHECK(ask("EXISTS") == 0);

        cache.set("key", "value");
        CHECK_FALSE(cache.set("key", "other", {.time_to_live = over, .if_not_exists = true}));
        CHECK(cache.get("key") == "value");
        CHECK(cache.expire_in("key", over));
        CHECK(ask("EXISTS") == 0);

        CHECK(cache.get_or_set(
                  "key", [] { return "made"; }, over) == "made");
        CHECK(ask("EXISTS") == 0);
        const std::vector<std::pair<std::string, std::string>> items{{"a", "1"}, {"b", "2"}};
        CHECK(cache.set_many(items, {.time_to_live = over}) == 2);
        CHECK(ask("EXISTS", "a") == 0);
    }
}

TEST_CASE("a deadline in the past expires the entry", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    for (const time_point past : {std::chrono::system_clock::now() - 1h, time_point(),
                                  time_point(-1h), (time_point::min)()}) {
        cache.set("key", "value");
        CHECK(cache.expire_at("key", std::optional(past)));
        CHECK(ask("EXISTS") == 0);
    }
}

TEST_CASE("a time to live that is too long for the server means forever", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    for (const cachetory::ttl endless :
         {cachetory::ttl(std::chrono::hours::max()), cachetory::ttl(std::chrono::seconds::max()),
          cachetory::ttl(std::chrono::milliseconds::max()),
          cachetory::ttl(std::chrono::duration<double>(1e300)), cachetory::ttl::max()}) {
        CHECK(cache.set("key", "value", {.time_to_live = endless}));
        CHECK(ask("PTTL") == -1);
        cache.set("key", "value", {.time_to_live = 10s});
        CHECK(cache.expire_in("key", endless));
        CHECK(ask("PTTL") == -1);
        CHECK(cache.deadline("key") == std::nullopt);
        cache.erase("key");
        CHECK(cache.get_or_set(
                  "key", [] { return "made"; }, endless) == "made");
        CHECK(ask("PTTL") == -1);
    }
    CHECK(cache.set("key", "value", {.time_to_live = 10s}));
    CHECK(cache.expire_at("key", std::optional((time_point::max)())));
    CHECK(ask("PTTL") == -1);
}

TEST_CASE("a deadline that the clock cannot represent reads as none", "[redis]") {
    using std::chrono::hours;
    cachetory::redis_backend cache = make_cache();
    constexpr hours millennium(24 * 365 * 1'000);
    CHECK(cache.set("key", "value", {.time_to_live = millennium}));
    CHECK(ask("PTTL") > 0);
    // libstdc++'s clock ends in 2262; libc++'s counts microseconds.
    const auto end = (cachetory::redis_backend::clock::time_point::max)().time_since_epoch();
    const bool is_representable = std::chrono::duration_cast<hours>(end) > 2 * millennium;
    CHECK(cache.deadline("key").has_value() == is_representable);
}
