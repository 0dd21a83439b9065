// SPDX-License-Identifier: MIT
#include "support/contract.hpp"
#include "support/ranges.hpp"

#include <chrono>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::all_backends;
using support::fresh;
using support::generated;
using support::has_size;
using support::listed;
using support::listing;
using support::result;
using support::time_left;

BACKEND_TEST_CASE("get_many returns the live entries in the order of the request",
                  "[bulk]",
                  all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}}));
    result(cache.set("dead", 4, {.time_to_live = 0s}));
    CHECK(listed(result(cache.get_many({"c", "missing", "a", "dead", "c"}))) ==
          listing{{"c", 3}, {"a", 1}, {"c", 3}});
    CHECK(has_size(cache, 3));
}

BACKEND_TEST_CASE("keys may be any range of strings", "[bulk]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"0", 0}, {"1", 1}, {"2", 2}}));
    const listing both = {{"1", 1}, {"0", 0}};
    const auto works = [&](auto&& keys) {
        using keys_type = decltype(keys);
        const listing found = listed(result(cache.get_many(std::forward<keys_type>(keys))));
        const std::size_t erased = result(cache.erase_many(std::forward<keys_type>(keys)));
        return found == both && erased == 2 && has_size(cache, 1);
    };
    SECTION("std::vector of std::string") { CHECK(works(std::vector<std::string>{"1", "0"})); }
    SECTION("an array of literals") {
        const char* const keys[] = {"1", "0"};
        CHECK(works(keys));
    }
    SECTION("std::initializer_list") { CHECK(works(std::initializer_list<std::string>{"1", "0"})); }
    SECTION("strings made on the fly") {
        CHECK(works(generated{2, [](int i) { return std::to_string(1 - i); }}));
    }
    SECTION("an lvalue") {
        std::vector<std::string_view> keys = {"1", "0"};
        CHECK(works(keys));
        CHECK(keys == std::vector<std::string_view>{"1", "0"});
    }
    SECTION("none") {
        CHECK(result(cache.get_many(std::vector<std::string>())).empty());
        CHECK(result(cache.erase_many(std::vector<std::string>())) == 0);
        CHECK(has_size(cache, 3));
    }
}

BACKEND_TEST_CASE("erase_many counts each live entry once", "[bulk][erase]", all_backends) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}}));
    result(cache.set("dead", 4, {.time_to_live = 0s}));
    CHECK(result(cache.erase_many({"a", "missing", "a", "dead", "c"})) == 2);
    CHECK(listed(result(cache.get_many({"a", "b", "c"}))) == listing{{"b", 2}});
    CHECK(has_size(cache, 1));
}

BACKEND_TEST_CASE("items may be any range of pairs", "[bulk][set]", all_backends) {
    auto cache = fresh<TestType>();
    SECTION("std::map") { result(cache.set_many(std::map<std::string, int>{{"0", 0}, {"1", 1}})); }
    SECTION("an array") {
        const std::pair<const char*, int> items[] = {{"0", 0}, {"1", 1}};
        result(cache.set_many(items));
    }
    SECTION("values to be converted") {
        result(cache.set_many(std::vector<std::pair<std::string, short>>{{"0", {}}, {"1", 1}}));
    }
    SECTION("tuples") {
        result(cache.set_many(std::vector<std::tuple<std::string, int>>{{"0", 0}, {"1", 1}}));
    }
    SECTION("pairs made on the fly") {
        result(cache.set_many(generated{2, [](int i) { return std::pair(std::to_string(i), i); }}));
    }
    CHECK(has_size(cache, 2));
    CHECK(listed(result(cache.get_many({"0", "1"}))) == listing{{"0", 0}, {"1", 1}});
}

BACKEND_TEST_CASE("set_many stores in order with one deadline and counts",
                  "[bulk][set]",
                  all_backends) {
    auto cache = fresh<TestType>();
    CHECK(result(cache.set_many({{"a", 1}, {"b", 2}, {"a", 3}}, {.time_to_live = 1h})) == 3);
    CHECK(listed(result(cache.get_many({"a", "b"}))) == listing{{"a", 3}, {"b", 2}});
    CHECK(time_left(cache, "a") == 1h);
    CHECK(time_left(cache, "b") == 1h);
    CHECK(result(cache.set_many({{"a", 4}, {"c", 5}, {"c", 6}}, {.if_not_exists = true})) == 1);
    CHECK(listed(result(cache.get_many({"a", "c"}))) == listing{{"a", 3}, {"c", 5}});
    CHECK(result(cache.set_many(std::map<std::string, int>())) == 0);
}

BACKEND_TEST_CASE("set_many leaves the values of an lvalue where they are",
                  "[bulk][set][promise-4]",
                  all_backends) {
    const std::string text = "too long to be stored in the string itself";
    auto cache = fresh<TestType, std::string>();
    std::vector<std::pair<std::string, std::string>> items = {{"a", text}, {"b", text}};
    CHECK(result(cache.set_many(items)) == 2);
    CHECK(items == std::vector<std::pair<std::string, std::string>>{{"a", text}, {"b", text}});
    CHECK(result(cache.get("b")) == text);
}
