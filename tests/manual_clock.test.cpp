// SPDX-License-Identifier: MIT
#include <cachetory/manual_clock.hpp>

#include "support/catch.hpp"

#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using cachetory::manual_clock;
using time_point = manual_clock::time_point;

TEST_CASE("a manual clock stands until it is told to move", "[manual_clock]") {
    manual_clock::set(time_point(5s));
    CHECK(manual_clock::now() == time_point(5s));
    CHECK(manual_clock::now() == time_point(5s));
    manual_clock::advance(1500ms);
    CHECK(manual_clock::now() == time_point(6500ms));
    manual_clock::advance(-7s);
    CHECK(manual_clock::now() == time_point(-500ms));
    manual_clock::set(time_point());
    CHECK(manual_clock::now() == time_point());
    STATIC_REQUIRE(!manual_clock::is_steady);
    STATIC_REQUIRE(noexcept(manual_clock::now()));
}

TEST_CASE("a manual clock stops at its ends", "[manual_clock]") {
    manual_clock::set((time_point::max)() - 1h);
    manual_clock::advance(2h);
    CHECK(manual_clock::now() == (time_point::max)());
    manual_clock::set((time_point::min)() + 1h);
    manual_clock::advance(-2h);
    CHECK(manual_clock::now() == (time_point::min)());
    manual_clock::set(time_point());
}

TEST_CASE("threads that advance a manual clock lose nothing", "[manual_clock][threads]") {
    manual_clock::set(time_point());
    std::vector<std::thread> threads;
    for (int i = 0; i != 4; ++i) {
        threads.emplace_back([] {
            for (int n = 0; n != 1000; ++n) {
                manual_clock::advance(1ns);
            }
        });
    }
    for (std::thread& each : threads) {
        each.join();
    }
    CHECK(manual_clock::now() == time_point(4000ns));
    manual_clock::set(time_point());
}

TEST_CASE("an entry expires when the manual clock comes to its deadline", "[manual_clock]") {
    manual_clock::set(time_point());
    cachetory::memory_backend<int, manual_clock> cache;
    cache.set("key", 1, 10s);
    manual_clock::advance(10s - 1ns);
    CHECK(cache.contains("key"));
    manual_clock::advance(1ns);
    CHECK(!cache.contains("key"));
    manual_clock::set(time_point());
}
