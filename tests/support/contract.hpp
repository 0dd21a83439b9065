// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_CONTRACT_HPP
#define CACHETORY_TESTS_SUPPORT_CONTRACT_HPP

#include "backends.hpp"
#include "catch.hpp"
#include "result.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

/// Stores an entry whose value is 1 and which has expired.
template <class Cache>
void add_expired(Cache& cache, std::string_view key = "key") {
    result(cache.set(key, 1));
    expire(cache, key);
}

/// Uses the expired entry of "key" by each verb that names it, one in each section. Returns whether
/// the verb has stored another value.
template <class Cache>
bool name_expired(Cache& cache) {
    using namespace std::chrono_literals;
    bool stored = false;

    SECTION("get") { CHECK_THROWS_AS(result(cache.get("key")), cachetory::key_error); }
    SECTION("find") { CHECK(!result(cache.find("key"))); }
    SECTION("contains") { CHECK(!result(cache.contains("key"))); }
    SECTION("deadline") { CHECK_THROWS_AS(result(cache.deadline("key")), cachetory::key_error); }
    SECTION("touch") { CHECK(!result(cache.touch("key", 1h))); }
    SECTION("get_many") { CHECK(result(cache.get_many({"key"})).empty()); }
    SECTION("take") { CHECK(!result(cache.take("key"))); }
    SECTION("erase") { CHECK(!result(cache.erase("key"))); }
    SECTION("erase_many") { CHECK(result(cache.erase_many({"key"})) == 0); }
    SECTION("expire_in") { CHECK(!result(cache.expire_in("key", 1h))); }
    SECTION("expire_in forever") { CHECK(!result(cache.expire_in("key", std::nullopt))); }
    SECTION("expire_at") { CHECK(!result(cache.expire_at("key", Cache::clock::now() + 1h))); }
    SECTION("expire_at never") { CHECK(!result(cache.expire_at("key", std::nullopt))); }
    if constexpr (requires { cache.visit("key", [](int&) {}); }) {
        SECTION("visit") {
            CHECK(!result(cache.visit("key", [](int&) { FAIL("called"); })));
        }
        SECTION("set_or_visit") {
            CHECK(result(cache.set_or_visit("key", 2, [](int&) { FAIL("called"); })));
            CHECK(result(cache.deadline("key")) == std::nullopt);
            stored = true;
        }
    }
    SECTION("set") {
        CHECK(result(cache.set("key", 2)));
        CHECK(result(cache.deadline("key")) == std::nullopt);
        stored = true;
    }
    SECTION("set_many") {
        CHECK(result(cache.set_many({{"key", 2}})) == 1);
        CHECK(result(cache.deadline("key")) == std::nullopt);
        stored = true;
    }
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
    return stored;
}

/// Goes past an expired entry by each verb that visits all entries, if the backend has them, one in
/// each section.
template <class Cache>
void walk_past_expired(Cache& cache) {
    const auto fail = [](std::string_view, int) {
        FAIL("called");
        return true;
    };
    if constexpr (requires { cache.for_each(fail); }) {
        SECTION("for_each") { static_cast<void>(cache.for_each(fail)); }
        SECTION("erase_if") { CHECK(result(cache.erase_if(fail)) == 0); }
    }
}

/// Whether there are that many entries. True if the backend has no size().
template <class Cache>
bool has_size(const Cache& cache, std::size_t expected) {
    if constexpr (has_sizes<Cache>) {
        return cache.size() == expected && cache.empty() == (expected == 0);
    } else {
        return true;
    }
}

/// How long the entry of `key` will live from now on, `std::nullopt` if forever. Rounded to a
/// minute if the test cannot set the clock.
template <class Cache>
std::optional<std::chrono::nanoseconds> time_left(Cache& cache, std::string_view key) {
    const auto deadline = result(cache.deadline(key));
    if (!deadline) {
        return std::nullopt;
    }
    const auto left = *deadline - Cache::clock::now();
    if constexpr (has_manual_clock<Cache>) {
        return left;
    } else {
        return std::chrono::round<std::chrono::minutes>(left);
    }
}

/// Lets some time pass, if a test can set the clock.
template <class Cache>
void pass(Cache&, std::chrono::nanoseconds length) {
    if constexpr (has_manual_clock<Cache>) {
        Cache::clock::advance(length);
    }
}

using listing = std::vector<std::pair<std::string, int>>;

/// The pairs that `get_many` has found.
template <class Found>
listing listed(const Found& found) {
    listing list;
    for (const auto& [key, value] : found) {
        list.emplace_back(std::string(key), value);
    }
    return list;
}

/// Whether the operation throws a `key_error` with this key.
template <class Operation>
bool names_missing_key(std::string_view key, Operation operation) {
    try {
        operation();
    } catch (const cachetory::key_error& error) {
        return error.key() == key;
    }
    return false;
}

} // namespace support

#endif
