// SPDX-License-Identifier: MIT
// Every flavour beside a model that is too simple to be wrong, through thousands of random steps.
#include "support/flavours.hpp"

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/model.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using support::add;
using support::dice;
using support::highest;
using support::listing;
using support::lowest;
using support::result;
using support::span;
using support::ticks;

namespace {

using test_clock = support::manual_clock<>;

struct mismatch : std::runtime_error {
    using runtime_error::runtime_error;
};

/// Whether others use the cache at the same time, each with keys of its own.
enum class company { none, others };

/// What a cache does, step by step, beside what the model does. Throws a `mismatch` where they
/// differ: it may run in any thread, where Catch's assertions may not.
template <class Cache, class Clock, company Company = company::none>
class run {
    static constexpr bool alone = Company == company::none;

public:
    run(Cache& cache, dice random) : dice_(std::move(random)), cache_(cache) {}

    /// With others, the clock never goes back: what it calls expired, they may sweep away.
    void step() {
        move_clock();
        verb_ = dice_.roll(32);
        operate(verb_);
        compare_sizes();
    }

    /// Compares everything. What is expired goes.
    void compare() {
        verb_ = -1;
        const auto keys = dice_.all_keys();
        same(found(keys), expected_.get_many(keys));
        for (const auto& [key, entry] : expected_.entries) {
            same(deadline(key), entry.deadline);
        }
        compare_sizes();
    }

private:
    using expected_model = support::model<Clock>;

    static ticks clock_ticks() { return support::ticks_of<Clock>(); }

    static void set_clock(ticks to) { Clock::current = Clock::at(to); }

    template <class Got, class Expected>
    void same(const Got& got, const Expected& expected) const {
        if (!(got == expected)) {
            throw mismatch("cache and model differ after verb " + std::to_string(verb_) +
                           " with the clock at " + std::to_string(clock_ticks()));
        }
    }

    void compare_sizes() const {
        if constexpr (alone) {
            same(cache_.size(), expected_.entries.size());
            same(cache_.empty(), expected_.entries.empty());
        }
    }

    template <class Operation>
    static bool misses(Operation operation) {
        try {
            operation();
        } catch (const cachetory::key_error&) {
            return true;
        }
        return false;
    }

    void move_clock() {
        if constexpr (!alone) {
            if (dice_.one_in(3)) {
                const ticks next = dice_.time(expected_);
                set_clock(std::clamp(next, clock_ticks(), clock_ticks() + 100));
            }
            return;
        }
        const bool stranded = clock_ticks() < -1'000'000 || clock_ticks() > 1'000'000;
        if (stranded && dice_.one_in(3)) {
            set_clock(1000);
        } else if (dice_.one_in(150)) {
            set_clock(dice_.one_in(2) ? lowest : highest);
        } else if (dice_.one_in(3)) {
            set_clock(dice_.time(expected_));
        } else if (dice_.one_in(3)) {
            set_clock(add(clock_ticks(), dice_.roll(12) - 2));
        }
    }

    void operate(int verb) {
        const std::string key = dice_.key();
        const bool if_not_exists = dice_.one_in(3);
        const std::optional<span> life = dice_.life(expected_);
        const auto time_to_live = life ? std::optional(life->given) : std::nullopt;
        const cachetory::set_options options = {time_to_live, if_not_exists};

        switch (verb) {
        default: {
            const int value = dice_.value();
            same(result(cache_.set(key, value, options)),
                 expected_.set(key, value, life, if_not_exists));
            break;
        }
        case 0:
        case 1: {
            std::optional<int> value;
            if (auto hit = result(cache_.find(key))) {
                value = *hit;
            }
            const auto* live = expected_.find(key);
            same(value, live ? std::optional(live->value) : std::nullopt);
            break;
        }
        case 2:
        case 3: {
            std::optional<int> value;
            try {
                value = result(cache_.get(key));
            } catch (const cachetory::key_error& error) {
                same(error.key(), key);
            }
            const auto* live = expected_.find(key);
            same(value, live ? std::optional(live->value) : std::nullopt);
            break;
        }
        case 4:
            same(result(cache_.contains(key)), expected_.find(key) != nullptr);
            break;
        case 5:
            if (const auto* live = expected_.find(key)) {
                same(deadline(key), live->deadline);
            } else {
                same(misses([&] { (void)result(cache_.deadline(key)); }), true);
            }
            break;
        case 6:
            same(result(cache_.take(key)), expected_.take(key));
            break;
        case 7:
            same(result(cache_.erase(key)), expected_.erase(key));
            break;
        case 8: {
            const auto keys = dice_.keys();
            std::size_t erased = 0;
            for (const std::string& each : keys) {
                erased += std::size_t(expected_.erase(each));
            }
            same(result(cache_.erase_many(keys)), erased);
            break;
        }
        case 9:
        case 10: {
            const auto keys = dice_.keys();
            same(found(keys), expected_.get_many(keys));
            break;
        }
        case 11:
        case 12: {
            const auto items = dice_.items();
            std::size_t stored = 0;
            for (const auto& [each, value] : items) {
                stored += std::size_t(expected_.set(each, value, life, if_not_exists));
            }
            same(result(cache_.set_many(items, options)), stored);
            break;
        }
        case 13:
        case 14:
        case 15:
            get_or_set(key, life, time_to_live);
            break;
        case 16:
        case 17:
            same(result(cache_.expire_in(key, time_to_live)),
                 expected_.expire(key, expected_model::after(life)));
            break;
        case 18:
        case 19:
            expire_at(key);
            break;
        case 20:
        case 21:
        case 22:
        case 23:
            if constexpr (alone) {
                operate_on_all(verb);
            }
            break;
        }
    }

    void operate_on_all(int verb) {
        switch (verb) {
        case 20:
            same(result(cache_.purge_expired()), expected_.purge());
            break;
        case 21: {
            const auto limit = std::size_t(dice_.roll(5));
            const std::size_t some = result(cache_.purge_expired(limit));
            same(some <= limit, true);
            same(some + result(cache_.purge_expired()), expected_.purge());
            break;
        }
        case 22:
            if (dice_.one_in(10)) {
                (void)cache_.clear();
                expected_.entries.clear();
            }
            break;
        case 23:
            if constexpr (std::movable<Cache>) {
                Cache moved = std::move(cache_);
                same(cache_.empty(), true);
                cache_ = std::move(moved);
            }
            break;
        }
    }

    /// With a factory that takes its time, fails, or stores something itself.
    void get_or_set(const std::string& key,
                    const std::optional<span>& life,
                    std::optional<cachetory::ttl> time_to_live) {
        const int value = dice_.value();
        const int late = dice_.roll(3);
        const bool fails = dice_.one_in(6);
        const bool stores = dice_.one_in(4);
        const ticks before = clock_ticks();
        int calls = 0;
        const auto factory = [&] {
            ++calls;
            set_clock(add(clock_ticks(), late));
            if (stores) {
                result(cache_.set(key, -1, {time_to_live, true}));
            }
            return fails ? throw std::domain_error("no value") : value;
        };
        std::optional<int> got;
        try {
            got = result(cache_.get_or_set(key, factory, time_to_live));
        } catch (const std::domain_error&) {
            same(fails, true);
        }
        // The model, too, first looks, then has the factory run, then stores.
        const ticks afterwards = clock_ticks();
        set_clock(before);
        const auto* live = expected_.find(key);
        same(calls, live ? 0 : 1);
        set_clock(afterwards);
        if (live) {
            same(got, live->value);
            return;
        }
        if (stores) {
            expected_.set(key, -1, life, true);
        }
        if (!fails) {
            expected_.set(key, value, life, true);
            same(got, expected_.entries.at(key).value);
        }
    }

    void expire_at(const std::string& key) {
        const ticks when = dice_.time(expected_);
        switch (dice_.roll(5)) {
        case 0:
            same(result(cache_.expire_at(key, std::nullopt)), expected_.expire(key, std::nullopt));
            break;
        case 1: {
            using microseconds = std::chrono::time_point<Clock, std::chrono::microseconds>;
            const ticks coarse = when / 1000;
            same(result(cache_.expire_at(key, microseconds(std::chrono::microseconds(coarse)))),
                 expected_.expire(key, coarse * 1000));
            break;
        }
        case 2: {
            using picoseconds = std::chrono::duration<ticks, std::pico>;
            const ticks fine = dice_.roll(4'000'000) - 1'000'000;
            const ticks up = fine / 1000 + (fine > 0 && fine % 1000 != 0 ? 1 : 0);
            same(result(cache_.expire_at(
                     key, std::chrono::time_point<Clock, picoseconds>(picoseconds(fine)))),
                 expected_.expire(key, up));
            break;
        }
        default:
            same(result(cache_.expire_at(key, Clock::at(when))), expected_.expire(key, when));
        }
    }

    listing found(const std::vector<std::string>& keys) {
        listing list;
        for (const auto& [key, value] : result(cache_.get_many(keys))) {
            list.emplace_back(std::string(key), value);
        }
        return list;
    }

    std::optional<ticks> deadline(const std::string& key) {
        const auto when = result(cache_.deadline(key));
        return when ? std::optional(when->time_since_epoch().count()) : std::nullopt;
    }

    dice dice_;
    expected_model expected_;
    Cache& cache_;
    int verb_ = -1;
};

/// A clock that stands where its thread puts it.
struct clock_of_thread {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<clock_of_thread>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() { return current; }

    static constexpr time_point at(rep count) { return time_point(duration(count)); }

    static inline thread_local time_point current = at(1000);
};

} // namespace

TEMPLATE_TEST_CASE("every flavour does what a simple model does", "", CACHETORY_FLAVOURS) {
    using cache_type = typename TestType::template backend<int, test_clock>;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        test_clock::reset();
        cache_type cache;
        run<cache_type, test_clock> random(cache, dice(seed));
        for (int step = 0; step != 4000; ++step) {
            INFO("seed " << seed << ", step " << step);
            random.step();
            if (step % 50 == 49) {
                random.compare();
            }
        }
    }
}

// Each thread has its own keys and its own clock, which goes only forward. The sweeper's clock
// stands where the slowest of theirs does, so that it never takes away what one of them still sees
// alive.
TEMPLATE_TEST_CASE("threads that share a cache each see what a simple model does",
                   "",
                   flavour::concurrent,
                   flavour::async_concurrent) {
    using cache_type = typename TestType::template backend<int, clock_of_thread>;
    constexpr std::size_t threads = 4;
    constexpr int steps = 6000;
    cache_type cache;
    std::vector<std::atomic<ticks>> clocks(threads);
    std::vector<std::string> failures(threads); // each thread writes its own
    std::atomic<std::size_t> running = threads;

    const auto replay = [&](std::size_t i) {
        try {
            run<cache_type, clock_of_thread, company::others> random(
                cache, dice(i + 1, std::to_string(i) + ':'));
            for (int step = 0; step != steps; ++step) {
                random.step();
                if (step % 50 == 49) {
                    random.compare();
                }
                clocks[i] = support::ticks_of<clock_of_thread>();
            }
        } catch (const std::exception& error) {
            failures[i] = error.what();
        }
        clocks[i] = highest - 1;
        --running;
    };
    std::size_t purged = 0;
    const auto sweep = [&] {
        for (std::size_t limit = 0; running != 0; limit = (limit + 1) % 50) {
            const std::vector<ticks> now(clocks.begin(), clocks.end());
            clock_of_thread::current =
                clock_of_thread::at(*std::min_element(now.begin(), now.end()));
            purged += result(limit == 0 ? cache.purge_expired() : cache.purge_expired(limit));
            (void)cache.size();
            std::this_thread::yield();
        }
    };

    std::vector<std::thread> workers;
    for (std::size_t i = 0; i != threads; ++i) {
        workers.emplace_back(replay, i);
    }
    workers.emplace_back(sweep);
    for (std::thread& each : workers) {
        each.join();
    }
    CHECK(failures == std::vector<std::string>(threads));
    clock_of_thread::current = clock_of_thread::at(highest - 1);
    purged += result(cache.purge_expired()); // of what is left something has a deadline
    CHECK(purged > 0);
}
