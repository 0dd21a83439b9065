// SPDX-License-Identifier: MIT
// What only the cache for several threads promises. The rest is in backend_contract.test.cpp, that
// each operation happens at one instant in linearizability.test.cpp.
#include <cachetory/concurrent_memory_backend.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/values.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <initializer_list>
#include <latch>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::concurrent_memory_backend;

namespace {

/// Knows whether the calling thread holds one, and counts.
class tracked_mutex {
public:
    tracked_mutex() { all().insert(this); }
    tracked_mutex(const tracked_mutex&) = delete;
    tracked_mutex& operator=(const tracked_mutex&) = delete;
    ~tracked_mutex() { all().erase(this); }

    void lock() {
        if (held != 0) {
            ++nested;
        }
        mutex_.lock();
        ++held;
        ++locks_;
        ++locks;
        reads_since_lock = 0;
    }

    void unlock() {
        --held;
        mutex_.unlock();
    }

    /// To be called first in a test.
    static void reset() {
        locks = 0;
        nested = 0;
        for (tracked_mutex* each : all()) {
            each->locks_ = 0;
        }
    }

    /// How many of all there are have been locked.
    static std::size_t used() {
        std::size_t count = 0;
        for (const tracked_mutex* each : all()) {
            count += each->locks_ != 0;
        }
        return count;
    }

    static std::size_t existing() { return all().size(); }

    /// Whether each starts a cache line.
    static bool aligned() {
        return std::all_of(all().begin(), all().end(), [](const tracked_mutex* each) {
            return reinterpret_cast<std::uintptr_t>(each) % 64 == 0;
        });
    }

    static inline thread_local int held = 0;
    static inline thread_local int reads_since_lock = 0; ///< of tracked_clock
    static inline std::atomic<int> locks = 0;
    static inline std::atomic<int> nested = 0; ///< Taken while another one was held.

private:
    static std::set<tracked_mutex*>& all() {
        static std::set<tracked_mutex*> those;
        return those;
    }

    std::mutex mutex_;
    int locks_ = 0;
};

/// A manual clock that knows whether it is read under a lock, and once under each.
struct tracked_clock : support::manual_clock<> {
    static time_point now() {
        outside += tracked_mutex::held != 1;
        repeated += ++tracked_mutex::reads_since_lock > 1;
        return manual_clock::now();
    }

    static void reset() {
        manual_clock::reset();
        tracked_mutex::reset();
        outside = 0;
        repeated = 0;
    }

    static inline int outside = 0;
    static inline int repeated = 0;
};

template <class Wire>
using cache_of =
    concurrent_memory_backend<Wire, tracked_clock, cachetory::string_hash, tracked_mutex>;

/// Keys are hexadecimal digits, and those are the upper bits of their hashes. Needs to be told.
struct digit_hash {
    using is_transparent = void;

    explicit digit_hash(int* counter) : calls(counter) {}

    std::size_t operator()(std::string_view key) const {
        ++*calls;
        const auto digit = static_cast<std::size_t>(std::stoi(std::string(key), nullptr, 16));
        return digit << (std::numeric_limits<std::size_t>::digits - 4);
    }

    int* calls;
};
static_assert(!std::is_default_constructible_v<digit_hash>);

/// Can be copied; each copy has its say when it dies, unless moved from.
class heir {
public:
    explicit heir(std::function<void()> words = {}) : words_(std::move(words)) {}
    heir(const heir&) = default;
    heir(heir&& other) noexcept : words_(std::exchange(other.words_, nullptr)) {}
    heir& operator=(const heir& other) { return *this = heir(other); }
    heir& operator=(heir&& other) noexcept {
        const heir dying = std::move(*this);
        words_ = std::exchange(other.words_, nullptr);
        return *this;
    }
    ~heir() {
        if (words_) {
            words_();
        }
    }

private:
    std::function<void()> words_;
};

/// Runs `work` in a thread of its own, to its end. A deadlock fails rather than hangs.
template <class Work>
void watch(Work work) {
    std::future<void> done = std::async(std::launch::async, std::move(work));
    if (done.wait_for(60s) != std::future_status::ready) {
        std::fputs("a deadlock, or a machine that has stopped\n", stderr);
        std::abort();
    }
    done.get();
}

/// Runs work(0), ... work(count - 1) at the same time, to their ends.
template <class Work>
void watch_together(int count, Work work) {
    watch([&] {
        std::latch start(count);
        std::vector<std::thread> threads;
        for (int i = 0; i != count; ++i) {
            threads.emplace_back([&, i] {
                start.arrive_and_wait();
                work(i);
            });
        }
        for (std::thread& each : threads) {
            each.join();
        }
    });
}

/// Whether another thread can use `key`, that is, nobody has kept its lock.
template <class Cache>
bool others_get_through(Cache& cache, std::string_view key) {
    bool through = false;
    watch([&] {
        (void)cache.contains(key);
        through = true;
    });
    return through;
}

} // namespace

// Every member compiles for every kind of value.
template class cachetory::concurrent_memory_backend<int>;
template class cachetory::concurrent_memory_backend<std::string, std::chrono::system_clock>;
template class cachetory::concurrent_memory_backend<std::unique_ptr<int>>;
template class cachetory::concurrent_memory_backend<support::over_aligned>;
template class cachetory::
    concurrent_memory_backend<int, tracked_clock, cachetory::string_hash, tracked_mutex>;

namespace {

template <class Wire>
using plain = concurrent_memory_backend<Wire>;

template <class Cache>
concept has_get = requires(Cache& cache) {
    cache.get("key");
};
template <class Cache>
concept has_find = requires(Cache& cache) {
    cache.find("key");
};
template <class Cache>
concept has_get_many = requires(Cache& cache, const std::vector<std::string>& keys) {
    cache.get_many(keys);
};
template <class Cache>
concept has_get_or_set = requires(Cache& cache, typename Cache::wire_type (*factory)()) {
    cache.get_or_set("key", factory);
};

template <class Cache>
using got = decltype(std::declval<Cache&>().get("key"));
template <class Cache>
using found = decltype(std::declval<Cache&>().find("key"));
template <class Cache>
using got_many = decltype(std::declval<Cache&>().get_many({"key"}));
template <class Cache>
using got_or_set = decltype(std::declval<Cache&>().get_or_set(
    "key", std::declval<typename Cache::wire_type (*)()>()));
template <class Cache, class F>
using visited = decltype(std::declval<Cache&>().visit("key", std::declval<F>()));

} // namespace

// No reference escapes.
static_assert(std::is_same_v<got<plain<int>>, int>);
static_assert(std::is_same_v<found<plain<int>>, std::optional<int>>);
static_assert(std::is_same_v<got_or_set<plain<int>>, int>);
static_assert(std::is_same_v<got_many<plain<int>>, std::vector<std::pair<std::string, int>>>);
static_assert(std::is_same_v<decltype(std::declval<plain<int>&>().take("")), std::optional<int>>);
static_assert(std::is_same_v<decltype(std::declval<plain<int>&>().deadline("")),
                             std::optional<std::chrono::steady_clock::time_point>>);
static_assert(std::is_same_v<visited<plain<int>, int& (*)(int&)>, bool>);

static_assert(std::is_default_constructible_v<plain<int>>);
static_assert(!std::is_convertible_v<std::size_t, plain<int>>);
static_assert(!std::is_copy_constructible_v<plain<int>>);
static_assert(!std::is_copy_assignable_v<plain<int>>);
static_assert(!std::is_move_constructible_v<plain<int>>);
static_assert(!std::is_move_assignable_v<plain<int>>);

static_assert(cachetory::backend<plain<int>>);
static_assert(cachetory::backend<plain<std::string>>);
static_assert(cachetory::backend<cache_of<int>>);

static_assert(has_get<plain<int>> && has_find<plain<int>>);
static_assert(has_get_many<plain<int>> && has_get_or_set<plain<int>>);
static_assert(!has_get<plain<support::move_only>> && !has_find<plain<support::move_only>>);
static_assert(!has_get_many<plain<support::move_only>>);
static_assert(!has_get_or_set<plain<support::move_only>>);
static_assert(!cachetory::backend<plain<support::move_only>>);

// Construction

TEST_CASE("a cache of no shards cannot be made") {
    CHECK_THROWS_AS(plain<int>(0), std::invalid_argument);
    CHECK_THROWS_WITH(plain<int>(0), support::contains("shard"));
}

TEST_CASE("there are as many shards as asked for and every number of them works") {
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(2), std::size_t(3),
                                        std::size_t(7), std::size_t(64), std::size_t(1000));
    tracked_clock::reset();
    cache_of<int> cache(shards);
    CHECK(tracked_mutex::existing() == shards);
    CHECK(tracked_mutex::aligned()); // so no two are in one cache line
    for (int i = 0; i != 500; ++i) {
        CHECK(cache.set(std::to_string(i), i));
    }
    CHECK(cache.size() == 500);
    int right = 0;
    for (int i = 0; i != 500; ++i) {
        right += cache.get(std::to_string(i)) == i && cache.set(std::to_string(i), -i) &&
                 cache.take(std::to_string(i)) == -i && !cache.contains(std::to_string(i));
    }
    CHECK(right == 500);
    CHECK(cache.empty());
}

TEST_CASE("reserve makes room in the shards") {
    plain<int> cache(1); // so that the share is known
    cache.reserve(1000);
    const std::size_t before = support::allocations();
    for (int i = 0; i != 1000; ++i) {
        cache.set(std::to_string(i), i);
    }
    CHECK(support::allocations() - before == 1000); // the nodes
}

TEST_CASE("keys spread over the shards") {
    tracked_clock::reset();
    cache_of<int> cache;
    CHECK(tracked_mutex::existing() == cache_of<int>::default_shards);
    for (int i = 0; i != 1000; ++i) {
        cache.set("key " + std::to_string(i), i);
    }
    CHECK(tracked_mutex::used() > cache_of<int>::default_shards / 2);
}

TEST_CASE("the upper bits of the hash given choose the shard") {
    using hashed = concurrent_memory_backend<int, tracked_clock, digit_hash, tracked_mutex>;
    tracked_clock::reset();
    int calls = 0;
    hashed cache(4, digit_hash(&calls));
    const auto used_by = [&](std::initializer_list<std::string_view> keys) {
        tracked_mutex::reset();
        for (const std::string_view key : keys) {
            cache.set(key, 1);
        }
        return tracked_mutex::used();
    };
    CHECK(used_by({"0", "4", "8", "c"}) == 4);
    CHECK(used_by({"3", "7", "b", "f"}) == 4);
    CHECK(used_by({"0", "1", "2", "3"}) == 1);
    CHECK(calls >= 12);
    CHECK(cache.size() == 10);
}

TEST_CASE("a cache of values that cannot be copied works but for copies") {
    using support::move_only;
    plain<move_only> cache;
    CHECK(cache.set("key", move_only(7), {.time_to_live = 1h}));
    CHECK(!cache.set("key", move_only(8), {.if_not_exists = true}));
    CHECK(cache.contains("key"));
    CHECK(cache.deadline("key"));
    CHECK(cache.expire_in("key", 2h));
    CHECK(cache.expire_at("key", std::nullopt));
    int seen = 0;
    CHECK(cache.visit("key", [&](move_only& value) { seen = value.number++; }));
    CHECK(seen == 7);
    CHECK(cache.take("key").value().number == 8);
    std::vector<std::pair<std::string, move_only>> items;
    items.emplace_back("a", 1);
    items.emplace_back("b", 2);
    CHECK(cache.set_many(std::move(items)) == 2);
    CHECK(cache.erase("a"));
    CHECK(cache.erase_many({"a", "b"}) == 1);
    CHECK(cache.purge_expired() == 0);
    cache.clear();
    CHECK(cache.empty());
}

// visit

TEST_CASE("visit runs its function on the stored value and says whether there was one") {
    tracked_clock::reset();
    cache_of<std::string> cache;
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

TEST_CASE("visit may move the value out and drops what its function returns") {
    tracked_clock::reset();
    cache_of<std::unique_ptr<int>> cache;
    cache.set("key", std::make_unique<int>(7));
    std::unique_ptr<int> out;
    CHECK(
        cache.visit("key", [&](std::unique_ptr<int>& value) { return *(out = std::move(value)); }));
    CHECK(*out == 7);
    CHECK(cache.contains("key"));
}

TEST_CASE("visit takes functions that can be called only once") {
    struct once {
        void operator()(int& value) && { value = 8; }
    };
    plain<int> cache;
    cache.set("key", 7);
    CHECK(cache.visit("key", once()));
    CHECK(cache.get("key") == 8);
}

TEST_CASE("what the function of visit throws comes out and leaves the lock behind") {
    tracked_clock::reset();
    cache_of<int> cache(1);
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

// get_or_set

TEST_CASE("the factory of get_or_set runs without a lock and may use the cache") {
    tracked_clock::reset();
    cache_of<int> cache(1);
    int held = -1;
    const int got = [&] {
        int result = 0;
        watch([&] {
            result = cache.get_or_set("key", [&] {
                held = tracked_mutex::held;
                const int other = cache.get_or_set("other", [] { return 2; });
                return cache.find("key") ? -1 : other + 1;
            });
        });
        return result;
    }();
    CHECK(held == 0);
    CHECK(got == 3);
    CHECK(cache.get("key") == 3);
    CHECK(cache.get("other") == 2);
}

TEST_CASE("get_or_set of the same key within its factory returns what was stored first") {
    tracked_clock::reset();
    cache_of<int> cache(1);
    int inner = 0;
    int outer = 0;
    watch([&] {
        outer = cache.get_or_set("key", [&] {
            inner = cache.get_or_set("key", [] { return 1; });
            return 2;
        });
    });
    CHECK(inner == 1);
    CHECK(outer == 1);
    CHECK(cache.get("key") == 1);
}

TEST_CASE("all threads that race in get_or_set get the value that was stored first") {
    constexpr int threads = 4;
    for (int round = 0; round != 50; ++round) {
        plain<std::string> cache;
        std::latch all_missed(threads); // so nobody's factory waits for a lock of another
        std::vector<std::string> got(threads);
        watch_together(threads, [&](int i) {
            got[std::size_t(i)] = cache.get_or_set("key", [&] {
                all_missed.arrive_and_wait();
                return std::to_string(i);
            });
        });
        REQUIRE(got == std::vector<std::string>(threads, cache.get("key")));
    }
}

TEST_CASE("a factory that throws leaves no entry and no lock") {
    plain<int> cache(1);
    CHECK_THROWS_AS(cache.get_or_set("key", []() -> int { throw std::domain_error("none"); }),
                    std::domain_error);
    CHECK(others_get_through(cache, "key"));
    CHECK(cache.empty());
}

// Locks and the clock

namespace {

/// Whether there was one lock, and nothing under two.
template <class Operation>
bool takes_one_lock(Operation operation) {
    tracked_mutex::reset();
    operation();
    return tracked_mutex::locks == 1 && tracked_mutex::nested == 0 && tracked_mutex::held == 0;
}

template <class Cache>
void use_every_verb(Cache& cache) {
    const std::vector<std::string> keys = {"a", "b", "c", "d", "missing"};
    const std::vector<std::pair<std::string, int>> items = {{"a", 1}, {"b", 2}, {"c", 3}};
    for (const std::string& key : keys) {
        try {
            (void)cache.get(key);
            (void)cache.deadline(key);
        } catch (const cachetory::key_error&) {
        }
        (void)cache.find(key);
        (void)cache.contains(key);
        cache.visit(key, [](int& value) { ++value; });
        cache.set(key, 1, {.time_to_live = 5ns, .if_not_exists = true});
        cache.expire_in(key, 5ns);
        cache.expire_at(key, tracked_clock::at(1100));
        cache.expire_at(key, std::chrono::system_clock::now() + 1h);
        cache.set(key, 2, {.time_to_live = 5ns});
        tracked_clock::advance(2ns);
    }
    (void)cache.get_or_set(
        "a", [] { return 1; }, 3ns);
    (void)cache.get_many(keys);
    cache.set_many(items, {.time_to_live = 5ns, .if_not_exists = true});
    cache.erase_many(keys);
    (void)cache.get_or_set(
        "a", [] { return 1; }, 3ns);
    (void)cache.get_or_set(
        "a", [] { return 1; }, 3ns);
    (void)cache.take("a");
    cache.set_many(items, {.time_to_live = 5ns});
    cache.erase("b");
    tracked_clock::advance(10ns);
    (void)cache.take("a");
    cache.purge_expired(1);
    cache.purge_expired();
    (void)cache.size();
    (void)cache.empty();
    cache.reserve(100);
    cache.clear();
}

} // namespace

TEST_CASE("a single-key operation takes one lock whatever it meets") {
    tracked_clock::reset();
    cache_of<int> cache;
    enum class state { absent, alive, expired };
    const state was = GENERATE(state::absent, state::alive, state::expired);
    if (was != state::absent) {
        cache.set("key", 1, {.time_to_live = 10ns});
    }
    if (was == state::expired) {
        tracked_clock::advance(10ns);
    }
    const cachetory::set_options if_absent = {.time_to_live = 1h, .if_not_exists = true};

    SECTION("find") {
        CHECK(takes_one_lock([&] { (void)cache.find("key"); }));
    }
    SECTION("contains") {
        CHECK(takes_one_lock([&] { (void)cache.contains("key"); }));
    }
    SECTION("visit") {
        CHECK(takes_one_lock([&] { cache.visit("key", [](int& value) { ++value; }); }));
    }
    SECTION("take") {
        CHECK(takes_one_lock([&] { (void)cache.take("key"); }));
    }
    SECTION("erase") {
        CHECK(takes_one_lock([&] { cache.erase("key"); }));
    }
    SECTION("set") {
        CHECK(takes_one_lock([&] { cache.set("key", 2, {.time_to_live = 1h}); }));
    }
    SECTION("set if_not_exists") {
        CHECK(takes_one_lock([&] { cache.set("key", 2, if_absent); }));
    }
    SECTION("expire_in") {
        CHECK(takes_one_lock([&] { cache.expire_in("key", 1h); }));
    }
    SECTION("expire_at") {
        CHECK(takes_one_lock([&] { cache.expire_at("key", tracked_clock::at(5000)); }));
    }
    SECTION("get") {
        CHECK(takes_one_lock([&] {
            try {
                (void)cache.get("key");
            } catch (const cachetory::key_error&) {
            }
        }));
    }
    SECTION("deadline") {
        CHECK(takes_one_lock([&] {
            try {
                (void)cache.deadline("key");
            } catch (const cachetory::key_error&) {
            }
        }));
    }
}

TEST_CASE("no operation ever holds two locks") {
    tracked_clock::reset();
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(3), std::size_t(64));
    {
        cache_of<int> cache(shards);
        use_every_verb(cache);
        cache.set_many({{"a", 1}, {"b", 2}});
    }
    CHECK(tracked_mutex::nested == 0);
    CHECK(tracked_mutex::held == 0);
}

TEST_CASE("the clock is read under the lock and at most once under each") {
    tracked_clock::reset();
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(3), std::size_t(64));
    cache_of<int> cache(shards);
    use_every_verb(cache);
    CHECK(tracked_clock::reads > 10);
    CHECK(tracked_clock::outside == 0);
    CHECK(tracked_clock::repeated == 0);
}

TEST_CASE("functions given to visit run under the lock") {
    tracked_clock::reset();
    cache_of<int> cache;
    cache.set("key", 1);
    int held = 0;
    cache.visit("key", [&](int&) { held = tracked_mutex::held; });
    CHECK(held == 1);
}

TEST_CASE("bulk verbs with the same keys in opposite orders do not wait for each other") {
    tracked_clock::reset();
    cache_of<int> cache(2);
    std::vector<std::string> keys;
    std::vector<std::pair<std::string, int>> items;
    for (int i = 0; i != 16; ++i) {
        keys.push_back(std::to_string(i));
        items.emplace_back(std::to_string(i), i);
    }
    const std::vector<std::string> keys_back(keys.rbegin(), keys.rend());
    const std::vector<std::pair<std::string, int>> items_back(items.rbegin(), items.rend());
    std::atomic<int> wrong = 0;
    watch_together(2, [&](int thread) {
        for (int i = 0; i != 1000; ++i) {
            wrong += cache.set_many(thread == 0 ? items : items_back) != 16;
            for (const auto& [key, value] : cache.get_many(thread == 0 ? keys : keys_back)) {
                wrong += key != std::to_string(value);
            }
            cache.erase_many(thread == 0 ? keys : keys_back);
        }
    });
    CHECK(wrong == 0);
    CHECK(tracked_mutex::nested == 0);
}

// What dies

TEST_CASE("values die after unlocking and may call the cache in every verb") {
    tracked_clock::reset();
    int under_lock = 0;
    int spoken = 0;
    const auto use = [&](auto operation) { // with a cache of two entries that expire
        spoken = 0;
        watch([&] {
            cache_of<heir> cache(1);
            const heir loud([&] {
                ++spoken;
                if (tracked_mutex::held != 0) {
                    ++under_lock; // and to call the cache would be a deadlock
                } else {
                    (void)cache.contains("other");
                    (void)cache.size();
                    cache.expire_in("another", 1h);
                    cache.purge_expired(0);
                }
            });
            cache.set("key", loud, {.time_to_live = 10ns});
            cache.set("other", loud, {.time_to_live = 20ns});
            operation(cache, loud);
            cache.clear(); // while what loud calls is still there
        });
    };
    const auto expire = [] { tracked_clock::advance(30ns); };

    SECTION("clear") {
        use([](auto& cache, auto&) { cache.clear(); });
        CHECK(spoken >= 2);
    }
    SECTION("erase") {
        use([](auto& cache, auto&) { cache.erase("key"); });
    }
    SECTION("erase_many") {
        use([](auto& cache, auto&) { cache.erase_many({"key", "other"}); });
    }
    SECTION("take") {
        use([](auto& cache, auto&) { (void)cache.take("key"); });
    }
    SECTION("set over a live one") {
        use([](auto& cache, auto&) { cache.set("key", heir()); });
    }
    SECTION("set over an expired one") {
        use([&](auto& cache, auto&) {
            expire();
            cache.set("key", heir(), {.if_not_exists = true});
        });
    }
    SECTION("a refused set") {
        use([](auto& cache, auto& loud) { cache.set("key", loud, {.if_not_exists = true}); });
    }
    SECTION("set_many") {
        use([](auto& cache, auto& loud) {
            cache.set_many(std::vector<std::pair<std::string, heir>>{{"key", loud}, {"key", loud}});
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
            cache.visit("key", [](heir&) {});
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
        use([&](auto& cache, auto& loud) {
            for (int i = 0; i != 100; ++i) { // more than are taken out at a time
                cache.set(std::to_string(i), loud, {.time_to_live = 1ns});
            }
            expire();
            cache.purge_expired(3);
            cache.purge_expired();
        });
        CHECK(spoken >= 102);
    }
    SECTION("get_or_set of a live one") {
        use([](auto& cache, auto& loud) { (void)cache.get_or_set("key", [&] { return loud; }); });
    }
    SECTION("get_or_set of an expired one") {
        use([&](auto& cache, auto& loud) {
            expire();
            (void)cache.get_or_set("key", [&] { return loud; });
        });
    }
    SECTION("get_or_set that comes second") {
        use([](auto& cache, auto& loud) {
            (void)cache.get_or_set("new", [&] {
                cache.set("new", loud);
                return loud;
            });
        });
    }
    SECTION("get_or_set that comes second to one that has expired since") {
        use([&](auto& cache, auto& loud) {
            (void)cache.get_or_set("new", [&] {
                cache.set("new", loud, {.time_to_live = 1ns});
                expire();
                return loud;
            });
        });
    }
    CHECK(spoken >= 1);
    CHECK(under_lock == 0);
}

TEST_CASE("values die after unlocking even if memory runs out or a visitor returns them") {
    int under_lock = 0;
    int spoken = 0;
    const heir loud([&] {
        ++spoken;
        under_lock += tracked_mutex::held != 0 ? 1 : 0;
    });
    for (std::size_t entries = 0; entries != 40; ++entries) {
        bool failed = true;
        for (std::size_t n = 1; failed; ++n) {
            cache_of<heir> cache(1);
            for (std::size_t i = 0; i != entries; ++i) {
                cache.set(std::to_string(i), heir([] {}));
            }
            heir value = loud;
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
    CHECK(spoken > 80);

    cache_of<heir> cache(1);
    cache.set("key", loud);
    spoken = 0;
    CHECK(cache.visit("key", [](heir& value) { return std::move(value); }));
    CHECK(spoken >= 1);
    CHECK(under_lock == 0);
}

TEST_CASE("values may call the cache while it is destroyed and what they store dies too") {
    int spoken = 0;
    int under_lock = 0;
    const auto last = [&] { ++spoken; };
    watch([&] {
        cache_of<heir> cache(3);
        for (const std::string key : {"a", "b", "c", "d"}) {
            cache.set(key, heir([&, key] {
                          if (tracked_mutex::held != 0) {
                              ++under_lock; // and to call the cache could be a deadlock
                              return;
                          }
                          cache.erase("a");
                          if (cache.size() < 20) {
                              cache.set(key + "'s heir", heir(last), {.if_not_exists = true});
                          }
                      }));
        }
        spoken = 0;
    });
    CHECK(spoken >= 4);
    CHECK(under_lock == 0);
}

TEST_CASE(
    "what the heir of a value leaves to another shard while the cache is destroyed dies too") {
    using hashed = concurrent_memory_backend<heir, tracked_clock, digit_hash, tracked_mutex>;
    int calls = 0;
    std::string spoken;
    {
        hashed cache(16, digit_hash(&calls));
        cache.set("f", heir([&] {
                      spoken += "first ";
                      cache.set("f", heir([&] {
                                    spoken += "second ";
                                    cache.set("0", heir([&] { spoken += "third"; }));
                                }));
                  }));
    }
    CHECK(spoken == "first second third");
}

// Failures

TEST_CASE("a copy that fails under the lock leaves the lock and loses nothing") {
    using support::throwing;
    plain<throwing> cache(1);
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

TEST_CASE("however get_or_set fails nothing is stored by halves and no lock is kept") {
    using support::throwing;
    const bool comes_second = GENERATE(false, true);
    int failures = 0;
    for (bool done = false; !done; ++failures) {
        REQUIRE(failures < 100);
        plain<throwing> cache(1);
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

// purge_expired

TEST_CASE("limited purges visit no more than they may and sweep all shards in the end") {
    const std::size_t limit = GENERATE(std::size_t(1), std::size_t(5), std::size_t(40));
    const std::size_t shards = GENERATE(std::size_t(1), std::size_t(7), std::size_t(64));
    tracked_clock::reset();
    cache_of<int> cache(shards);
    for (int i = 0; i != 300; ++i) {
        cache.set(std::to_string(i), i, {.time_to_live = i % 3 != 0 ? 1ns : 1h});
    }
    tracked_clock::advance(1ns);
    std::size_t purged = 0;
    std::size_t most = 0;
    std::size_t most_locks = 0;
    std::size_t calls = 0;
    for (; purged != 200 && calls != 20'000; ++calls) {
        tracked_mutex::reset();
        const std::size_t now = cache.purge_expired(limit);
        most_locks = std::max(most_locks, std::size_t(tracked_mutex::locks.load()));
        most = std::max(most, now);
        purged += now;
    }
    CHECK(purged == 200);
    CHECK(most <= limit);
    CHECK(most_locks <= shards + limit / 32);
    CHECK(calls <= 300 / limit * 8 + shards * 8);
    CHECK(cache.size() == 100);
    CHECK(cache.purge_expired() == 0);
}

TEST_CASE("a purge that may visit one entry is not kept from the others by one that lives") {
    tracked_clock::reset();
    using hashed = concurrent_memory_backend<int, tracked_clock, digit_hash, tracked_mutex>;
    int calls = 0;
    hashed cache(16, digit_hash(&calls));
    cache.set("0", 1, {.time_to_live = 1h});
    cache.set("9", 1, {.time_to_live = 0s});
    std::size_t purged = 0;
    for (int i = 0; i != 16 && purged == 0; ++i) {
        purged = cache.purge_expired(1);
    }
    CHECK(purged == 1);
}

// Threads

TEST_CASE("threads that count with visit never lose an update") {
    plain<int> cache(2);
    cache.set_many({{"a", 0}, {"b", 0}});
    watch_together(4, [&](int thread) {
        for (int i = 0; i != 10'000; ++i) {
            cache.visit((i + thread) % 2 == 0 ? "a" : "b", [](int& value) { ++value; });
        }
    });
    CHECK(cache.get("a") == 20'000);
    CHECK(cache.get("b") == 20'000);
}

TEST_CASE("of several threads that set if_not_exists exactly one does") {
    tracked_clock::reset();
    const bool over_expired = GENERATE(false, true);
    for (int round = 0; round != 50; ++round) {
        plain<int> cache;
        if (over_expired) {
            cache.set("key", -1, {.time_to_live = 0s});
        }
        std::vector<int> stored(4);
        watch_together(4, [&](int i) {
            stored[std::size_t(i)] = cache.set("key", i, {.if_not_exists = true});
        });
        const int winner = cache.get("key");
        std::vector<int> expected(4);
        expected.at(std::size_t(winner)) = 1;
        REQUIRE(stored == expected);
    }
}

TEST_CASE("of several threads that take or erase one entry exactly one has it") {
    for (int round = 0; round != 50; ++round) {
        plain<int> cache;
        cache.set("key", 7);
        std::atomic<int> had = 0;
        watch_together(4, [&](int i) {
            had += i % 2 == 0 ? cache.take("key").has_value() : cache.erase("key");
        });
        REQUIRE(had == 1);
    }
}

TEST_CASE("clear forgets no shard and keeps none of what was there") {
    for (const auto shards : {std::size_t(1), std::size_t(3), std::size_t(64)}) {
        plain<int> cache(shards);
        for (int i = 0; i != 1000; ++i) {
            cache.set(std::to_string(i), i);
        }
        cache.clear();
        CHECK(cache.empty());
        CHECK(cache.size() == 0);
        CHECK(!cache.contains("999"));
        CHECK(cache.set("999", 1));
        CHECK(cache.size() == 1);
    }
}

TEST_CASE("everything may be called by several threads at once") {
    plain<std::string> cache(2);
    watch_together(4, [&](int thread) {
        for (int i = 0; i != 1000; ++i) {
            const std::string key = std::to_string((i * 7 + thread) % 20);
            switch ((i + thread) % 16) {
            case 0:
                cache.clear();
                break;
            case 1:
                cache.purge_expired();
                break;
            case 2:
                (void)cache.size();
                break;
            case 3:
                (void)cache.empty();
                break;
            case 4:
                cache.reserve(std::size_t(i));
                break;
            case 5:
                (void)cache.take(key);
                break;
            case 6:
                cache.erase(key);
                break;
            case 7:
                cache.expire_in(key, 1us);
                break;
            case 8:
                (void)cache.get_or_set(
                    key, [&] { return key; }, 1us);
                break;
            case 9:
                cache.visit(key, [](std::string& value) { value += "a long way to go from here"; });
                break;
            case 10:
                (void)cache.get_many({"1", "2", "3"});
                break;
            case 11:
                cache.erase_many({"1", "2", "3"});
                break;
            case 12:
                cache.purge_expired(3);
                break;
            default:
                cache.set(key, key + " and what it takes to allocate", {.time_to_live = 1us});
            }
            (void)cache.find(key);
        }
    });
    cache.clear();
    CHECK(cache.empty());
}
