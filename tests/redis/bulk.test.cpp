// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"

#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

cachetory::redis_backend make_cache() {
    return cachetory::redis_backend::from_url(support::empty_redis_server().url());
}

std::string size_of_database() { return support::shared_redis_server().command({"DBSIZE"}); }

/// `count` items that are made when they are read: `make(i)` is the i-th.
template <class Make>
class generated {
public:
    generated(std::size_t count, Make make) : count_(count), make_(std::move(make)) {}

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using difference_type = std::ptrdiff_t;
        using value_type = decltype(std::declval<const Make&>()(std::size_t{}));

        iterator() = default;
        iterator(const generated* range, std::size_t i) : range_(range), i_(i) {}

        value_type operator*() const { return range_->make_(i_); }

        iterator& operator++() {
            ++i_;
            return *this;
        }

        void operator++(int) { ++i_; }

        friend bool operator==(const iterator& a, const iterator& b) { return a.i_ == b.i_; }

    private:
        const generated* range_ = nullptr;
        std::size_t i_ = 0;
    };

    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, count_}; }

private:
    std::size_t count_;
    Make make_;
};

} // namespace

TEST_CASE(
    "get_many returns the stored values in the order of the request, and twice if asked twice",
    "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("a", "1");
    cache.set("b", "2");
    CHECK(pairs(cache.get_many({"b", "missing", "a", "b"})) ==
          pairs{{"b", "2"}, {"a", "1"}, {"b", "2"}});
    CHECK(cache.get_many(std::vector<std::string>()).empty());
}

TEST_CASE("set_many counts what it stores", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("a", "old");
    CHECK(cache.set_many(pairs{{"a", "1"}, {"b", "2"}}, {.if_not_exists = true}) == 1);
    CHECK(cache.get("a") == "old");
    CHECK(cache.get("b") == "2");
    CHECK(cache.set_many(pairs{{"a", "1"}, {"b", "2"}}, {.time_to_live = 100s}) == 2);
    CHECK(cache.get("a") == "1");
    CHECK(cache.deadline("a").has_value());
    CHECK(cache.set_many(pairs{}, {}) == 0);
}

TEST_CASE("erase_many counts what it erases", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set_many(pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}}, {});
    CHECK(cache.erase_many({"a", "missing", "a", "c"}) == 2);
    CHECK(size_of_database() == "1");
}

TEST_CASE("bulk verbs take any ranges of keys and of items", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    CHECK(cache.set_many(std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}) == 2);
    CHECK(cache.set_many({{"c", "3"}, {"d", "4"}}) == 2);
    const std::vector<std::pair<std::string_view, const char*>> views{{"e", "5"}};
    CHECK(cache.set_many(views) == 1);
    CHECK(cache.set_many(generated(2, [](std::size_t i) {
        return std::pair("made " + std::to_string(i), std::string(100, 'x'));
    })) == 2);
    CHECK(cache.get_many(std::vector<std::string_view>{"a", "c", "e"}).size() == 3);
    CHECK(cache.get_many(generated(2, [](std::size_t i) { return "made " + std::to_string(i); })) ==
          cache.get_many({"made 0", "made 1"}));
    CHECK(size_of_database() == "7");
}

TEST_CASE("bulk verbs take more commands than go into one part of a pipeline", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    constexpr std::size_t many = 5'000;
    const auto name = [](std::size_t i) { return "key " + std::to_string(i); };
    CHECK(cache.set_many(generated(
              many, [&](std::size_t i) { return std::pair(name(i), std::to_string(i)); })) == many);
    CHECK(size_of_database() == std::to_string(many));
    const auto found = cache.get_many(generated(2 * many, name));
    REQUIRE(found.size() == many);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < many; ++i) {
        wrong += found[i].first == name(i) && found[i].second == std::to_string(i) ? 0U : 1U;
    }
    CHECK(wrong == 0);
    CHECK(cache.erase_many(generated(2 * many, name)) == many);
    CHECK(size_of_database() == "0");
}

TEST_CASE("bulk verbs take more bytes than fit into the buffers of a connection", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    const auto name = [](std::size_t i) { return "key " + std::to_string(i); };
    const auto value = [](std::size_t i) {
        return std::string(1'000'000 + i, static_cast<char>(i));
    };
    CHECK(cache.set_many(
              generated(20, [&](std::size_t i) { return std::pair(name(i), value(i)); })) == 20);
    const auto found = cache.get_many(generated(20, name));
    REQUIRE(found.size() == 20);
    for (std::size_t i = 0; i < 20; ++i) {
        CHECK((found[i].second == value(i)));
    }
}

TEST_CASE("the items before one that throws are stored, and the exception propagates", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    for (const std::size_t last : {0U, 1U, 10U, 1'024U, 3'000U}) {
        const auto make = [&](std::size_t i) {
            if (i == last) {
                throw std::logic_error("no more");
            }
            return std::pair("key " + std::to_string(i), std::string("value"));
        };
        cache.clear();
        CHECK_THROWS_AS(cache.set_many(generated(10'000, make)), std::logic_error);
        CHECK(size_of_database() == std::to_string(last));
        const auto name = [&](std::size_t i) { return make(i).first; };
        CHECK_THROWS_AS(cache.get_many(generated(10'000, name)), std::logic_error);
        CHECK_THROWS_AS(cache.erase_many(generated(10'000, name)), std::logic_error);
        CHECK(size_of_database() == "0");
    }
    CHECK(support::shared_redis_server().connections() == 1);
}

TEST_CASE("a range and a factory may call the backend while it uses them", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    cache.set("key", "value");
    const auto nested = [&](std::size_t i) { return cache.get("key") + std::to_string(i); };
    CHECK(cache.set_many(generated(3'000, [&](std::size_t i) {
        return std::pair(nested(i), cache.get("key"));
    })) == 3'000);
    CHECK(cache.get_many(generated(3'000, nested)).size() == 3'000);
    CHECK(cache.erase_many(generated(3'000, nested)) == 3'000);
    CHECK(cache.get_or_set("other", [&] { return cache.get("key"); }) == "value");
    // No connection was held meanwhile, so all of these calls needed only one.
    CHECK(support::shared_redis_server().connections() == 1);
}

TEST_CASE("one element of another type fails the bulk verb, and harms no later call", "[redis]") {
    cachetory::redis_backend cache = make_cache();
    support::shared_redis_server().command({"LPUSH", "list", "element"});
    cache.set_many(pairs{{"a", "1"}, {"b", "2"}});
    CHECK_THROWS_WITH(cache.get_many({"a", "list", "b"}), support::contains("WRONGTYPE"));
    CHECK(cache.get("b") == "2");
    CHECK(pairs(cache.get_many({"a", "b"})) == pairs{{"a", "1"}, {"b", "2"}});
}
