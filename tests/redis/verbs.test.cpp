// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

using namespace std::chrono_literals;

static_assert(cachetory::backend<cachetory::redis_backend>);
static_assert(std::copyable<cachetory::redis_backend>);
static_assert(std::same_as<cachetory::redis_backend::wire_type, std::string>);
static_assert(std::same_as<cachetory::redis_backend::clock, std::chrono::system_clock>);

namespace {

cachetory::redis_backend make_cache() {
    return cachetory::redis_backend::from_url(support::empty_redis_server().url());
}

std::string ask(const std::vector<std::string>& words) {
    return support::shared_redis_server().command(words);
}

} // namespace

TEST_CASE("a value that is set is found on the server", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    CHECK(cache.set("key", "value"));
    CHECK(ask({"GET", "key"}) == "value");
    CHECK(cache.find("key") == "value");
    CHECK(cache.get("key") == "value");
    CHECK(cache.contains("key"));
    CHECK(cache.deadline("key") == std::nullopt);
    CHECK(cache.set("key", "another"));
    CHECK(ask({"GET", "key"}) == "another");
}

TEST_CASE("a missing key is reported as every other backend reports it", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    CHECK(cache.find("key") == std::nullopt);
    CHECK(cache.take("key") == std::nullopt);
    CHECK_FALSE(cache.contains("key"));
    CHECK_FALSE(cache.erase("key"));
    CHECK_FALSE(cache.expire_in("key", 10s));
    CHECK_FALSE(cache.expire_in("key", std::nullopt));
    CHECK_FALSE(cache.expire_in("key", 0s));
    CHECK_FALSE(static_cast<bool>(cache.touch("key", 10s)));
    CHECK_FALSE(static_cast<bool>(cache.touch("key", std::nullopt)));
    CHECK_FALSE(static_cast<bool>(cache.touch("key", 0s)));
    CHECK_THROWS_AS(cache.get("key"), cachetory::key_error);
    CHECK_THROWS_AS(cache.deadline("key"), cachetory::key_error);
    CHECK(ask({"DBSIZE"}) == "0");
}

TEST_CASE("the error of a missing key holds the key, NUL bytes included", "[redis]") {
    cachetory::redis_backend cache = make_cache().under("prefix:");
    const std::string key("a\0b", 3);
    try {
        static_cast<void>(cache.get(key));
        FAIL("nothing was thrown");
    } catch (const cachetory::key_error& error) {
        CHECK(error.key() == key);
    }
}

TEST_CASE("take returns the value and erases the entry", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "value");
    CHECK(cache.take("key") == "value");
    CHECK(ask({"EXISTS", "key"}) == "0");
}

TEST_CASE("erase says whether there was an entry", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "value");
    CHECK(cache.erase("key"));
    CHECK_FALSE(cache.erase("key"));
    CHECK(ask({"EXISTS", "key"}) == "0");
}

TEST_CASE("if_not_exists stores only where there is nothing", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    CHECK(cache.set("key", "first", {.if_not_exists = true}));
    CHECK_FALSE(cache.set("key", "second", {.time_to_live = 10s, .if_not_exists = true}));
    CHECK(cache.get("key") == "first");
    CHECK(ask({"PTTL", "key"}) == "-1");
}

TEST_CASE("a refused value is not moved from", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "first");
    std::string value(100, 'x');
    CHECK_FALSE(cache.set("key", std::move(value), {.if_not_exists = true}));
    CHECK(value == std::string(100, 'x'));
}

TEST_CASE("keys and values are any bytes, and may be empty", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        bytes += static_cast<char>(byte);
    }
    for (const std::string& key :
         {std::string(), bytes, std::string("\r\n$3\r\n"), std::string(70'000, 'k')}) {
        for (const std::string& value : {std::string(), bytes, std::string("$-1\r\n")}) {
            CHECK(cache.set(key, value));
            CHECK(cache.get(key) == value);
            CHECK(ask({"GET", key}) == value);
            CHECK(cache.take(key) == value);
            CHECK_FALSE(cache.contains(key));
        }
    }
}

TEST_CASE("values of several megabytes come back unchanged", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    std::string value(5'000'000, '\0');
    for (std::size_t i = 0; i < value.size(); ++i) {
        value[i] = static_cast<char>(i * i >> 7U);
    }
    cache.set("key", value);
    CHECK((cache.get("key") == value));
    CHECK((cache.take("key") == value));
}

TEST_CASE("clear without a prefix empties the database, and no other", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    auto other = cachetory::redis_backend::from_url(support::shared_redis_server().url("/3"));
    cache.set("key", "value");
    other.set("key", "other");
    cache.clear();
    CHECK_FALSE(cache.contains("key"));
    CHECK(other.get("key") == "other");
}

TEST_CASE(
    "an entry of another type is an error for verbs that read, and replaced by those that write",
    "[redis]") {
    cachetory::redis_backend cache = make_cache();
    ask({"LPUSH", "key", "element"});
    CHECK_THROWS_WITH(cache.get("key"), support::contains("WRONGTYPE"));
    CHECK_THROWS_AS(cache.find("key"), cachetory::backend_error);
    CHECK_THROWS_AS(cache.take("key"), cachetory::backend_error);
    CHECK_THROWS_AS(cache.touch("key", 1s), cachetory::backend_error);
    CHECK_THROWS_AS(cache.get_many({"key"}), cachetory::backend_error);
    CHECK_THROWS_AS(cache.get_or_set("key", [] { return "value"; }), cachetory::backend_error);
    CHECK(cache.contains("key"));
    CHECK(ask({"TYPE", "key"}) == "list");
    CHECK(support::shared_redis_server().connections() == 1); // errors close none

    CHECK(cache.set("key", "value"));
    CHECK(cache.get("key") == "value");
    ask({"DEL", "key"});
    ask({"LPUSH", "key", "element"});
    CHECK(cache.erase("key"));
    CHECK(ask({"EXISTS", "key"}) == "0");
}

TEST_CASE("get_or_set makes a value only for a missing key", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    int made = 0;
    const auto make = [&] {
        ++made;
        return std::string("made");
    };
    CHECK(cache.get_or_set("key", make, 10s) == "made");
    CHECK(cache.get_or_set("key", make, 20s) == "made");
    CHECK(made == 1);
    const int left = std::stoi(ask({"PTTL", "key"}));
    CHECK(left > 5'000);
    CHECK(left <= 10'000);
}

TEST_CASE("get_or_set returns what another client has stored in the meantime", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    const auto slow = [&] {
        cache.set("key", "faster", {.time_to_live = 100s});
        return std::string("slower");
    };
    CHECK(cache.get_or_set("key", slow, 10s) == "faster");
    CHECK(cache.get("key") == "faster");
    CHECK(std::stoi(ask({"PTTL", "key"})) > 50'000);
}

TEST_CASE("a factory that throws stores nothing", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    const auto fail = []() -> std::string { throw std::logic_error("no"); };
    CHECK_THROWS_AS(cache.get_or_set("key", fail), std::logic_error);
    CHECK_FALSE(cache.contains("key"));
    CHECK(support::shared_redis_server().connections() == 1);
}
