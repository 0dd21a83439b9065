// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/threads.hpp"
#include "support/tracked_mutex.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;
using support::others_get_through;
using support::tracked_cache;
using support::tracked_clock;
using support::tracked_mutex;

TEST_CASE("visit runs its function on the stored value and returns whether there was one",
          "[visit]") {
    tracked_clock::reset();
    tracked_cache<std::string> cache;
    cache.set("key", "v", {.time_to_live = 10ns});
    CHECK(cache.visit("key", [](std::string& value) { value += "1"; }));
    CHECK(cache.get("key") == "v1");
    CHECK(cache.deadline("key") == tracked_clock::at(1010));

    int calls = 0;
    const auto count = [&](const std::string&) { ++calls; };
    CHECK(cache.visit("key", count));
    CHECK(calls == 1);
    CHECK(!cache.visit("missing", count));
    CHECK(calls == 1);
    tracked_clock::advance(10ns);
    CHECK(!cache.visit("key", count));
    CHECK(calls == 1);
    CHECK(cache.empty());
}

TEST_CASE("visit may move the value out and discards what its function returns", "[visit]") {
    tracked_clock::reset();
    tracked_cache<std::unique_ptr<int>> cache;
    cache.set("key", std::make_unique<int>(7));
    std::unique_ptr<int> out;
    CHECK(
        cache.visit("key", [&](std::unique_ptr<int>& value) { return *(out = std::move(value)); }));
    CHECK(*out == 7);
    CHECK(cache.contains("key"));
}

TEST_CASE("visit takes functions that can be called only once", "[visit]") {
    struct once {
        void operator()(int& value) && { value = 8; }
    };
    concurrent_memory_backend<int> cache;
    cache.set("key", 7);
    CHECK(cache.visit("key", once()));
    CHECK(cache.get("key") == 8);
}

TEST_CASE("an exception of the function given to visit propagates and releases the lock",
          "[visit][promise-9]") {
    tracked_clock::reset();
    tracked_cache<int> cache(1);
    cache.set("key", 1);
    const auto fails = [](int& value) {
        ++value;
        throw std::domain_error("not this one");
    };
    CHECK_THROWS_AS(cache.visit("key", fails), std::domain_error);
    CHECK(tracked_mutex::held == 0);
    CHECK(others_get_through(cache, "key"));
    CHECK(cache.get("key") == 2);
}

TEST_CASE("functions given to visit run under the lock", "[visit][promise-14]") {
    tracked_clock::reset();
    tracked_cache<int> cache;
    cache.set("key", 1);
    int held = 0;
    cache.visit("key", [&](int&) { held = tracked_mutex::held; });
    CHECK(held == 1);
}
