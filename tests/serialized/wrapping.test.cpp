// SPDX-License-Identifier: MIT
// How serialized_backend holds a backend: construction, ranges, capacity, and what it requires of a
// backend.
#include <cachetory/serialized_backend.hpp>

#include "../support/capabilities.hpp"
#include "../support/catch.hpp"

#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::manual_clock;
using cachetory::serialized_backend;
using support::purges;
using support::reserves;

namespace {

using strings = cachetory::memory_backend<std::string, manual_clock>;
using shared_strings = cachetory::concurrent_memory_backend<std::string, manual_clock>;
using listing = std::vector<std::pair<std::string, int>>;

/// Writes the version of the program before the value, and reads no other version.
struct versioned {
    std::string serialize(int value) const { return prefix + std::to_string(value); }

    std::optional<int> deserialize(std::string_view bytes) const {
        if (!bytes.starts_with(prefix)) {
            return std::nullopt;
        }
        return cachetory::serializer<int>::deserialize(bytes.substr(prefix.size()));
    }

    std::string prefix;
};

/// Only what a backend must have. Its entries never expire.
class least_backend {
public:
    using wire_type = std::string;
    using clock = std::chrono::steady_clock;
    using time_point = clock::time_point;

    explicit least_backend(std::string url) : url_(std::move(url)) {}
    least_backend(const least_backend&) = delete;
    least_backend& operator=(const least_backend&) = delete;

    static least_backend from_url(std::string_view url) { return least_backend(std::string(url)); }

    std::string get(std::string_view key) { return stored_.at(std::string(key)); }
    std::optional<std::string> find(std::string_view key) {
        const auto place = stored_.find(std::string(key));
        return place == stored_.end() ? std::nullopt : std::optional(place->second);
    }
    std::optional<std::string> touch(std::string_view key, std::optional<cachetory::ttl>) {
        return find(key);
    }
    bool contains(std::string_view key) { return find(key).has_value(); }
    std::optional<time_point> deadline(std::string_view) { return std::nullopt; }
    template <class Keys>
    std::map<std::string, std::string> get_many(const Keys& keys) {
        std::map<std::string, std::string> found;
        for (const std::string_view key : keys) {
            if (contains(key)) {
                found[std::string(key)] = get(key);
            }
        }
        return found;
    }
    std::optional<std::string> take(std::string_view key) {
        std::optional<std::string> found = find(key);
        erase(key);
        return found;
    }
    bool set(std::string_view key, std::string value, cachetory::set_options options) {
        if (options.if_not_exists && contains(key)) {
            return false;
        }
        stored_[std::string(key)] = std::move(value);
        return true;
    }
    template <class Items>
    std::size_t set_many(Items&& items, cachetory::set_options options) {
        std::size_t stored = 0;
        for (auto&& [key, value] : items) {
            stored += set(key, value, options) ? 1U : 0U;
        }
        return stored;
    }
    template <class Factory>
    std::string get_or_set(std::string_view key, Factory&& factory, std::optional<cachetory::ttl>) {
        if (!contains(key)) {
            if constexpr (requires { factory().time_to_live; }) {
                set(key, factory().value, {});
            } else {
                set(key, factory(), {});
            }
        }
        return get(key);
    }
    bool expire_at(std::string_view key, std::optional<time_point>) { return contains(key); }
    bool expire_in(std::string_view key, std::optional<cachetory::ttl>) { return contains(key); }
    bool erase(std::string_view key) { return stored_.erase(std::string(key)) != 0; }
    template <class Keys>
    std::size_t erase_many(const Keys& keys) {
        std::size_t erased = 0;
        for (const std::string_view key : keys) {
            erased += erase(key) ? 1U : 0U;
        }
        return erased;
    }
    void clear() { stored_.clear(); }

private:
    std::string url_;
    std::map<std::string, std::string> stored_;
};

/// A range that makes its items when they are read, and can be read once: "a long key number n" ->
/// n.
struct generated {
    class iterator {
    public:
        using difference_type = std::ptrdiff_t;
        using value_type = std::pair<std::string, int>;

        explicit iterator(int n) : n_(n) {}
        iterator(const iterator&) = delete;
        iterator(iterator&&) = default;
        iterator& operator=(iterator&&) = default;

        value_type operator*() const {
            if (n_ == failing_number) {
                throw std::runtime_error("no such item");
            }
            return {"a long key number " + std::to_string(n_), n_};
        }
        iterator& operator++() {
            ++n_;
            return *this;
        }
        void operator++(int) { ++n_; }
        bool operator==(std::default_sentinel_t) const { return n_ == 5; }

    private:
        int n_;
    };

    iterator begin() const { return iterator(0); }
    std::default_sentinel_t end() const { return {}; }

    static inline int failing_number = -1;
};

} // namespace

// Every member that is not a template compiles over every backend.
template class cachetory::serialized_backend<int, strings>;
template class cachetory::serialized_backend<int, strings, versioned>;
template class cachetory::serialized_backend<double, shared_strings>;
template class cachetory::serialized_backend<std::string, least_backend>;
template class cachetory::async_backend<serialized_backend<int, shared_strings>>;

static_assert(cachetory::backend<least_backend>);
static_assert(cachetory::backend<serialized_backend<int, strings>>);
static_assert(cachetory::backend<serialized_backend<int, least_backend>>);
static_assert(std::is_copy_constructible_v<serialized_backend<int, strings>>);
static_assert(std::is_nothrow_move_constructible_v<serialized_backend<int, strings>>);
static_assert(!std::is_move_constructible_v<serialized_backend<int, shared_strings>>);
static_assert(!std::is_default_constructible_v<serialized_backend<int, least_backend>>);
static_assert(
    std::input_iterator<cachetory::detail::items_as_bytes<const std::map<std::string, int>&,
                                                          int,
                                                          cachetory::serializer<int>>::iterator>);

TEST_CASE("a serialized backend owns the backend that is moved in") {
    strings filled;
    filled.set("key", "7");
    serialized_backend<int, strings> cache(std::move(filled));
    CHECK(cache.get("key") == 7);
    serialized_backend<int, strings> copy = cache;
    serialized_backend<int, strings> moved = std::move(cache);
    moved.set("key", 8);
    CHECK(copy.get("key") == 7);
    CHECK(moved.get("key") == 8);
}

TEST_CASE("a serialized backend constructs in place what cannot be moved") {
    serialized_backend<int, shared_strings> cache(std::in_place, 4U);
    CHECK(cache.set("key", 7));
    using cache_type = serialized_backend<int, shared_strings>;
    CHECK_THROWS_AS(cache_type(std::in_place, 0U), std::invalid_argument);
    serialized_backend<int, shared_strings, versioned> other(versioned{"2:"}, std::in_place, 4U);
    CHECK(other.set("key", 7));
    CHECK(other.get("key") == 7);
}

TEST_CASE("from_url makes the backend that the URL names") {
    auto cache = serialized_backend<int, shared_strings>::from_url("memory://");
    CHECK(cache.set("key", 7));
    using cache_type = serialized_backend<int, strings, versioned>;
    CHECK_THROWS_AS(cache_type::from_url("memory:"), std::invalid_argument);
    auto other = cache_type::from_url("memory://", versioned{"2:"});
    CHECK(other.set("key", 7));
    CHECK(other.get("key") == 7);
}

TEST_CASE("a prefix tells the values of another version from those of this one") {
    strings filled;
    filled.set("old", "1:7");
    filled.set("new", "2:8");
    serialized_backend<int, strings, versioned> cache(std::move(filled), versioned{"2:"});
    CHECK(cache.find("old") == std::nullopt);
    CHECK(cache.find("new") == 8);
    CHECK(cache.get_or_set("old", [] { return 9; }) == 9);
    CHECK(cache.get("old") == 9);
}

TEST_CASE("a backend needs only what every backend has") {
    serialized_backend<int, least_backend> cache(std::in_place, "least://");
    CHECK(cache.set("a", 1));
    CHECK(cache.set_many({{"b", 2}, {"c", 3}}) == 2);
    CHECK(cache.get_or_set("d", [] { return 4; }) == 4);
    CHECK(cache.get("a") == 1);
    CHECK(cache.touch("b", 1h) == 2);
    CHECK(cache.get_many({"a", "b", "absent"}) == listing{{"a", 1}, {"b", 2}});
    CHECK(cache.erase_many({"a", "b"}) == 2);
    CHECK(cache.take("c") == 3);
    CHECK(cache.expire_in("d", 1h));
    CHECK(cache.expire_at("d", std::nullopt));
    cache.clear();
    CHECK_FALSE(cache.contains("d"));
}

TEMPLATE_TEST_CASE("set_many takes any range of pairs", "", strings, shared_strings) {
    serialized_backend<int, TestType> cache;
    const std::map<std::string, int> items = {{"a", 1}, {"b", 2}};
    CHECK(cache.set_many(items) == 2);
    CHECK(cache.set_many(std::vector<std::pair<const char*, short>>{{"b", short(3)}}) == 1);
    CHECK(cache.set_many(items, {.if_not_exists = true}) == 0);
    CHECK(cache.get_many({"a", "b"}) == listing{{"a", 1}, {"b", 3}});
    generated::failing_number = -1;
    CHECK(cache.set_many(generated()) == 5);
    CHECK(cache.find("a long key number 4") == 4);
}

TEMPLATE_TEST_CASE("set_many keeps what came before a failure of its range",
                   "",
                   strings,
                   shared_strings) {
    serialized_backend<int, TestType> cache;
    generated::failing_number = 2;
    CHECK_THROWS_AS(cache.set_many(generated()), std::runtime_error);
    CHECK(cache.size() == 2);
    CHECK(cache.find("a long key number 1") == 1);
}

TEMPLATE_TEST_CASE("verbs that only some backends have are passed on",
                   "",
                   strings,
                   shared_strings) {
    manual_clock::set(manual_clock::time_point());
    serialized_backend<int, TestType> cache;
    CHECK(cache.empty());
    cache.reserve(100);
    for (int i = 0; i != 9; ++i) {
        cache.set(std::to_string(i), i, 1h);
    }
    CHECK(cache.size() == 9);
    manual_clock::advance(1h);
    CHECK(cache.purge_expired(0) == 0);
    CHECK(cache.purge_expired() == 9);
    CHECK(cache.empty());
}

static_assert(purges<serialized_backend<int, strings>> &&
              reserves<serialized_backend<int, strings>>);
static_assert(!purges<serialized_backend<int, least_backend>>);
static_assert(!reserves<serialized_backend<int, least_backend>>);

TEST_CASE("the bound of a backend is passed on") {
    using bounded_strings = cachetory::bounded_memory_backend<std::string, manual_clock>;
    serialized_backend<int, bounded_strings> cache(std::in_place, 3U);
    CHECK(cache.max_entries() == 3);
    CHECK(cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}}) == 4);
    CHECK(cache.size() == 3);
    CHECK(cache.evict(2) == 2);
    CHECK(cache.size() == 1);
}

TEST_CASE("an asynchronous backend wraps a serialized one") {
    manual_clock::set(manual_clock::time_point());
    cachetory::async_backend<serialized_backend<int, shared_strings>> cache;
    CHECK(cache.set("key", 7, {.time_to_live = 1h}).get());
    CHECK(cache.get("key").get() == 7);
    CHECK(cache.find("absent").get() == std::nullopt);
    CHECK_THROWS_AS(cache.get("absent").get(), cachetory::key_error);
    CHECK(cache.get_many({"key"}).get() == listing{{"key", 7}});
    CHECK(cache.get_or_set("other", [] { return 8; }).get() == 8);
    CHECK(cache.touch("key", 2h).get() == 7);
    CHECK(cache.take("key").get() == 7);
    CHECK(cache.size() == 1);
    CHECK(cache.purge_expired().get() == 0);
}
