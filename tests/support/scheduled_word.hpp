// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_SCHEDULED_WORD_HPP
#define CACHETORY_TESTS_SUPPORT_SCHEDULED_WORD_HPP

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace support {

/// Runs threads one at a time. Before each step of a lock, it chooses at random which one
/// continues.
class schedule {
public:
    /// Thrown in every thread when none can go on.
    struct stuck : std::exception {};

    explicit schedule(std::uint32_t seed) : random_(seed) {}

    /// Calls `body(i)` in `count` threads. Returns whether all of them ended.
    template <class Body>
    bool run(std::size_t count, Body body) {
        states_.assign(count, state::ready);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i != count; ++i) {
            threads.emplace_back([this, i, &body] {
                me() = {this, i};
                try {
                    wait_for_turn(i);
                    body(i);
                    leave(state::done);
                } catch (const stuck&) {
                }
            });
        }
        choose();
        for (std::thread& each : threads) {
            each.join();
        }
        return !deadlock_;
    }

    /// May let another thread continue.
    static void step() {
        const auto [self, i] = me();
        self->choose();
        self->wait_for_turn(i);
    }

    /// Stops the calling thread until another one has called wake().
    static void sleep() {
        const auto [self, i] = me();
        self->leave(state::asleep);
        self->wait_for_turn(i);
    }

    static void wake() {
        schedule& self = *me().first;
        std::vector<std::size_t> asleep = self.all(state::asleep);
        if (!asleep.empty()) {
            self.states_[asleep[self.random_() % asleep.size()]] = state::ready;
        }
    }

    static bool one_in(unsigned n) { return me().first->random_() % n == 0; }

    std::size_t asleep() { return all(state::asleep).size(); }

private:
    enum class state { ready, asleep, done };
    static constexpr std::size_t nobody = std::size_t(-1);

    static std::pair<schedule*, std::size_t>& me() {
        static thread_local std::pair<schedule*, std::size_t> those;
        return those;
    }

    std::vector<std::size_t> all(state wanted) const {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i != states_.size(); ++i) {
            if (states_[i] == wanted) {
                found.push_back(i);
            }
        }
        return found;
    }

    void leave(state why) {
        states_[me().second] = why;
        choose();
    }

    /// Called only by the thread whose turn it is, or by run() before the first.
    void choose() {
        const std::vector<std::size_t> ready = all(state::ready);
        const std::lock_guard lock(mutex_);
        deadlock_ = deadlock_ || (ready.empty() && !all(state::asleep).empty());
        turn_ = ready.empty() ? nobody : ready[random_() % ready.size()];
        changed_.notify_all();
    }

    void wait_for_turn(std::size_t i) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return turn_ == i || deadlock_; });
        if (deadlock_) {
            throw stuck();
        }
    }

    std::mt19937 random_;
    std::vector<state> states_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t turn_ = nobody;
    bool deadlock_ = false;
};

/// Replaces std::atomic<int> in a lock, and lets other threads run between any two operations. Only
/// one thread runs at a time, so no operation needs to be atomic.
class scheduled_word {
public:
    scheduled_word(int value) : value_(value) {}

    int load(std::memory_order) const {
        if (schedule::one_in(16)) { // seldom, because a lock that spins does it again and again
            schedule::step();
        }
        return value_;
    }

    void store(int value, std::memory_order) {
        schedule::step();
        value_ = value;
    }

    int exchange(int value, std::memory_order) {
        schedule::step();
        return std::exchange(value_, value);
    }

    void wait(int old, std::memory_order) const {
        schedule::step();
        while (value_ == old) {
            schedule::sleep();
        }
    }

    void notify_one() {
        schedule::step();
        schedule::wake();
    }

private:
    int value_;
};

} // namespace support

#endif
