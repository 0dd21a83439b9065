// SPDX-License-Identifier: MIT
// Values of the shared cache are destroyed after unlocking.
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hashes.hpp"
#include "support/threads.hpp"
#include "support/tracked_mutex.hpp"
#include "support/values.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::callback_value;
using support::tracked_cache;
using support::tracked_clock;
using support::tracked_mutex;
using support::watch;

TEST_CASE("values are destroyed after unlocking and may call the cache in every verb",
          "[destructors][locks][promise-10][promise-14]") {
    tracked_clock::reset();
    int under_lock = 0;
    int calls = 0;
    const auto use = [&](auto operation) { // with a cache of two entries that expire
        calls = 0;
        watch([&] {
            tracked_cache<callback_value> cache(1);
            const callback_value calling([&] {
                ++calls;
                if (tracked_mutex::held != 0) {
                    ++under_lock; // calling the cache here would be a deadlock
                } else {
                    (void)cache.contains("other");
                    (void)cache.size();
                    cache.expire_in("another", 1h);
                    cache.purge_expired(0);
                }
            });
            cache.set("key", calling, {.time_to_live = 10ns});
            cache.set("other", calling, {.time_to_live = 20ns});
            operation(cache, calling);
            cache.clear(); // while the variables that the callbacks use still exist
        });
    };
    const auto expire = [] { tracked_clock::advance(30ns); };

    SECTION("clear") {
        use([](auto& cache, auto&) { cache.clear(); });
        CHECK(calls >= 2);
    }
    SECTION("erase") {
        use([](auto& cache, auto&) { cache.erase("key"); });
    }
    SECTION("erase_many") {
        use([](auto& cache, auto&) { cache.erase_many({"key", "other"}); });
    }
    SECTION("erase_if") {
        use([](auto& cache, auto&) {
            cache.erase_if([](std::string_view, const callback_value&) { return true; });
        });
        CHECK(calls >= 2);
    }
    SECTION("erase_if of expired ones") {
        use([&](auto& cache, auto&) {
            expire();
            cache.erase_if([](std::string_view, const callback_value&) { return false; });
        });
        CHECK(calls >= 2);
    }
    SECTION("take") {
        use([](auto& cache, auto&) { (void)cache.take("key"); });
    }
    SECTION("set over a live one") {
        use([](auto& cache, auto&) { cache.set("key", callback_value()); });
    }
    SECTION("set over an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.set("key", callback_value(), {.if_not_exists = true});
        });
    }
    SECTION("set_or_visit over an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.set_or_visit("key", callback_value(), [](callback_value&) {});
        });
    }
    SECTION("set_or_visit of a live one") {
        use([](auto& cache, auto& calling) {
            cache.set_or_visit("key", calling, [](callback_value&) {});
        });
    }
    SECTION("a refused set") {
        use([](auto& cache, auto& calling) { cache.set("key", calling, {.if_not_exists = true}); });
    }
    SECTION("set_many") {
        use([](auto& cache, auto& calling) {
            cache.set_many(std::vector<std::pair<std::string, callback_value>>{{"key", calling},
                                                                               {"key", calling}});
        });
    }
    SECTION("get of a live one") {
        use([](auto& cache, auto&) { (void)cache.get("key"); });
    }
    SECTION("get of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            try {
                (void)cache.get("key");
            } catch (const cachetory::key_error&) {
            }
        });
    }
    SECTION("find of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            (void)cache.find("key");
        });
    }
    SECTION("get_many of expired ones") {
        use([&](auto& cache, auto&) {
            expire();
            (void)cache.get_many({"key", "other"});
        });
    }
    SECTION("contains of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            (void)cache.contains("key");
        });
    }
    SECTION("visit of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.visit("key", [](callback_value&) {});
        });
    }
    SECTION("touch of a live one") {
        use([](auto& cache, auto&) { (void)cache.touch("key", 1h); });
    }
    SECTION("touch of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            (void)cache.touch("key", 1h);
        });
    }
    SECTION("deadline of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            try {
                (void)cache.deadline("key");
            } catch (const cachetory::key_error&) {
            }
        });
    }
    SECTION("take of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            (void)cache.take("key");
        });
    }
    SECTION("erase of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.erase("key");
        });
    }
    SECTION("expire_in of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.expire_in("key", 1h);
        });
    }
    SECTION("expire_at of an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.expire_at("key", std::nullopt);
        });
    }
    SECTION("purge_expired") {
        use([&](auto& cache, auto& calling) {
            for (int i = 0; i != 100; ++i) { // more than one batch
                cache.set(std::to_string(i), calling, {.time_to_live = 1ns});
            }
            expire();
            cache.purge_expired(3);
            cache.purge_expired();
        });
        CHECK(calls >= 102);
    }
    SECTION("get_or_set of a live one") {
        use([](auto& cache, auto& calling) {
            (void)cache.get_or_set("key", [&] { return calling; });
        });
    }
    SECTION("get_or_set of an expired one") {
        use([&](auto& cache, auto& calling) {
            expire();
            (void)cache.get_or_set("key", [&] { return calling; });
        });
    }
    SECTION("get_or_set that comes second") {
        use([](auto& cache, auto& calling) {
            (void)cache.get_or_set("new", [&] {
                cache.set("new", calling);
                return calling;
            });
        });
    }
    SECTION("get_or_set that comes second to one that has expired since") {
        use([&](auto& cache, auto& calling) {
            (void)cache.get_or_set("new", [&] {
                cache.set("new", calling, {.time_to_live = 1ns});
                expire();
                return calling;
            });
        });
    }
    CHECK(calls >= 1);
    CHECK(under_lock == 0);
}

TEST_CASE("values are destroyed after unlocking even if memory runs out or a visitor returns them",
          "[destructors][locks][promise-10][promise-14]") {
    int under_lock = 0;
    int calls = 0;
    const callback_value calling([&] {
        ++calls;
        under_lock += tracked_mutex::held != 0 ? 1 : 0;
    });
    for (std::size_t entries = 0; entries != 40; ++entries) {
        bool failed = true;
        for (std::size_t n = 1; failed; ++n) {
            tracked_cache<callback_value> cache(1);
            for (std::size_t i = 0; i != entries; ++i) {
                cache.set(std::to_string(i), callback_value([] {}));
            }
            callback_value value = calling;
            support::fail_allocation(n);
            try {
                cache.set("a key that is too long to be small", std::move(value));
                failed = false;
            } catch (const std::bad_alloc&) {
                CHECK(cache.size() == entries);
            }
            support::fail_allocation(0);
        }
    }
    CHECK(calls > 80);

    tracked_cache<callback_value> cache(1);
    cache.set("key", calling);
    calls = 0;
    CHECK(cache.visit("key", [](callback_value& value) { return std::move(value); }));
    CHECK(calls >= 1);
    CHECK(under_lock == 0);
}

TEST_CASE("values may call the cache while it is destroyed and what they store is destroyed",
          "[destructors][locks][promise-10][promise-14]") {
    int calls = 0;
    int under_lock = 0;
    const auto last = [&] { ++calls; };
    watch([&] {
        tracked_cache<callback_value> cache(3);
        for (const std::string key : {"a", "b", "c", "d"}) {
            cache.set(key, callback_value([&, key] {
                          if (tracked_mutex::held != 0) {
                              ++under_lock; // calling the cache here could be a deadlock
                              return;
                          }
                          cache.erase("a");
                          if (cache.size() < 20) {
                              cache.set(key + "'s callback_value", callback_value(last),
                                        {.if_not_exists = true});
                          }
                      }));
        }
        calls = 0;
    });
    CHECK(calls >= 4);
    CHECK(under_lock == 0);
}

TEST_CASE("a value stored in another shard while the cache is destroyed is destroyed",
          "[destructors][locks][promise-10][promise-14]") {
    int hashes = 0;
    std::string calls;
    {
        tracked_cache<callback_value, support::digit_hash> cache(16, support::digit_hash(&hashes));
        cache.set("f", callback_value([&] {
                      calls += "first ";
                      cache.set("f", callback_value([&] {
                                    calls += "second ";
                                    cache.set("0", callback_value([&] { calls += "third"; }));
                                }));
                  }));
    }
    CHECK(calls == "first second third");
}
