// SPDX-License-Identifier: MIT
// Errors travel in the futures of an async_backend.
#include <cachetory/async_backend.hpp>

#include "support/catch.hpp"
#include "support/coroutine.hpp"
#include "support/failing_clock.hpp"
#include "support/futures.hpp"
#include "support/manual_clock.hpp"
#include "support/values.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::async_memory_backend;
using support::failing_clock;
using support::fails_in_the_future;

namespace {

using test_clock = support::manual_clock<>;

/// An empty cache of numbers, with a clock that shows 1,000 ticks.
async_memory_backend<int, test_clock> numbers() {
    test_clock::reset();
    return {};
}

} // namespace

TEST_CASE("a missing key is an error in the future of get and deadline",
          "[async][errors][promise-12]") {
    auto cache = numbers();
    CHECK(fails_in_the_future<cachetory::key_error>([&] { return cache.get("key"); }));
    CHECK(fails_in_the_future<cachetory::key_error>([&] { return cache.deadline("key"); }));
    (void)cache.get("key"); // nothing is thrown unless someone asks for the result
}

TEST_CASE("a failing clock is an error in the future", "[async][errors][promise-12]") {
    test_clock::reset();
    async_memory_backend<int, failing_clock> cache;
    (void)cache.set("key", 1);
    (void)cache.expire_at("key", test_clock::at(2000));
    using error = failing_clock::error;
    failing_clock::broken = true;
    CHECK(fails_in_the_future<error>([&] { return cache.get("key"); }));
    CHECK(fails_in_the_future<error>([&] { return cache.find("key"); }));
    CHECK(fails_in_the_future<error>([&] { return cache.contains("key"); }));
    CHECK(fails_in_the_future<error>([&] { return cache.deadline("key"); }));
    CHECK(fails_in_the_future<error>([&] { return cache.get_many({"key"}); }));
    CHECK(fails_in_the_future<error>([&] { return cache.take("key"); }));
    CHECK(fails_in_the_future<error>([&] { return cache.set("new", 1, {.time_to_live = 1h}); }));
    CHECK(fails_in_the_future<error>([&] {
        return cache.set_many({{"key", 2}}, {.if_not_exists = true});
    }));
    CHECK(fails_in_the_future<error>([&] { return cache.get_or_set("key", [] { return 2; }); }));
    CHECK(fails_in_the_future<error>([&] { return cache.expire_at("key", std::nullopt); }));
    CHECK(fails_in_the_future<error>([&] { return cache.expire_in("key", 1h); }));
    CHECK(fails_in_the_future<error>([&] { return cache.erase("key"); }));
    CHECK(fails_in_the_future<error>([&] { return cache.erase_many({"key"}); }));
    CHECK(fails_in_the_future<error>([&] { return cache.purge_expired(); }));
    failing_clock::broken = false;
    CHECK(cache.size() == 1);
}

TEST_CASE("a value that fails to move is an error in the future", "[async][errors][promise-12]") {
    using support::throwing;
    async_memory_backend<throwing> cache;
    const std::vector<std::pair<std::string, throwing>> items = {{"key", 1}};
    throwing::countdown = 1;
    CHECK(fails_in_the_future<throwing::error>([&] { return cache.set("key", 1); }));
    throwing::countdown = 1;
    CHECK(fails_in_the_future<throwing::error>([&] { return cache.set_many(items); }));
    CHECK(cache.empty());
    (void)cache.set("key", 1);
    throwing::countdown = 1;
    CHECK(fails_in_the_future<throwing::error>([&] { return cache.take("key"); }));
    CHECK(cache.get("key").get().number == 1);
}

TEST_CASE("a factory that throws is an error in the future", "[async][errors][promise-12]") {
    auto cache = numbers();
    const auto fails = []() -> int { throw std::domain_error("no value"); };
    CHECK(fails_in_the_future<std::domain_error>([&] { return cache.get_or_set("key", fails); }));
    CHECK(cache.empty());
}

TEST_CASE("a reserve that fails is an error in the future", "[async][errors][promise-12]") {
    auto cache = numbers();
    CHECK(fails_in_the_future<std::length_error>([&] { return cache.reserve(std::size_t(-1)); }));
}

TEST_CASE("an awaited error is thrown where it is awaited", "[async][errors][promise-12]") {
    auto cache = numbers();
    std::string missing;
    const auto run = [&]() -> support::task {
        try {
            (void)co_await cache.get("key");
        } catch (const cachetory::key_error& error) {
            missing = error.key();
        }
    }();
    CHECK(run.done());
    CHECK(missing == "key");
}
