// SPDX-License-Identifier: MIT
// The lock is tested in two ways: step by step, in interleavings that a seed chooses, where a lost
// wake-up is reported as a deadlock and does not hang the test; and with real threads.
#include <cachetory/detail/adaptive_mutex.hpp>

#include <cachetory/concurrent_memory_backend.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/scheduled_word.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>

using cachetory::detail::adaptive_mutex;
using cachetory::detail::default_mutex;
using support::schedule;
using support::scheduled_word;

static_assert(sizeof(adaptive_mutex<>) == sizeof(int));
static_assert(!std::is_copy_constructible_v<adaptive_mutex<>>);
#if defined(__linux__)
static_assert(std::is_same_v<default_mutex, adaptive_mutex<>>);
#elif defined(_WIN32) && defined(__GLIBCXX__)
static_assert(std::is_same_v<default_mutex, std::mutex>);
#endif

namespace {

/// A fault that is built into a lock, for the tests to find.
enum class flaw {
    none,
    mark_overwritten,   // a thread that has overwritten `contended` locks as if it had not
    sleepers_forgotten, // a thread that has slept locks as if no other did
    unlocked_in_two_steps,
    nobody_woken,
    locked_in_two_steps,
};

template <flaw Flaw>
class flawed_mutex {
public:
    void lock() {
        if (Flaw == flaw::locked_in_two_steps) {
            while (state_.load({}) != unlocked) {
            }
            state_.store(locked, {});
            return;
        }
        if (state_.exchange(locked, {}) == unlocked ||
            (Flaw == flaw::mark_overwritten && state_.exchange(locked, {}) == unlocked)) {
            return;
        }
        while (state_.exchange(contended, {}) != unlocked) {
            state_.wait(contended, {});
            if (Flaw == flaw::sleepers_forgotten && state_.exchange(locked, {}) == unlocked) {
                return;
            }
        }
    }

    void unlock() {
        int before = unlocked;
        if (Flaw == flaw::unlocked_in_two_steps) {
            before = state_.load({});
            state_.store(unlocked, {});
        } else {
            before = state_.exchange(unlocked, {});
        }
        if (before == contended && Flaw != flaw::nobody_woken) {
            state_.notify_one();
        }
    }

private:
    enum : int { unlocked, locked, contended };

    scheduled_word state_ = unlocked;
};

struct verdict {
    bool excluded = true; // never two threads inside
    bool woken = true;    // no thread slept forever
};

/// `threads` threads lock and unlock twice each, in an order that `seed` chooses.
template <class Mutex>
verdict try_schedule(std::uint32_t seed, std::size_t threads) {
    schedule order(seed);
    Mutex mutex;
    int inside = 0;
    verdict found;
    found.woken = order.run(threads, [&](std::size_t) {
        for (int i = 0; i != 2; ++i) {
            mutex.lock();
            found.excluded = found.excluded && ++inside == 1;
            schedule::step();
            --inside;
            mutex.unlock();
        }
    });
    return found;
}

/// The number of schedules until `wrong(verdict)`, or nothing.
template <class Mutex, class Wrong>
std::optional<std::uint32_t> first_fault(std::uint32_t schedules, Wrong wrong) {
    for (std::uint32_t seed = 0; seed != schedules; ++seed) {
        if (wrong(try_schedule<Mutex>(seed, 3 + seed % 2))) {
            return seed;
        }
    }
    return std::nullopt;
}

constexpr auto not_woken = [](verdict found) { return !found.woken; };
constexpr auto not_excluded = [](verdict found) { return !found.excluded; };
constexpr auto any_fault = [](verdict found) { return !found.woken || !found.excluded; };

} // namespace

TEST_CASE("no schedule of the lock's steps lets two threads in or leaves one asleep") {
    CHECK(first_fault<adaptive_mutex<scheduled_word>>(300, any_fault) == std::nullopt);
}

TEST_CASE("schedules find a lost wake-up") {
    CHECK(first_fault<flawed_mutex<flaw::none>>(100, any_fault) == std::nullopt);
    CHECK(first_fault<flawed_mutex<flaw::mark_overwritten>>(300, not_woken));
    CHECK(first_fault<flawed_mutex<flaw::sleepers_forgotten>>(300, not_woken));
    CHECK(first_fault<flawed_mutex<flaw::unlocked_in_two_steps>>(300, not_woken));
    CHECK(first_fault<flawed_mutex<flaw::nobody_woken>>(300, not_woken));
}

TEST_CASE("schedules find a lock that lets two threads in") {
    CHECK(first_fault<flawed_mutex<flaw::locked_in_two_steps>>(300, not_excluded));
}

TEST_CASE("a thread that waits for a sleeping holder goes to sleep") {
    for (std::uint32_t seed = 0; seed != 20; ++seed) {
        schedule order(seed);
        adaptive_mutex<scheduled_word> mutex;
        bool held = false;
        std::size_t asleep = 0;
        const bool woken = order.run(4, [&](std::size_t i) {
            while (i != 0 && !held) {
                schedule::step();
            }
            mutex.lock();
            held = true;
            // A thread that spun until it could lock would take as many steps as the holder.
            for (int steps = 0; i == 0 && steps != 1000 && asleep != 3; ++steps) {
                schedule::step();
                asleep = order.asleep();
            }
            mutex.unlock();
        });
        CHECK(woken);
        CHECK(asleep == 3);
    }
}

// Real threads and the default lock: a lost wake-up would show as a test that hangs.

namespace {

/// Calls `body(i)` in `count` threads that begin at once.
template <class Body>
void in_threads(std::ptrdiff_t count, Body body) {
    support::gate ready(static_cast<std::size_t>(count));
    std::vector<std::thread> threads;
    for (std::ptrdiff_t i = 0; i != count; ++i) {
        threads.emplace_back([&ready, &body, i] {
            ready.arrive_and_wait();
            body(i);
        });
    }
    for (std::thread& each : threads) {
        each.join();
    }
}

} // namespace

TEST_CASE("threads that yield inside and outside the lock never hold it together") {
    default_mutex mutex;
    int inside = 0; // not atomic, so that the thread sanitizer reports two threads inside
    int meetings = 0;
    int visits = 0;
    in_threads(8, [&](std::ptrdiff_t i) {
        std::minstd_rand random(static_cast<unsigned>(i) + 1);
        for (int n = 0; n != 500; ++n) {
            const std::lock_guard lock(mutex);
            meetings += inside++ != 0 ? 1 : 0;
            if (random() % 8 == 0) {
                std::this_thread::yield();
            }
            --inside;
            ++visits;
        }
    });
    CHECK(meetings == 0);
    CHECK(visits == 8 * 500);
}

TEST_CASE("every thread that waits while the holder does not run gets the lock") {
    for (int round = 0; round != 50; ++round) {
        default_mutex mutex;
        int visits = 0;
        in_threads(6, [&](std::ptrdiff_t i) {
            const std::lock_guard lock(mutex);
            for (int n = 0; i == 0 && n != 10; ++n) {
                std::this_thread::yield();
            }
            ++visits;
        });
        REQUIRE(visits == 6);
    }
}

TEST_CASE("64 threads count on one key of a shared cache") {
    cachetory::concurrent_memory_backend<int, std::chrono::steady_clock, cachetory::string_hash,
                                         default_mutex>
        cache(1);
    cache.set("hot", 0);
    in_threads(64, [&](std::ptrdiff_t) {
        for (int n = 0; n != 300; ++n) {
            cache.visit("hot", [](int& count) {
                if (count++ % 64 == 0) {
                    std::this_thread::yield(); // the holder loses its core
                }
            });
        }
    });
    CHECK(cache.get("hot") == 64 * 300);
}
