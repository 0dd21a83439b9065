// SPDX-License-Identifier: MIT
#include <cachetory/backend.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/values.hpp"

#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace chrono = std::chrono;
using cachetory::ttl;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("set_options is an aggregate for designated initialisers", "[set]") {
    using cachetory::set_options;
    STATIC_REQUIRE(std::is_aggregate_v<set_options>);
    STATIC_REQUIRE_FALSE(set_options().time_to_live.has_value());
    STATIC_REQUIRE_FALSE(set_options().if_not_exists);
    STATIC_REQUIRE(set_options{.if_not_exists = true}.if_not_exists);
    STATIC_REQUIRE(set_options{.time_to_live = 5min}.time_to_live == ttl(300s));
    STATIC_REQUIRE(
        set_options{.time_to_live = chrono::duration<double>(1e300), .if_not_exists = true}
            .time_to_live == ttl::max());
}

TEST_CASE("a key_error names the key and keeps it whole", "[errors][promise-8]") {
    for (const std::string& key :
         {""s, "user:42"s, "em\0bed\0ded"s, "\xff\xfe"s, std::string(1 << 20, 'k')}) {
        CAPTURE(key.size());
        try {
            throw cachetory::key_error(key);
        } catch (const std::out_of_range& error) {
            const std::string_view what = error.what();
            CHECK(what.find("not found") != what.npos);
            CHECK(what.find('"' + key.substr(0, key.find('\0'))) != what.npos);
            const auto* precise = dynamic_cast<const cachetory::key_error*>(&error);
            REQUIRE(precise != nullptr);
            CHECK((precise->key() == key)); // in parentheses, so that a failure does not print it
            const cachetory::key_error copy = *precise;
            CHECK((copy.key() == key));
        }
    }
}

TEST_CASE("copying an exception does not allocate, so it cannot end the program",
          "[errors][promise-8]") {
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<cachetory::key_error>);
    STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<cachetory::key_error>);
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<cachetory::backend_error>);
    STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<cachetory::backend_error>);
    const std::string long_key(1000, 'k');
    const cachetory::key_error error(long_key);
    cachetory::key_error assigned("");
    const std::size_t before = support::allocations();
    const cachetory::key_error copy = error;
    assigned = copy;
    const std::size_t after = support::allocations();
    CHECK(after == before);
    CHECK((assigned.key() == long_key));
}

namespace {

/// Only what a backend must have, without one of the verbs. Neither copyable nor movable.
template <int Missing>
struct minimal {
    using wire_type = int;
    using clock = chrono::steady_clock;
    using time_point = clock::time_point;
    using keys = std::vector<std::string>;
    using items = std::vector<std::pair<std::string, int>>;

    minimal() = default;
    minimal(const minimal&) = delete;

    // clang-format off
    int get(std::string_view) requires(Missing != 0);
    std::optional<int> find(std::string_view) requires(Missing != 1);
    bool contains(std::string_view) requires(Missing != 2);
    std::optional<time_point> deadline(std::string_view) requires(Missing != 3);
    std::map<std::string, int> get_many(const keys&) requires(Missing != 4);
    std::optional<int> take(std::string_view) requires(Missing != 5);
    bool set(std::string_view, int, cachetory::set_options) requires(Missing != 6);
    std::size_t set_many(const items&, cachetory::set_options) requires(Missing != 7);
    bool expire_at(std::string_view, std::optional<time_point>) requires(Missing != 8);
    bool expire_in(std::string_view, std::optional<ttl>) requires(Missing != 9);
    bool erase(std::string_view) requires(Missing != 10);
    std::size_t erase_many(const keys&) requires(Missing != 11);
    void clear() requires(Missing != 12);
    int get_or_set(std::string_view, int (*)(), std::optional<ttl>) requires(Missing != 13);
    std::optional<int> touch(std::string_view, std::optional<ttl>) requires(Missing != 14);
    static minimal from_url(std::string_view) requires(Missing != 15);
    int get_or_set(std::string_view, cachetory::expiring<int> (*)(), std::optional<ttl>) requires(Missing != 16);
    // clang-format on
};

constexpr int verbs = 17;

} // namespace

TEST_CASE("a backend need not be copyable or movable, or hold copyable values", "[concept]") {
    using cachetory::backend;
    STATIC_REQUIRE(backend<minimal<verbs>>);
    STATIC_REQUIRE(backend<cachetory::memory_backend<int>>);
    STATIC_REQUIRE(backend<cachetory::memory_backend<std::string, chrono::system_clock>>);
    STATIC_REQUIRE(backend<cachetory::memory_backend<support::move_only>>);
    STATIC_REQUIRE_FALSE(backend<int>);
    STATIC_REQUIRE_FALSE(backend<std::map<std::string, int>>);
}

TEST_CASE("a class that lacks one verb is not a backend", "[concept]") {
    []<int... Missing>(std::integer_sequence<int, Missing...>) {
        STATIC_REQUIRE((!cachetory::backend<minimal<Missing>> && ...));
    }
    (std::make_integer_sequence<int, verbs>());
}

TEST_CASE("a key range is any range of things convertible to a view of text", "[bulk]") {
    using cachetory::key_range;
    STATIC_REQUIRE(key_range<std::vector<std::string>>);
    STATIC_REQUIRE(key_range<const std::vector<std::string>&>);
    STATIC_REQUIRE(key_range<std::initializer_list<std::string_view>>);
    STATIC_REQUIRE(key_range<std::set<std::string>&>);
    STATIC_REQUIRE(key_range<const char*(&)[2]>);
    STATIC_REQUIRE(key_range<std::span<const std::string_view>>);
    STATIC_REQUIRE(key_range<std::vector<const char*>>);
    STATIC_REQUIRE_FALSE(key_range<std::vector<int>>);
    STATIC_REQUIRE_FALSE(key_range<std::string>); // a range of characters
    STATIC_REQUIRE_FALSE(key_range<std::map<std::string, int>>);
    STATIC_REQUIRE_FALSE(key_range<int>);
}

TEST_CASE("an item range is any range of pairs of a key and a value", "[bulk]") {
    using cachetory::item_range;
    STATIC_REQUIRE(item_range<std::map<std::string, int>, int>);
    STATIC_REQUIRE(item_range<const std::map<std::string, int>&, int>);
    STATIC_REQUIRE(item_range<std::initializer_list<std::pair<std::string_view, int>>, int>);
    STATIC_REQUIRE(item_range<std::vector<std::tuple<const char*, int>>&, int>);
    STATIC_REQUIRE(item_range<std::vector<std::pair<std::string, const char*>>, std::string>);
    STATIC_REQUIRE_FALSE(item_range<std::map<std::string, std::string>, int>);
    STATIC_REQUIRE_FALSE(item_range<std::vector<std::string>, int>);
    STATIC_REQUIRE_FALSE(item_range<std::map<int, int>, int>);
    STATIC_REQUIRE_FALSE(item_range<int, int>);
}

namespace {

/// A view without the base class or the trait by which the standard recognises views.
template <class Iterator>
struct iterators {
    Iterator begin() const { return first; }

    Iterator end() const { return last; }

    Iterator first;
    Iterator last;
};

template <class Items>
struct owning_view : std::ranges::view_base {
    auto begin() { return items.begin(); }
    auto begin() const { return items.begin(); }
    auto end() { return items.end(); }
    auto end() const { return items.end(); }

    Items items;
};

} // namespace

TEST_CASE("nothing is moved out of a view, whether or not it owns its items or is marked as a view",
          "[bulk][promise-4]") {
    cachetory::memory_backend<std::string> cache;
    std::vector<std::pair<std::string, std::string>> items = {{"k", "a value that is not small"}};
    CHECK(cache.set_many(iterators<decltype(items)::iterator>{items.begin(), items.end()}) == 1);
    CHECK(items.front().second == "a value that is not small");
    owning_view<decltype(items)> owner;
    owner.items = items;
    CHECK(cache.set_many(std::move(owner)) == 1);
    CHECK(owner.items == items); // NOLINT(bugprone-use-after-move): this is promised
    CHECK(cache.set_many(std::move(items)) == 1);
    CHECK(items.front().second.empty()); // NOLINT(bugprone-use-after-move): this is promised
}

TEST_CASE("only values that the range owns or makes may be moved out of it", "[bulk][promise-4]") {
    using cachetory::item_range;
    using support::move_only;
    using items = std::vector<std::pair<std::string, move_only>>;
    STATIC_REQUIRE(item_range<items, move_only>);
    STATIC_REQUIRE(item_range<std::map<std::string, move_only>, move_only>);
    STATIC_REQUIRE(item_range<iterators<std::move_iterator<items::iterator>>&, move_only>);
    STATIC_REQUIRE_FALSE(item_range<items&, move_only>);
    STATIC_REQUIRE_FALSE(item_range<const items, move_only>);
    STATIC_REQUIRE_FALSE(item_range<std::span<items::value_type>, move_only>);
    STATIC_REQUIRE_FALSE(item_range<iterators<items::iterator>&, move_only>);
    STATIC_REQUIRE_FALSE(item_range<std::vector<std::pair<std::string, move_only&>>, move_only>);
}
