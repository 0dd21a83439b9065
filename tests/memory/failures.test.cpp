// SPDX-License-Identifier: MIT
#include "support/allocations.hpp"
#include "support/contract.hpp"
#include "support/failing_clock.hpp"
#include "support/hashes.hpp"
#include "support/ranges.hpp"
#include "support/values.hpp"

#include <cachetory/backend.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::backends_in_memory;
using support::failing_clock;
using support::fails_without_clock;
using support::fresh;
using support::generated;
using support::listed;
using support::listing;
using support::result;
using test_clock = support::manual_clock<>;

namespace {

/// Cannot be copied while its number is `failing_number`; moves never throw.
struct fragile {
    struct error : std::runtime_error {
        error() : std::runtime_error("a value with the failing number was copied") {}
    };

    fragile(int n) : number(n) {}
    fragile(const fragile& other) : number(other.number) { check(); }
    fragile(fragile&&) noexcept = default;
    fragile& operator=(const fragile& other) {
        other.check();
        number = other.number;
        return *this;
    }
    fragile& operator=(fragile&&) noexcept = default;
    ~fragile() = default;

    void check() const {
        if (number == failing_number) {
            throw error();
        }
    }

    static inline int failing_number = 0;
    int number;
};

struct throwing_hash : support::constant_hash {
    std::size_t operator()(std::string_view key) const {
        return key == "k" ? throw std::runtime_error("no hash") : constant_hash::operator()(key);
    }
};

template <class Wire>
using cache_of = cachetory::memory_backend<Wire, test_clock>;

constexpr std::string_view long_key = "a key too long for the small string optimisation";

} // namespace

BACKEND_TEST_CASE("a failing clock leaves everything as it was",
                  "[failures][promise-9]",
                  backends_in_memory) {
    auto cache = fresh<TestType, int, failing_clock>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    const cachetory::set_options for_1h = {.time_to_live = 1h};
    const auto two = [] { return 2; };
    const auto breaks = [] {
        failing_clock::broken = true;
        return 2;
    };
    CHECK(fails_without_clock([&] { result(cache.set("key", 2, for_1h)); }));
    CHECK(fails_without_clock([&] { result(cache.set("new", 2, for_1h)); }));
    CHECK(fails_without_clock([&] { result(cache.set("key", 2, {.if_not_exists = true})); }));
    CHECK(fails_without_clock([&] { result(cache.set_many({{"key", 2}, {"new", 2}}, for_1h)); }));
    CHECK(fails_without_clock([&] { result(cache.get_or_set("new", two, 1h)); }));
    CHECK(fails_without_clock([&] {
        failing_clock::broken = false;
        result(cache.get_or_set("new", breaks, 1h));
    }));
    CHECK(fails_without_clock([&] { result(cache.expire_in("key", 1h)); }));
    CHECK(fails_without_clock([&] { (void)result(cache.find("key")); }));
    CHECK(fails_without_clock([&] { (void)result(cache.take("key")); }));
    CHECK(fails_without_clock([&] { result(cache.erase("key")); }));
    CHECK(fails_without_clock([&] { result(cache.erase_many({"key"})); }));
    CHECK(fails_without_clock([&] { result(cache.purge_expired()); }));
    CHECK(cache.size() == 1);
    CHECK(result(cache.get("key")) == 1);
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
}

BACKEND_TEST_CASE("a value that fails to move leaves the old deadline",
                  "[failures][promise-9]",
                  backends_in_memory) {
    using support::throwing;
    auto cache = fresh<TestType, throwing>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    int failures = 0;
    for (bool stored = false; !stored; ++failures) {
        throwing::countdown = failures + 1;
        try {
            stored = result(cache.set("key", 2, {.time_to_live = 1h}));
        } catch (const throwing::error&) {
            CHECK(result(cache.deadline("key")) == test_clock::at(1010));
        }
    }
    throwing::countdown = -1;
    CHECK(failures > 1);
    CHECK(result(cache.get("key")).number == 2);
    CHECK(result(cache.deadline("key")) == test_clock::at(1000) + 1h);
}

BACKEND_TEST_CASE("a value that fails to move leaves no new entry",
                  "[failures][promise-9]",
                  backends_in_memory) {
    using support::throwing;
    auto cache = fresh<TestType, throwing>();
    int failures = 0;
    for (bool stored = false; !stored; ++failures) {
        throwing::countdown = failures + 1;
        try {
            stored = result(cache.set("key", 2));
        } catch (const throwing::error&) {
            CHECK(cache.empty());
        }
    }
    throwing::countdown = -1;
    CHECK(failures > 1);
    CHECK(result(cache.get("key")).number == 2);
}

BACKEND_TEST_CASE("items that set_many stored before a failure stay",
                  "[failures][bulk][promise-9]",
                  backends_in_memory) {
    auto cache = fresh<TestType, fragile>();
    result(cache.set("b", 20, {.time_to_live = 10ns}));
    const std::vector<std::pair<std::string, fragile>> items = {{"a", 1}, {"b", 2}, {"c", 3}};
    fragile::failing_number = 2;
    CHECK_THROWS_AS(result(cache.set_many(items, {.time_to_live = 1h})), fragile::error);
    fragile::failing_number = 0;
    CHECK(result(cache.get("a")).number == 1);
    CHECK(result(cache.deadline("a")) == test_clock::at(1000) + 1h);
    CHECK(result(cache.get("b")).number == 20);
    CHECK(result(cache.deadline("b")) == test_clock::at(1010));
    CHECK(!result(cache.contains("c")));
}

BACKEND_TEST_CASE("entries that erase_many erased before a failure stay erased",
                  "[failures][bulk][promise-9]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"0", 0}, {"1", 1}, {"2", 2}}));
    const generated keys = {
        3, [](int i) { return i == 1 ? throw std::domain_error("no key") : std::to_string(i); }};
    CHECK_THROWS_AS(result(cache.erase_many(keys)), std::domain_error);
    CHECK(listed(result(cache.get_many({"0", "1", "2"}))) == listing{{"1", 1}, {"2", 2}});
}

TEST_CASE("an overwrite that fails leaves the old value with its old deadline",
          "[failures][promise-9]") {
    test_clock::reset();
    for (int failing = 1; failing != 3; ++failing) { // the old value moves out, the new one in
        CAPTURE(failing);
        cache_of<support::throwing> cache;
        cache.set("k", 1, {.time_to_live = 1s});
        const auto deadline = cache.deadline("k");
        support::throwing value = 2;
        support::throwing::countdown = failing;
        bool failed = false;
        try {
            cache.set("k", std::move(value));
        } catch (const support::throwing::error&) {
            failed = true;
        }
        support::throwing::countdown = -1;
        CHECK(failed);
        CHECK(cache.deadline("k") == deadline);
        CHECK(cache.get("k").number == 1);
    }
}

TEST_CASE("an insertion that runs out of memory changes nothing", "[failures][promise-9]") {
    int failures = 0;
    for (std::size_t entries = 0; entries != 40; ++entries) { // the table grows now and then
        bool failed = true;
        for (std::size_t n = 1; failed; ++n) {
            CAPTURE(entries, n);
            cache_of<std::string> cache;
            for (std::size_t i = 0; i != entries; ++i) {
                cache.set(std::to_string(i), "old");
            }
            std::string value = "new";
            support::fail_allocation(n);
            try {
                cache.set(long_key, std::move(value));
                failed = false;
            } catch (const std::bad_alloc&) {
                ++failures;
            }
            support::fail_allocation(0);
            CHECK(cache.size() == entries + (failed ? 0 : 1));
            CHECK(cache.contains(long_key) != failed);
            CHECK(cache.set(long_key, "again"));
            CHECK(cache.get(long_key) == "again");
        }
    }
    CHECK(failures > 80); // the key and the node each time, the table sometimes
}

TEST_CASE("a hash that throws leaves everything as it was", "[failures][promise-9]") {
    cachetory::memory_backend<int, test_clock, throwing_hash> cache;
    cache.set("other", 2); // newer libraries do not hash for a look-up in an empty table
    CHECK_THROWS_WITH(cache.set("k", 1), "no hash");
    CHECK_THROWS_WITH(cache.find("k"), "no hash");
    CHECK(cache.size() == 1);
    CHECK(cache.get("other") == 2);
}

TEST_CASE("a clock that throws leaves everything as it was", "[failures][promise-9]") {
    cachetory::memory_backend<int, failing_clock> cache;
    cache.set("never", 1);
    CHECK(
        fails_without_clock([&] { static_cast<void>(cache.set("new", 2, {.time_to_live = 1s})); }));
    CHECK(fails_without_clock(
        [&] { static_cast<void>(cache.set("never", 2, {.time_to_live = 1s})); }));
    CHECK(fails_without_clock([&] { static_cast<void>(cache.expire_in("never", 1s)); }));
    CHECK(cache.size() == 1);
    CHECK(cache.get("never") == 1);
    CHECK(cache.deadline("never") == std::nullopt);
    cache.expire_at("never", test_clock::at(1));
    CHECK(fails_without_clock([&] { static_cast<void>(cache.find("never")); }));
    CHECK(fails_without_clock([&] { static_cast<void>(cache.purge_expired()); }));
    CHECK(cache.size() == 1);
    CHECK(!fails_without_clock([&] { CHECK(!cache.expire_in("absent", 1s)); }));
}
