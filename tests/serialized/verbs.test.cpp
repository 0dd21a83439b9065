// SPDX-License-Identifier: MIT
#include <cachetory/serialized_backend.hpp>

#include "../support/catch.hpp"
#include "../support/values.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::expiring;
using cachetory::manual_clock;
using cachetory::serialized_backend;

namespace {

using strings = cachetory::memory_backend<std::string, manual_clock>;
using shared_strings = cachetory::concurrent_memory_backend<std::string, manual_clock>;
template <class Value>
using listing = std::vector<std::pair<std::string, Value>>;

manual_clock::time_point at(std::chrono::nanoseconds since_start) {
    return manual_clock::time_point(since_start);
}

/// Marks what it reads, to show that it was used: "Ada" comes back as "<Ada>".
struct marker {
    static std::string serialize(const std::string& value) { return '<' + value + '>'; }

    static std::optional<std::string> deserialize(std::string_view bytes) {
        return std::string(bytes);
    }
};

struct name {
    operator std::string() const { return text; } // implicit: it is the conversion that is tested

    std::string text;
};

} // namespace

/// A specialization for a type of the program that is neither copyable nor default-constructible.
template <>
struct cachetory::serializer<support::move_only> {
    static std::string serialize(const support::move_only& value) {
        return serializer<int>::serialize(value.number);
    }

    static std::optional<support::move_only> deserialize(std::string_view bytes) {
        const std::optional<int> number = serializer<int>::deserialize(bytes);
        return number ? std::optional<support::move_only>(std::in_place, *number) : std::nullopt;
    }
};

TEMPLATE_TEST_CASE("every verb that stores writes bytes, and every verb that looks up reads them",
                   "",
                   strings,
                   shared_strings) {
    manual_clock::set(at(0ns));
    serialized_backend<std::string, TestType, marker> cache;
    SECTION("set") { CHECK(cache.set("key", "Ada")); }
    SECTION("set for a time to live") { CHECK(cache.set("key", "Ada", 1h)); }
    SECTION("set until a deadline") { CHECK(cache.set("key", "Ada", at(1h))); }
    SECTION("set_many") { CHECK(cache.set_many({{"key", "Ada"}}) == 1); }
    SECTION("get_or_set") {
        CHECK(cache.get_or_set("key", [] { return "Ada"; }) == "<Ada>");
    }
    CHECK(cache.get("key") == "<Ada>");
    CHECK(cache.find("key") == "<Ada>");
    CHECK(cache.touch("key", 1h) == "<Ada>");
    CHECK(cache.get_many({"key"}) == listing<std::string>{{"key", "<Ada>"}});
    CHECK(cache.get_or_set("key", [] { return "Ben"; }) == "<Ada>");
    CHECK(cache.take("key") == "<Ada>");
    CHECK_FALSE(cache.contains("key"));
}

TEMPLATE_TEST_CASE("every verb does what the backend's own does", "", strings, shared_strings) {
    manual_clock::set(at(0ns));
    serialized_backend<int, TestType> cache;
    CHECK(cache.set("key", 1, 1h));
    CHECK(cache.deadline("key") == at(1h));
    CHECK_FALSE(cache.set("key", 2, {.if_not_exists = true}));
    CHECK(cache.set("key", 2, std::nullopt));
    CHECK(cache.deadline("key") == std::nullopt);
    CHECK(cache.set("key", 3, {.time_to_live = 2h}));
    CHECK(cache.deadline("key") == at(2h));
    CHECK(cache.set("key", 4, at(3h)));
    CHECK(cache.deadline("key") == at(3h));
    CHECK(cache.touch("key", 4h) == 4);
    CHECK(cache.deadline("key") == at(4h));
    CHECK(cache.expire_in("key", 5h));
    CHECK(cache.deadline("key") == at(5h));
    CHECK(cache.expire_at("key", at(6h)));
    CHECK(cache.deadline("key") == at(6h));
    CHECK(cache.expire_at("key", {}));
    CHECK(cache.deadline("key") == std::nullopt);
    CHECK(cache.expire_at("key", std::chrono::time_point<manual_clock, std::chrono::hours>(7h)));
    CHECK(cache.deadline("key") == at(7h));
    CHECK(cache.contains("key"));
    CHECK(cache.erase("key"));
    CHECK_FALSE(cache.erase("key"));
    CHECK_FALSE(cache.touch("key", 1h));
    CHECK_FALSE(cache.find("key"));
    CHECK_FALSE(cache.take("key"));
    CHECK_THROWS_AS(cache.get("key"), cachetory::key_error);
    CHECK_THROWS_AS(cache.deadline("key"), cachetory::key_error);
    CHECK(cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}}, {.time_to_live = 1h}) == 3);
    CHECK(cache.deadline("b") == at(1h));
    CHECK(cache.erase_many({"a", "absent"}) == 1);
    CHECK(cache.get_many({"c", "a", "b"}) == listing<int>{{"c", 3}, {"b", 2}});
    cache.clear();
    CHECK_FALSE(cache.contains("b"));
}

TEMPLATE_TEST_CASE("get_or_set makes a value only on a miss", "", strings, shared_strings) {
    manual_clock::set(at(0ns));
    serialized_backend<int, TestType> cache;
    int calls = 0;
    const auto make = [&] { return ++calls; };
    CHECK(cache.get_or_set("key", make, 1h) == 1);
    CHECK(cache.get_or_set("key", make, 2h) == 1);
    CHECK(cache.deadline("key") == at(1h));
    manual_clock::advance(1h);
    CHECK(cache.get_or_set("key", make) == 2);
    CHECK(cache.deadline("key") == std::nullopt);
    CHECK(calls == 2);
}

TEMPLATE_TEST_CASE("a factory may decide the time to live", "", strings, shared_strings) {
    manual_clock::set(at(0ns));
    serialized_backend<int, TestType> cache;
    CHECK(cache.get_or_set(
              "key",
              [] {
                  return expiring<int>{1, 5min};
              },
              1h) == 1);
    CHECK(cache.deadline("key") == at(5min));
    const expiring<int> endless = {2, std::nullopt};
    CHECK(cache.get_or_set(
              "endless", [&]() -> const expiring<int>& { return endless; }, 1h) == 2);
    CHECK(cache.deadline("endless") == std::nullopt);
}

TEMPLATE_TEST_CASE("a value that the factory stores under the key itself stays",
                   "",
                   strings,
                   shared_strings) {
    manual_clock::set(at(0ns));
    serialized_backend<int, TestType> cache;
    const auto make = [&] {
        cache.set("key", 1, 1h);
        return 2;
    };
    CHECK(cache.get_or_set("key", make) == 1);
    CHECK(cache.deadline("key") == at(1h));
}

// Values

TEMPLATE_TEST_CASE("set and set_many only read a value, even an rvalue",
                   "",
                   strings,
                   shared_strings) {
    const std::string text = "a value too long to be stored in the string object itself";
    serialized_backend<std::string, TestType> cache;
    std::string value = text;
    CHECK(cache.set("key", std::move(value)));
    CHECK(value == text);
    CHECK_FALSE(cache.set("key", std::move(value), {.if_not_exists = true}));
    CHECK(value == text);
    std::vector<std::pair<std::string, std::string>> items = {{"key", text}};
    CHECK(cache.set_many(std::move(items)) == 1);
    CHECK(items.front().second == text);
    CHECK(cache.get("key") == text);
}

TEMPLATE_TEST_CASE("anything that converts to a value is converted", "", strings, shared_strings) {
    serialized_backend<std::string, TestType> cache;
    const std::vector<std::pair<std::string, name>> items = {{"b", name{"Ben"}}};
    CHECK(cache.set("a", name{"Ada"}));
    CHECK(cache.set_many(items) == 1);
    CHECK(cache.get_or_set("c", [] { return name{"Cid"}; }) == "Cid");
    CHECK(cache.get_many({"a", "b", "c"}) ==
          listing<std::string>{{"a", "Ada"}, {"b", "Ben"}, {"c", "Cid"}});
}

TEMPLATE_TEST_CASE("values need not be copyable", "", strings, shared_strings) {
    serialized_backend<support::move_only, TestType> cache;
    CHECK(cache.set("a", support::move_only(1)));
    CHECK(cache.get_or_set("b", [] { return support::move_only(2); }).number == 2);
    std::vector<std::pair<std::string, support::move_only>> items;
    items.emplace_back("c", support::move_only(3));
    CHECK(cache.set_many(std::move(items)) == 1);
    CHECK(cache.get("a").number == 1);
    CHECK(cache.find("b")->number == 2);
    CHECK(cache.get_many({"c"}).front().second.number == 3);
    CHECK(cache.take("c")->number == 3);
}
