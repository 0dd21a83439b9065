// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <cachetory/backend.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::backends_in_memory;
using support::fresh;
using support::result;

namespace {

template <class Cache>
using deadline_of = std::optional<typename Cache::time_point>;

/// Stores two live entries, of which the first has a deadline, and an expired one.
template <class Cache>
void add_three_entries(Cache& cache) {
    result(cache.set("live", 1, 1h));
    result(cache.set("endless", 2));
    result(cache.set("expired", 3, -1s));
}

/// A function that can be called more than once, but only as an lvalue.
struct again_and_again {
    bool operator()(std::string_view, const int&) & { return ++calls > 1; }

    int calls = 0;
};

/// A function that can be called only as an rvalue, and so only once.
struct once_only {
    bool operator()(std::string_view, const int&) && { return true; }
};

} // namespace

BACKEND_TEST_CASE("touch finds a value and gives it a new deadline",
                  "[touch]",
                  support::all_backends) {
    auto cache = fresh<TestType>();
    CHECK_FALSE(result(cache.touch("key", 1h)));
    CHECK_FALSE(result(cache.contains("key")));
    result(cache.set("key", 1, {.time_to_live = 2h}));
    auto hit = result(cache.touch("key", 1h));
    REQUIRE(hit);
    CHECK(*hit == 1);
    CHECK(support::time_left(cache, "key") == 1h);
    REQUIRE(result(cache.touch("key", std::nullopt)));
    CHECK(support::time_left(cache, "key") == std::nullopt);
    auto last = result(cache.touch("key", 0s)); // found once more, and expired at once
    REQUIRE(last);
    CHECK(*last == 1);
    CHECK_FALSE(result(cache.contains("key")));
    CHECK_FALSE(result(cache.touch("key", 1h))); // touch does not bring it back
}

BACKEND_TEST_CASE("set takes a time to live in place of options", "[set]", backends_in_memory) {
    auto cache = fresh<TestType>();
    const auto left = [&] { return support::time_left(cache, "key"); };
    const std::optional<cachetory::ttl> none;
    CHECK((result(cache.set("key", 1, 30min)) && left() == 30min));
    CHECK((result(cache.set("key", 1, {10min})) && left() == 10min));
    CHECK((result(cache.set("key", 1, std::nullopt)) && left() == std::nullopt));
    CHECK((result(cache.set("key", 1, cachetory::ttl(5s))) && left() == 5s));
    CHECK((result(cache.set("key", 1, {})) && left() == std::nullopt));
    CHECK((result(cache.set("key", 1, std::optional<cachetory::ttl>(7s))) && left() == 7s));
    CHECK((result(cache.set("key", 1, none)) && left() == std::nullopt));
    CHECK((result(cache.set("key", 1, {.time_to_live = 6s})) && left() == 6s));
}

BACKEND_TEST_CASE("set takes a deadline in place of options", "[set]", backends_in_memory) {
    auto cache = fresh<TestType>();
    using clock = typename decltype(cache)::clock;
    CHECK(result(cache.set("key", 1, clock::now() + 3s)));
    CHECK(support::time_left(cache, "key") == 3s);
    using wall = std::chrono::system_clock; // its times are converted: they stay as far from now
    CHECK(result(cache.set("key", 1, wall::now() + 1000h)));
    CHECK(support::time_left(cache, "key") <= 1000h);
    CHECK(support::time_left(cache, "key") > 900h);
    CHECK(result(cache.set("key", 1, wall::now() - 1h)));
    CHECK_FALSE(result(cache.contains("key")));
    CHECK(result(cache.set("key", 1, std::chrono::sys_seconds::max())));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.set("key", 1, std::chrono::sys_seconds()))); // the epoch is long past
    CHECK_FALSE(result(cache.contains("key")));
}

BACKEND_TEST_CASE("a value that set refuses is not moved from",
                  "[set][promise-4]",
                  support::backends_with<&support::features::move_only>) {
    auto cache = fresh<TestType, std::unique_ptr<int>>();
    result(cache.set("key", std::make_unique<int>(1)));
    auto value = std::make_unique<int>(2);
    CHECK_FALSE(result(cache.set("key", std::move(value), {.if_not_exists = true})));
    REQUIRE(value != nullptr);
    CHECK_FALSE(result(cache.set_or_visit("key", std::move(value), [](auto&) {})));
    REQUIRE(value != nullptr);
    std::map<std::string, std::unique_ptr<int>> items;
    items["key"] = std::make_unique<int>(3);
    items["new"] = std::make_unique<int>(4);
    CHECK(result(cache.set_many(std::move(items), {.if_not_exists = true})) == 1);
    CHECK(items["key"] != nullptr);
    CHECK(items["new"] == nullptr);
    CHECK(result(cache.set("other", std::move(value))));
    CHECK(value == nullptr);
}

BACKEND_TEST_CASE("visit changes a value in place", "[visit][promise-1]", backends_in_memory) {
    auto cache = fresh<TestType>();
    add_three_entries(cache);
    using cache_type = decltype(cache);
    CHECK(result(cache.visit("live", [](int& value) { value = 10; })));
    CHECK(result(cache.get("live")) == 10);
    deadline_of<cache_type> seen;
    CHECK(result(cache.visit("live", [&](int&, deadline_of<cache_type> when) { seen = when; })));
    CHECK(seen == result(cache.deadline("live")));
    CHECK(result(cache.visit("endless", [&](int&, deadline_of<cache_type> when) { seen = when; })));
    CHECK(seen == std::nullopt);
    CHECK_FALSE(result(cache.visit("expired", [](int&) { FAIL("called"); })));
    CHECK_FALSE(result(cache.visit("absent", [](int&) { FAIL("called"); })));
}

BACKEND_TEST_CASE("for_each visits every live entry once",
                  "[for_each][promise-1][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_three_entries(cache);
    using cache_type = decltype(cache);
    std::map<std::string, int> seen;
    static_cast<void>(cache.for_each([&](std::string_view key, int& value) {
        CHECK(seen.emplace(std::string(key), value).second);
        ++value;
    }));
    CHECK(seen == std::map<std::string, int>{{"endless", 2}, {"live", 1}});
    CHECK(result(cache.get("live")) == 2);
    std::map<std::string, deadline_of<cache_type>> deadlines;
    static_cast<void>(
        cache.for_each([&](std::string_view key, const int&, deadline_of<cache_type> when) {
            deadlines.emplace(std::string(key), when);
        }));
    CHECK(deadlines.size() == 2);
    CHECK(deadlines["live"] == result(cache.deadline("live")));
    CHECK(deadlines["endless"] == std::nullopt);
    CHECK(support::has_size(cache, 3)); // it erases nothing
}

BACKEND_TEST_CASE("erase_if asks once for each live entry",
                  "[erase_if][promise-1][promise-3]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    using cache_type = decltype(cache);
    for (int i = 0; i != 1000; ++i) {
        result(cache.set(std::to_string(i), i, {.time_to_live = i % 10 == 0 ? -1s : 1h}));
    }
    std::array<int, 1000> asked{};
    const auto odd = [&](std::string_view key, int& value) {
        CHECK(key == std::to_string(value));
        ++asked.at(static_cast<std::size_t>(value));
        return value % 2 == 1;
    };
    CHECK(result(cache.erase_if(odd)) == 500); // the expired ones are all even
    CHECK(support::has_size(cache, 400));      // they are erased but not counted
    for (int i = 0; i != 1000; ++i) {
        REQUIRE(asked.at(static_cast<std::size_t>(i)) == (i % 10 == 0 ? 0 : 1));
        REQUIRE(result(cache.contains(std::to_string(i))) == (i % 10 != 0 && i % 2 == 0));
    }
    const auto has_deadline = [](std::string_view, const int&, deadline_of<cache_type> when) {
        return when.has_value();
    };
    CHECK(result(cache.erase_if(has_deadline)) == 400);
    CHECK(support::has_size(cache, 0));
}

BACKEND_TEST_CASE("for_each and erase_if take a function that can be called more than once",
                  "[for_each][erase_if]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_three_entries(cache);
    static_cast<void>(cache.for_each(again_and_again()));
    CHECK(result(cache.erase_if(again_and_again())) == 1);
    const auto takes = [](auto function) {
        using function_type = decltype(function);
        return requires { cache.for_each(function_type()); }
        || requires { cache.erase_if(function_type()); };
    };
    CHECK(takes(again_and_again()));
    CHECK_FALSE(takes(once_only()));
}

BACKEND_TEST_CASE("entries that erase_if erased before a failure stay erased",
                  "[erase_if][errors]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    for (int i = 0; i != 100; ++i) {
        result(cache.set(std::to_string(i), i));
    }
    int asked = 0;
    const auto fail = [&](std::string_view, int&) {
        if (++asked == 50) {
            throw std::runtime_error("asked too often");
        }
        return true;
    };
    CHECK_THROWS_WITH(result(cache.erase_if(fail)), "asked too often");
    CHECK(asked == 50);
    CHECK(support::has_size(cache, 51));
}

BACKEND_TEST_CASE("set_or_visit stores or visits",
                  "[set_or_visit][promise-1]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    add_three_entries(cache);
    using cache_type = decltype(cache);
    const auto fail = [](int&) { FAIL("called"); };
    CHECK(result(cache.set_or_visit("absent", 5, fail, 1h)));
    CHECK(result(cache.get("absent")) == 5);
    CHECK(support::time_left(cache, "absent") == 1h);
    CHECK(result(cache.set_or_visit("expired", 6, fail)));
    CHECK(result(cache.get("expired")) == 6);
    CHECK(result(cache.deadline("expired")) == std::nullopt);
    const auto before = result(cache.deadline("live"));
    CHECK_FALSE(result(cache.set_or_visit(
        "live", 7, [](int& value) { value += 10; }, 9h)));
    CHECK(result(cache.get("live")) == 11);
    CHECK(result(cache.deadline("live")) == before); // a live entry's deadline stays
    deadline_of<cache_type> seen;
    CHECK_FALSE(result(
        cache.set_or_visit("live", 7, [&](int&, deadline_of<cache_type> when) { seen = when; })));
    CHECK(seen == before);
}

BACKEND_TEST_CASE("counting with set_or_visit loses nothing between threads",
                  "[set_or_visit][threads]",
                  support::backends_with<&support::features::shared>) {
    auto made = std::make_unique<support::backend_of<TestType>>();
    auto& cache = *made;
    constexpr int each = 2000;
    std::vector<std::thread> threads;
    for (int t = 0; t != 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i != each; ++i) {
                result(cache.set_or_visit("counter", 1, [](int& n) { ++n; }));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(result(cache.get("counter")) == 4 * each);
}
