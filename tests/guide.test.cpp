// SPDX-License-Identifier: MIT
// Runs the code that docs/guide.md shows.
#undef NDEBUG // the guide uses assert
#include "support/catch.hpp"
#include "support/threads.hpp"

#include <cachetory/async_backend.hpp>
#include <cachetory/backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/serialized_backend.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// CMake writes the code below each heading to a file. The names in these files clash with each
// other and with those of other tests, so each file is in a namespace of its own. This works
// because all headers that the files include are included above.
namespace guide::verbs {
#include <guide/verbs.hpp>
}
namespace guide::async {
#include <guide/async.hpp>
}
namespace guide::threads {
#include <guide/threads.hpp>
}
namespace guide::testing {
#include <guide/testing.hpp>
}
namespace guide::sliding_expiry {
#include <guide/sliding_expiry.hpp>
}
namespace guide::rate_limiting {
#include <guide/rate_limiting.hpp>
}
namespace guide::one_computation {
#include <guide/one_computation_for_many_threads.hpp>
}
namespace guide::large_values {
#include <guide/large_values.hpp>
}
namespace guide::keys {
#include <guide/keys_that_are_not_strings.hpp>
}
namespace guide::default_time_to_live {
#include <guide/a_default_time_to_live.hpp>
}
namespace guide::bounded_memory {
#include <guide/bounded_memory_without_a_bound_on_entries.hpp>
}
namespace guide::bytes {
#include <guide/a_budget_of_bytes.hpp>
}
namespace guide::hits {
#include <guide/counting_hits_and_misses.hpp>
}
namespace guide::dump {
#include <guide/dumping_and_warming_up.hpp>
}
namespace guide::prefix {
#include <guide/erasing_by_prefix.hpp>
}
namespace guide::refresh {
#include <guide/refreshing_ahead_of_expiry.hpp>
}
namespace guide::near_cache {
#include <guide/a_near_cache_in_front_of_redis.hpp>
}

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;
using cachetory::manual_clock;
using cachetory::memory_backend;

namespace {

using strings = memory_backend<std::string, manual_clock>;

/// What a coroutine returns. It starts at once, and nothing ever resumes it.
struct text_task {
    struct promise_type {
        text_task get_return_object() { return {result}; }

        std::suspend_never initial_suspend() noexcept { return {}; }

        std::suspend_never final_suspend() noexcept { return {}; }

        void return_value(std::string text) { *result = std::move(text); }

        void unhandled_exception() { throw; }

        std::shared_ptr<std::string> result = std::make_shared<std::string>("not done");
    };

    std::shared_ptr<std::string> result;
};

} // namespace

TEST_CASE("the guide's tour of the verbs runs", "[guide]") { CHECK_NOTHROW(guide::verbs::verbs()); }

TEMPLATE_TEST_CASE("the guide's generic code greets everybody once a day",
                   "[guide]",
                   (memory_backend<bool, manual_clock>),
                   (concurrent_memory_backend<bool, manual_clock>),
                   (cachetory::serialized_backend<bool, strings>)) {
    using guide::verbs::greet_once;
    manual_clock::set({});
    TestType seen;
    CHECK(greet_once(seen, "Ada"));
    CHECK(!greet_once(seen, "Ada"));
    CHECK(greet_once(seen, "Bob"));
    manual_clock::advance(24h - 1ns);
    CHECK(!greet_once(seen, "Ada"));
    manual_clock::advance(1ns);
    CHECK(greet_once(seen, "Ada"));
}

TEST_CASE("the guide's coroutine never suspends", "[guide]") {
    using guide::async::greeting;
    cachetory::async_memory_backend<std::string> cache;
    cache.set("ada", "Ada").get();
    CHECK(*greeting<text_task>(cache, "ada").result == "Hello, Ada");
    CHECK(*greeting<text_task>(cache, "bob").result == "Who are you?");
}

TEST_CASE("the guide's look-up under a mutex counts in one thread", "[guide]") {
    memory_backend<int> cache;
    std::mutex mutex;
    CHECK(guide::threads::next_number(cache, mutex) == 0);
    cache.set("number", 1);
    CHECK(guide::threads::next_number(cache, mutex) == 2);
    CHECK(guide::threads::next_number(cache, mutex) == 3);
    CHECK(mutex.try_lock());
    mutex.unlock();
}

TEST_CASE("threads that use the guide's counter get different numbers", "[guide][threads]") {
    constexpr std::size_t each = 500;
    concurrent_memory_backend<int> cache;
    std::vector<int> numbers(4 * each);
    support::watch_together(4, [&](int thread) {
        for (std::size_t i = 0; i != each; ++i) {
            numbers[std::size_t(thread) * each + i] = guide::threads::next_number(cache);
        }
    });
    std::sort(numbers.begin(), numbers.end());
    std::vector<int> expected(4 * each);
    std::iota(expected.begin(), expected.end(), 1);
    CHECK(numbers == expected);
}

TEST_CASE("the guide's test of expiry passes, and moves the clock by ten seconds", "[guide]") {
    guide::testing::test(); // aborts if it fails
    CHECK(manual_clock::now() == manual_clock::time_point(10s));
    manual_clock::set({});
}

TEST_CASE("each request gives a session of the guide another half hour", "[guide]") {
    using guide::sliding_expiry::handle_request;
    memory_backend<guide::sliding_expiry::session> sessions;
    CHECK(!handle_request(sessions, "id"));
    CHECK(sessions.empty());
    sessions.set("id", {"Ada"}, 1min);
    const auto old_deadline = sessions.deadline("id").value();
    CHECK(handle_request(sessions, "id"));
    CHECK(handle_request(sessions, "id"));
    CHECK(sessions.get("id").user == "Ada");
    CHECK(sessions.get("id").requests == 2);
    CHECK(sessions.deadline("id").value() >= old_deadline + 28min);
    sessions.expire_in("id", -1s);
    CHECK(!handle_request(sessions, "id"));
    CHECK(!sessions.contains("id"));
}

TEST_CASE("the guide's rate limit refuses the 101st request in a window", "[guide]") {
    using guide::rate_limiting::is_allowed;
    concurrent_memory_backend<int> requests;
    for (int window = 0; window != 2; ++window) {
        CHECK(is_allowed(requests, "client"));
        const auto end_of_window = requests.deadline("client");
        CHECK(end_of_window.has_value());
        for (int i = 2; i <= 100; ++i) {
            CHECK(is_allowed(requests, "client"));
        }
        CHECK(!is_allowed(requests, "client"));
        CHECK(!is_allowed(requests, "client"));
        CHECK(requests.deadline("client") == end_of_window); // requests do not prolong it
        CHECK(is_allowed(requests, "client " + std::to_string(window)));
        requests.expire_in("client", -1s);
    }
}

TEST_CASE("threads that share the guide's rate limit get no more than it", "[guide][threads]") {
    concurrent_memory_backend<int> requests;
    std::atomic<int> allowed = 0;
    support::watch_together(4, [&](int) {
        for (int i = 0; i != 50; ++i) {
            allowed += guide::rate_limiting::is_allowed(requests, "client");
        }
    });
    CHECK(allowed == 100);
}

TEST_CASE("clients of the guide's rate limit that have gone leave memory", "[guide]") {
    concurrent_memory_backend<int> requests;
    for (int i = 0; i != 1000; ++i) {
        const std::string gone = std::to_string(i);
        (void)guide::rate_limiting::is_allowed(requests, gone);
        requests.expire_in(gone, -1s);
    }
    CHECK(requests.size() == 1000);
    for (int i = 0; i != 1000; ++i) {
        (void)guide::rate_limiting::is_allowed(requests, "client");
        requests.purge_expired(8); // as the guide says
    }
    CHECK(requests.size() == 1);
}

TEST_CASE("one thread computes a page of the guide and the others get it", "[guide][threads]") {
    constexpr int threads = 8;
    guide::one_computation::pages cache;
    std::atomic<int> computed = 0;
    std::vector<std::string> got(threads);
    support::watch_together(threads, [&](int i) {
        got[std::size_t(i)] = guide::one_computation::page(cache, "/", [&](const std::string& url) {
            ++computed;
            return "page of " + url;
        });
    });
    CHECK(computed == 1);
    CHECK(got == std::vector<std::string>(threads, "page of /"));
}

TEST_CASE("others wait while a page of the guide is computed", "[guide]") {
    guide::one_computation::pages cache;
    const auto page = [&] {
        return guide::one_computation::page(cache, "/", [&](const std::string& url) {
            CHECK(cache.get(url).wait_for(0s) == std::future_status::timeout);
            return "page of " + url;
        });
    };
    CHECK(page() == "page of /");
    CHECK(cache.get("/").get() == "page of /");
    cache.expire_in("/", -1s);
    CHECK(page() == "page of /");
}

TEST_CASE("a page of the guide that cannot be computed fails for all who wait, and is forgotten",
          "[guide]") {
    guide::one_computation::pages cache;
    std::shared_future<std::string> other;
    const auto fail = [&](const std::string& url) -> std::string {
        other = cache.get(url);
        throw std::runtime_error("no " + url);
    };
    CHECK_THROWS_WITH(guide::one_computation::page(cache, "/", fail), "no /");
    CHECK_THROWS_WITH(other.get(), "no /");
    CHECK(cache.empty());
    CHECK(guide::one_computation::page(cache, "/", [](auto&) { return "page"; }) == "page");
}

TEST_CASE("readers of the guide's large value share it, and keep it alive", "[guide]") {
    concurrent_memory_backend<std::shared_ptr<const guide::large_values::table>> cache;
    const auto first = guide::large_values::load(cache);
    CHECK(guide::large_values::load(cache) == first);
    CHECK(first.use_count() == 2); // here and in the cache
    cache.clear();
    CHECK(first.use_count() == 1);
    CHECK(*first == guide::large_values::table(1000, "row"));
}

TEST_CASE("different parts make different keys in the guide", "[guide]") {
    using guide::keys::key_of;
    using guide::keys::views;
    CHECK(key_of(1, "2/a") != key_of(12, "/a"));
    CHECK(key_of(1, "/2") != key_of(1, "2"));
    memory_backend<int> cache;
    cache.set(key_of(7, "home"), 3);
    CHECK(*views(cache, 7, "home") == 3);
    CHECK(views(cache, 7, "about") == nullptr);
    CHECK(views(cache, 8, "home") == nullptr);
}

TEMPLATE_TEST_CASE("what the guide remembers has a default time to live",
                   "[guide]",
                   strings,
                   (concurrent_memory_backend<std::string, manual_clock>)) {
    manual_clock::set({});
    TestType cache;
    CHECK(guide::default_time_to_live::remember(cache, "key", "value"));
    CHECK(guide::default_time_to_live::remember(cache, "key", std::string("another")));
    CHECK(cache.get("key") == "another");
    CHECK(cache.deadline("key") == manual_clock::time_point(10min));
}

TEST_CASE("the guide's purges keep no more expired entries than live ones", "[guide]") {
    constexpr int live = 100;
    memory_backend<std::string> cache;
    std::size_t most = 0;
    for (int i = 0; i != 100 * live; ++i) {
        guide::bounded_memory::handle(cache, std::to_string(i));
        cache.expire_in(std::to_string(i - live), -1s);
        most = std::max(most, cache.size());
    }
    CHECK(most <= 2 * live);
    CHECK(cache.purge_expired() <= live);
    CHECK(cache.size() == live);
    CHECK(cache.get(std::to_string(100 * live - 1)) == "response");
}

TEST_CASE("the values in the guide's cache stay within their budget of bytes", "[guide]") {
    using guide::bytes::counted;
    using guide::bytes::store;
    constexpr std::size_t budget = 1'000'000;
    {
        cachetory::bounded_memory_backend<counted> cache(1000);
        std::size_t most = 0;
        for (std::size_t i = 0; i != 500; ++i) {
            store(cache, std::to_string(i % 70), std::string(1 + i * 97 % 50'000, 'x'));
            most = std::max(most, counted::used);
            REQUIRE(counted::used <= budget);
        }
        CHECK(most > budget - 50'000); // nothing is evicted without need
        store(cache, "large", std::string(budget + 1, 'x'));
        CHECK(counted::used <= budget);
        CHECK(!cache.contains("large"));
        cache.clear();
        CHECK(counted::used == 0);
        store(cache, "a", std::string(10, 'x'));
        store(cache, "b", std::string(1000, 'x'));
        store(cache, "b", std::string(500, 'x'));
        CHECK(counted::used == 510);
        cache.erase("a");
        CHECK(counted::used == 500);
    }
    CHECK(counted::used == 0);
}

TEST_CASE("the guide's wrapper counts hits and misses", "[guide]") {
    memory_backend<int> cache;
    CHECK(guide::hits::hit_ratio(cache) == 0);
    cache.set("key", 1);
    CHECK(guide::hits::hit_ratio(cache) == 1);

    concurrent_memory_backend<int> shared; // its find returns an optional
    shared.set("key", 1);
    guide::hits::counting<concurrent_memory_backend<int>> counted{shared};
    CHECK(counted.find("key") == 1);
    CHECK(counted.find("key") == 1);
    CHECK(counted.find("another") == std::nullopt);
    CHECK(counted.hits == 2);
    CHECK(counted.misses == 1);
}

TEST_CASE("the guide's dump brings values and deadlines to another cache", "[guide]") {
    memory_backend<std::string> cache;
    cache.set("expired", "0", -1s);
    cache.set("for an hour", "1", 1h);
    cache.set("forever", "2");
    auto all = guide::dump::dump(cache);
    REQUIRE(all.size() == 2);
    all.push_back({"expired since", "3", -1s});

    memory_backend<std::string> warm;
    guide::dump::warm_up(warm, all);
    CHECK(warm.get("for an hour") == "1");
    CHECK(warm.deadline("for an hour").value() >= cache.deadline("for an hour").value() - 1s);
    CHECK(warm.get("forever") == "2");
    CHECK(warm.deadline("forever") == std::nullopt);
    CHECK(!warm.contains("expired"));
    CHECK(!warm.contains("expired since"));
}

TEST_CASE("the guide erases by prefix and nothing else", "[guide]") {
    memory_backend<int> cache;
    cache.set_many({{"user/1", 0}, {"user/1/", 1}, {"user/1/a", 2}, {"user/10/a", 3}, {"x", 4}});
    CHECK(guide::prefix::forget_user(cache, "user/1/") == 2);
    CHECK(cache.size() == 3);
    CHECK(cache.contains("user/1"));
    CHECK(cache.contains("user/10/a"));
    CHECK(cache.contains("x"));
    CHECK(guide::prefix::forget_user(cache, "user/1/") == 0);
}

TEST_CASE("the guide refreshes only entries that are about to expire", "[guide]") {
    concurrent_memory_backend<std::string> cache;
    int loads = 0;
    const auto get = [&] {
        return guide::refresh::fresh(cache, "key", [&](std::string_view key) {
            return std::string(key) + ' ' + std::to_string(++loads);
        });
    };
    CHECK(get() == "key 1");
    CHECK(get() == "key 1");
    const auto first_deadline = cache.deadline("key").value();
    cache.expire_in("key", 50s);
    CHECK(get() == "key 2");
    CHECK(get() == "key 2");
    CHECK(cache.get("key") == "key 2");
    CHECK(cache.deadline("key").value() >= first_deadline - 1s);
    cache.expire_in("key", -1s);
    CHECK(get() == "key 3");
    cache.set("key", "forever");
    CHECK(get() == "forever");
    CHECK(loads == 3);
}

TEST_CASE("others go on using an entry of the guide while one refreshes it", "[guide]") {
    concurrent_memory_backend<std::string> cache;
    cache.set("key", "old", 50s);
    int loads = 0;
    const auto get = [&](auto load) { return guide::refresh::fresh(cache, "key", load); };
    CHECK(get([&](std::string_view) {
              CHECK(get([&](std::string_view) { return std::to_string(++loads); }) == "old");
              ++loads;
              return "new";
          }) == "new");
    CHECK(loads == 1);
    CHECK(cache.get("key") == "new");

    cache.clear(); // without an entry, each loads it
    CHECK(get([&](std::string_view) {
              return get([&](std::string_view) { return "inner"; }) + " and outer";
          }) == "inner and outer");
}

TEST_CASE("one of several threads refreshes an entry of the guide", "[guide][threads]") {
    for (int round = 0; round != 20; ++round) {
        concurrent_memory_backend<std::string> cache;
        cache.set("key", "old", 50s);
        std::atomic<int> loads = 0;
        std::atomic<int> others = 0;
        support::watch_together(4, [&](int) {
            const std::string got = guide::refresh::fresh(cache, "key", [&](std::string_view) {
                ++loads;
                return "new";
            });
            others += got != "new" && got != "old";
        });
        REQUIRE(loads == 1);
        REQUIRE(others == 0);
        REQUIRE(cache.get("key") == "new");
    }
}

TEST_CASE("the guide's near cache asks the far one once a second", "[guide]") {
    manual_clock::set({});
    strings near_cache;
    strings far_cache;
    int made = 0;
    const auto get = [&] {
        return guide::near_cache::near_or_far(near_cache, far_cache, "key",
                                              [&] { return std::to_string(++made); });
    };
    CHECK(get() == "1");
    CHECK(far_cache.get("key") == "1");
    CHECK(far_cache.deadline("key") == manual_clock::time_point(10min));
    far_cache.set("key", "changed", 10min);
    manual_clock::advance(1s - 1ns);
    CHECK(get() == "1"); // out of date, but for no more than a second
    manual_clock::advance(1ns);
    CHECK(get() == "changed");
    far_cache.clear();
    CHECK(get() == "changed");
    CHECK(far_cache.empty()); // it was not asked, or it would have stored the value again
    CHECK(made == 1);
    manual_clock::advance(1s);
    CHECK(get() == "2");
}
