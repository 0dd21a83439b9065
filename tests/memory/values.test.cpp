// SPDX-License-Identifier: MIT
#include "support/values.hpp"
#include "support/contract.hpp"
#include "support/ranges.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using support::backends_in_memory;
using support::fresh;
using support::generated;
using support::result;

namespace {

template <class Wire>
using cache_of = cachetory::memory_backend<Wire, support::manual_clock<>>;

} // namespace

BACKEND_TEST_CASE("set_many moves values out of a container that is moved in",
                  "[values][bulk][promise-4]",
                  support::backends_with<&support::features::move_only>) {
    using support::move_only;
    auto cache = fresh<TestType, move_only>();
    SECTION("std::map") {
        std::map<std::string, move_only> items;
        items.emplace("key", 7);
        CHECK(result(cache.set_many(std::move(items))) == 1);
    }
    SECTION("std::vector") {
        std::vector<std::pair<std::string, move_only>> items;
        items.emplace_back("key", 7);
        CHECK(result(cache.set_many(std::move(items))) == 1);
    }
    SECTION("std::move_iterator") {
        std::pair<std::string, move_only> item("key", 7);
        struct {
            std::move_iterator<decltype(&item)> first, last;
            auto begin() const { return first; }
            auto end() const { return last; }
        } items = {std::make_move_iterator(&item), std::make_move_iterator(&item + 1)};
        CHECK(result(cache.set_many(items)) == 1);
    }
    SECTION("pairs made on the fly") {
        const generated items = {1, [](int) { return std::pair("key", move_only(7)); }};
        CHECK(result(cache.set_many(items)) == 1);
    }
    CHECK(result(cache.take("key")).value().number == 7);
}

namespace {

using items_of_throwing = std::vector<std::pair<std::string, support::throwing>>;

/// A view: a range that does not own its items.
struct items_view {
    items_of_throwing::iterator first, last;

    auto begin() const { return first; }
    auto end() const { return last; }
};

} // namespace

template <>
inline constexpr bool std::ranges::enable_view<items_view> = true;

BACKEND_TEST_CASE("set_many never moves out of what it does not own",
                  "[values][bulk][promise-4]",
                  backends_in_memory) {
    using support::throwing;
    auto cache = fresh<TestType, throwing>();
    items_of_throwing items = {{"a", 1}, {"b", 2}};
    SECTION("an lvalue") { CHECK(result(cache.set_many(items)) == 2); }
    SECTION("a const rvalue") {
        CHECK(result(cache.set_many(std::move(std::as_const(items)))) == 2);
    }
    SECTION("a view") {
        CHECK(result(cache.set_many(items_view{items.begin(), items.end()})) == 2);
    }
    SECTION("pairs of references") {
        std::vector<std::pair<std::string_view, throwing&>> pairs;
        for (auto& [key, value] : items) {
            pairs.emplace_back(key, value);
        }
        CHECK(result(cache.set_many(std::move(pairs))) == 2);
    }
    SECTION("pairs of references made on the fly") {
        const generated pairs = {2, [&](int i) {
                                     auto& [key, value] = items[static_cast<std::size_t>(i)];
                                     return std::pair<const std::string&, throwing&>(key, value);
                                 }};
        CHECK(result(cache.set_many(pairs)) == 2);
    }
    CHECK(items[0].second.number == 1);
    CHECK(items[1].second.number == 2);
    CHECK(items[0].first == "a");
    CHECK(result(cache.get("a")).number == 1);
    CHECK(result(cache.get("b")).number == 2);
}

TEST_CASE("keys of any type are hashed as views", "[values]") {
    struct greedy_hash { // given a C string, it would hash the address
        using is_transparent = void;

        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
        std::size_t operator()(const char* address) const {
            return std::hash<const void*>()(address);
        }
    };
    cachetory::memory_backend<int, support::manual_clock<>, greedy_hash> cache;
    const std::vector<const char*> keys = {"a", "b"};
    CHECK(cache.set_many(std::map<const char*, int>{{keys[0], 1}, {keys[1], 2}}) == 2);
    CHECK(cache.get_many(keys).size() == 2);
    CHECK(cache.erase_many(keys) == 2);
    CHECK(cache.empty());
}

TEST_CASE("values need only be movable", "[values]") {
    cache_of<support::move_only> cache;
    CHECK(cache.set("k", support::move_only(1)));
    CHECK(cache.set("k", support::move_only(2)));
    CHECK(cache.get("k").number == 2);
    CHECK(cache.get_or_set("l", [] { return support::move_only(3); }).number == 3);
    CHECK(cache.take("k")->number == 2);
    std::map<std::string, support::move_only> items;
    items.emplace("m", 4);
    CHECK(cache.set_many(std::move(items)) == 1);
    CHECK(cache.get("m").number == 4);
}

TEST_CASE("over-aligned values are aligned", "[values]") {
    cache_of<support::over_aligned> cache;
    for (int i = 0; i != 10; ++i) {
        cache.set(std::to_string(i), support::over_aligned{i});
        const auto address = reinterpret_cast<std::uintptr_t>(cache.find(std::to_string(i)));
        CHECK(address % alignof(support::over_aligned) == 0);
    }
}
