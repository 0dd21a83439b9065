// SPDX-License-Identifier: MIT
// Compares every backend in memory with a reference that is too simple to be wrong, in thousands of
// random steps.
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/dice.hpp"
#include "support/manual_clock.hpp"
#include "support/random_run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

using support::backends_in_memory;
using support::dice;
using support::highest;
using support::other_users;
using support::random_run;
using support::result;
using support::ticks;
using test_clock = support::manual_clock<>;

namespace {

/// A clock that each thread sets for itself.
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

BACKEND_TEST_CASE("every backend in memory does what a simple reference does",
                  "[reference]",
                  backends_in_memory) {
    using cache_type = support::backend_of<TestType, int, test_clock>;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        test_clock::reset();
        cache_type cache;
        random_run<cache_type, test_clock> random(cache, dice(seed));
        for (int step = 0; step != 4000; ++step) {
            INFO("seed " << seed << ", step " << step);
            random.step();
            if (step % 50 == 49) {
                random.compare();
            }
        }
        CHECK(random.compared() > 12'000);
    }
}

// Each thread has its own keys and its own clock, which only goes forward. The purger's clock
// shows the time of the slowest of them, so that it never erases an entry that one of them still
// sees alive.
BACKEND_TEST_CASE("threads that share a cache each see what a simple reference does",
                  "[reference][threads][promise-14]",
                  support::backends_with<&support::features::shared>) {
    using cache_type = support::backend_of<TestType, int, clock_of_thread>;
    constexpr std::size_t threads = 4;
    constexpr int steps = 6000;
    cache_type cache;
    std::vector<std::atomic<ticks>> clocks(threads);
    std::vector<std::string> failures(threads); // each thread writes its own
    std::atomic<std::size_t> running = threads;

    const auto replay = [&](std::size_t i) {
        try {
            random_run<cache_type, clock_of_thread, other_users::some> random(
                cache, dice(i + 1, std::to_string(i) + ':'));
            for (int step = 0; step != steps; ++step) {
                random.step();
                if (step % 50 == 49) {
                    random.compare();
                }
                clocks[i] = clock_of_thread::current.time_since_epoch().count();
            }
        } catch (const std::exception& error) {
            failures[i] = error.what();
        }
        clocks[i] = highest - 1;
        --running;
    };
    std::size_t purged = 0;
    const auto purge = [&] {
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
    workers.emplace_back(purge);
    for (std::thread& each : workers) {
        each.join();
    }
    CHECK(failures == std::vector<std::string>(threads));
    clock_of_thread::current = clock_of_thread::at(highest - 1);
    purged += result(cache.purge_expired()); // some of what is left has a deadline
    CHECK(purged > 0);
}
