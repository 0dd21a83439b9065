// SPDX-License-Identifier: MIT
// Values whose destructors use the cache that they were in.
#include "support/every_verb.hpp"

#include "support/catch.hpp"
#include "support/values.hpp"

#include <cachetory/memory_backend.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::act;
using support::at_first;
using support::backends_in_memory;
using support::census;
using support::every_verb;
using support::fill;
using support::names;
using support::result;
using clock_type = support::manual_clock<>;

namespace {

using value = support::wire<true>;

template <class Entry>
using cache_of = support::faulty<Entry, value>;

/// What a value's destructor may do.
template <class Cache>
std::vector<std::function<void(Cache&)>> all_callbacks() {
    return {
        [](Cache& cache) { (void)result(cache.erase(names.live)); },
        [](Cache& cache) {
            (void)result(cache.erase_many({names.endless, names.expired}));
        },
        [](Cache& cache) { (void)result(cache.take(names.endless)); },
        [](Cache& cache) { (void)result(cache.set(names.live, 5)); },
        [](Cache& cache) {
            (void)result(cache.set_many({{names.expired, 5}, {names.absent, 5}}));
        },
        [](Cache& cache) { (void)result(cache.get_or_set(names.absent, [] { return 5; })).number; },
        [](Cache& cache) {
            (void)result(cache.get_many({names.expired, names.live}));
        },
        [](Cache& cache) { (void)result(cache.expire_in(names.live, 0ns)); },
        [](Cache& cache) { (void)result(cache.purge_expired()); },
        [](Cache& cache) { (void)cache.clear(); },
        [](Cache& cache) {
            for (int i = 0; i != 100; ++i) { // the table grows
                (void)result(cache.set(std::to_string(i), i));
            }
        },
    };
}

} // namespace

BACKEND_TEST_CASE("a destructor of a value may call back in every verb",
                  "[destructors][promise-10]",
                  backends_in_memory) {
    using cache_type = cache_of<TestType>;
    const auto callbacks = all_callbacks<cache_type>();
    for (const auto& verb : every_verb<cache_type>()) {
        for (std::size_t i = 0; i != callbacks.size(); ++i) {
            CAPTURE(verb.name, i);
            cache_type cache;
            fill(cache);
            bool called = false;
            census::on_destruction = [&] {
                if (!std::exchange(called, true)) {
                    callbacks[i](cache);
                }
            };
            (void)act(verb, cache);
            census::on_destruction = nullptr;
            const auto left = verb.steps.states().back();
            const bool kills = std::string_view(verb.name) != "visit" &&
                               !std::includes(left.begin(), left.end(), at_first.begin(),
                                              at_first.end(), [](auto& a, auto& b) {
                                                  return std::pair(a.first, a.second.value) <
                                                         std::pair(b.first, b.second.value);
                                              });
            CHECK((called || !kills));
            CHECK(census::count == int(cache.size()));
            CHECK(support::works(cache));
            CHECK(std::exchange(census::wrongs, 0) == 0);
        }
    }
}

BACKEND_TEST_CASE("a destructor of a value may call back while the cache is destroyed",
                  "[destructors][promise-10]",
                  backends_in_memory) {
    for (const auto& callback : all_callbacks<cache_of<TestType>>()) {
        int calls = 0;
        bool calling = false;
        {
            cache_of<TestType> cache;
            fill(cache);
            census::on_destruction = [&] {
                if (calls != 20 && !std::exchange(calling, true)) {
                    ++calls; // so do the values that it stores
                    callback(cache);
                    calling = false;
                }
            };
        }
        census::on_destruction = nullptr;
        CHECK(calls > 0);
        CHECK(census::count == 0);
        CHECK(std::exchange(census::wrongs, 0) == 0);
    }
}

BACKEND_TEST_CASE("clear erases everything even if no empty table can be made",
                  "[destructors][faults][promise-10]",
                  support::backends_with<&support::features::references>) {
    auto callbacks = all_callbacks<cache_of<TestType>>();
    callbacks.push_back([](auto&) {});
    for (const auto& callback : callbacks) {
        cache_of<TestType> cache;
        fill(cache);
        bool called = false;
        census::on_destruction = [&] {
            if (!std::exchange(called, true)) {
                callback(cache);
            }
        };
        support::fault::arm(support::fault::new_hash, 1);
        (void)cache.clear();
        CHECK(support::fault::disarm());
        census::on_destruction = nullptr;
        CHECK(called);
        CHECK((cache.size() == 0 || &callback != &callbacks.back()));
        CHECK(census::count == int(cache.size()));
        CHECK(support::works(cache));
        CHECK(std::exchange(census::wrongs, 0) == 0);
    }
}

namespace {

using reentrant_cache = cachetory::memory_backend<support::callback_value, clock_type>;

/// A cache with an entry "a" whose value's destructor calls `callback`, and some others.
void prepare(reentrant_cache& cache, std::function<void()> callback) {
    clock_type::reset();
    cache.clear();
    cache.set_many([] {
        std::map<std::string, support::callback_value> quiet;
        quiet["b"] = support::callback_value();
        quiet["c"] = support::callback_value();
        return quiet;
    }());
    cache.set("a", support::callback_value(std::move(callback)), {.time_to_live = 1s});
}

} // namespace

TEST_CASE("a destructor sees the operation done and nothing half done",
          "[destructors][promise-10]") {
    reentrant_cache cache;
    prepare(cache, [&] {
        CHECK(cache.contains("a"));
        CHECK(cache.deadline("a") == std::nullopt);
    });
    cache.set("a", support::callback_value());
    prepare(cache, [&] { CHECK_FALSE(cache.contains("a")); });
    cache.erase("a");
    prepare(cache, [&] { CHECK(cache.size() == 1); });
    cache = [] {
        reentrant_cache one;
        one.set("a", support::callback_value());
        return one;
    }();
}

TEST_CASE(
    "get_many does not return entries that a destructor erases or lets expire in the meantime",
    "[destructors][promise-10]") {
    reentrant_cache cache;
    for (const auto& keys : {std::vector{"a", "b", "c"}, std::vector{"c", "b", "a"}}) {
        for (const bool erases : {true, false}) {
            prepare(cache, [&] { erases ? cache.erase("b") : cache.expire_in("b", 0s); });
            clock_type::advance(1s);
            const auto found = cache.get_many(keys);
            REQUIRE(found.size() == 1);
            CHECK(found.front().first == "c");
            CHECK_FALSE(found.front().second.on_destruction);
        }
    }
}
