// SPDX-License-Identifier: MIT
// Failures under a lock of the shared cache.
#include "support/catch.hpp"
#include "support/threads.hpp"
#include "support/values.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

template <class Mutex>
using cache_with = cachetory::concurrent_memory_backend<support::throwing,
                                                        std::chrono::steady_clock,
                                                        cachetory::string_hash,
                                                        Mutex>;
using support::others_get_through;

TEMPLATE_TEST_CASE("a copy that fails under the lock releases the lock and loses nothing",
                   "[failures][locks][promise-9]",
                   cachetory::detail::default_mutex,
                   std::mutex) {
    using support::throwing;
    cache_with<TestType> cache(1);
    cache.set("key", 7);
    const auto fails = [](auto operation) {
        throwing::countdown = 1;
        bool failed = false;
        try {
            operation();
        } catch (const throwing::error&) {
            failed = true;
        }
        throwing::countdown = -1;
        return failed;
    };
    SECTION("find") {
        CHECK(fails([&] { (void)cache.find("key"); }));
    }
    SECTION("get") {
        CHECK(fails([&] { (void)cache.get("key"); }));
    }
    SECTION("get_many") {
        CHECK(fails([&] { (void)cache.get_many({"missing", "key"}); }));
    }
    SECTION("get_or_set of a live one") {
        CHECK(fails([&] { (void)cache.get_or_set("key", [] { return throwing(8); }); }));
    }
    SECTION("take") {
        CHECK(fails([&] { (void)cache.take("key"); }));
    }
    SECTION("set") {
        const std::vector<std::pair<std::string, throwing>> items = {{"key", 8}};
        CHECK(fails([&] { cache.set_many(items); }));
    }
    CHECK(others_get_through(cache, "key"));
    CHECK(cache.get("key").number == 7);
    CHECK(cache.size() == 1);
}

TEMPLATE_TEST_CASE("a get_or_set that fails stores a whole entry or none and keeps no lock",
                   "[failures][locks][promise-9]",
                   cachetory::detail::default_mutex,
                   std::mutex) {
    using support::throwing;
    const bool comes_second = GENERATE(false, true);
    int failures = 0;
    for (bool done = false; !done; ++failures) {
        REQUIRE(failures < 100);
        cache_with<TestType> cache(1);
        try {
            const throwing value = cache.get_or_set("key", [&] {
                if (comes_second) {
                    cache.set("key", 1);
                }
                throwing::countdown = failures + 1;
                return 2;
            });
            done = true;
            throwing::countdown = -1;
            CHECK(value.number == (comes_second ? 1 : 2));
        } catch (const throwing::error&) {
        }
        throwing::countdown = -1;
        CHECK(others_get_through(cache, "key"));
        const auto stored = cache.find("key");
        CHECK(stored.has_value() == (comes_second || done || cache.size() == 1));
        if (stored) {
            CHECK(stored->number == (comes_second ? 1 : 2));
        }
    }
    CHECK(failures > 1);
}
