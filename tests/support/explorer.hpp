// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_EXPLORER_HPP
#define CACHETORY_TESTS_SUPPORT_EXPLORER_HPP

#include "gate.hpp"
#include "linearizability.hpp"
#include "yielding.hpp"

#include <cachetory/backend.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace support::linearizability {

/// What one thread does and sees in one history.
template <class Cache>
class actor {
public:
    actor(int number, std::uint64_t seed, Cache& cache, std::atomic<std::int64_t>& stamps)
        : number_(number), random_(seed), cache_(cache), stamps_(stamps) {}

    history act() {
        scheduler::seed(static_cast<std::uint32_t>(random_()));
        for (int n = roll(3) + 2; n != 0; --n) {
            act_once();
        }
        return std::move(seen_);
    }

    /// Reads all keys.
    history read_everything() {
        for (std::size_t key = 0; key != key_count; ++key) {
            do_deadline({.what = verb::deadline, .key = key});
            do_look_up({.what = verb::look_up, .key = key});
        }
        return std::move(seen_);
    }

private:
    static constexpr std::size_t key_count = 3;
    static constexpr std::int64_t contradiction = -5; ///< A result that no history has.
    using time_point = typename Cache::time_point;

    int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

    static std::string name(std::size_t key) {
        return std::string(1, static_cast<char>('a' + key));
    }

    static std::size_t number(std::string_view key) {
        return static_cast<std::size_t>(key[0] - 'a');
    }

    /// A value that differs from every other in this history, even after additions.
    std::int64_t unique() { return 100 * (number_ * 20 + ++made_) + 1; }

    std::optional<std::int64_t> life() {
        return roll(3) == 0 ? std::nullopt : std::optional<std::int64_t>(roll(4));
    }

    void invoke(operation& op) { op.invoked = stamps_++; }

    void respond(operation op, std::int64_t result) {
        op.returned = stamps_++;
        op.result = result;
        op.thread = number_;
        seen_.push_back(op);
    }

    static std::optional<cachetory::ttl> as_ttl(std::optional<std::int64_t> ticks) {
        return ticks ? std::optional<cachetory::ttl>(std::chrono::nanoseconds(*ticks))
                     : std::nullopt;
    }

    void do_look_up(operation op) {
        invoke(op);
        const auto found = cache_.find(name(op.key));
        respond(op, found ? found->get() : absent);
    }

    void do_get(operation op) {
        const std::string key = name(op.key);
        std::int64_t value = absent;
        invoke(op);
        try {
            value = cache_.get(key).get();
        } catch (const cachetory::key_error&) {
        }
        respond(op, value);
    }

    void do_deadline(operation op) {
        const std::string key = name(op.key);
        std::int64_t when = absent;
        invoke(op);
        try {
            const auto deadline = cache_.deadline(key);
            when = deadline ? deadline->time_since_epoch().count() : never;
        } catch (const cachetory::key_error&) {
        }
        respond(op, when);
    }

    void do_get_or_set(operation op) {
        op.what = verb::look_up;
        operation store = {verb::store_first, op.key, unique(), life()};
        bool missed = false;
        invoke(op);
        const auto factory = [&] {
            respond(op, absent);
            missed = true;
            invoke(store);
            return yielding_number(store.argument);
        };
        const auto value = cache_.get_or_set(name(op.key), factory, as_ttl(store.life));
        respond(missed ? store : op, value.get());
    }

    /// Counts with set_or_visit: stores a first value, or adds one.
    void do_set_or_add(operation op) {
        op = {verb::set_or_add, op.key, unique(), life()};
        std::int64_t before = absent;
        const auto add_one = [&](yielding_number& value) {
            before = value.get();
            value.add(1);
        };
        invoke(op);
        const bool stored =
            cache_.set_or_visit(name(op.key), op.argument, add_one, as_ttl(op.life));
        respond(op, stored == (before == absent) ? before : contradiction);
    }

    /// Like a look-up that stores a missing value.
    void do_set_or_look_up(operation op) {
        op = {verb::store_first, op.key, unique(), life()};
        std::int64_t found = absent;
        const auto look = [&](const yielding_number& value) { found = value.get(); };
        invoke(op);
        const bool stored = cache_.set_or_visit(name(op.key), op.argument, look, as_ttl(op.life));
        respond(op, stored ? op.argument : found);
    }

    // One call, but each key is looked up at an instant of its own.

    void do_get_many(operation op) {
        std::array<std::int64_t, key_count> values;
        values.fill(absent);
        invoke(op);
        for (const auto& [key, value] :
             cache_.get_many(std::vector<std::string>{name(0), name(1), name(2)})) {
            values[number(key)] = value.get();
        }
        for (op.key = 0; op.key != key_count; ++op.key) {
            respond(op, values[op.key]);
        }
    }

    void do_for_each(operation op) {
        std::array<std::int64_t, key_count> values;
        values.fill(absent);
        invoke(op);
        cache_.for_each([&](std::string_view key, const yielding_number& value) {
            values[number(key)] = value.get();
        });
        for (op.key = 0; op.key != key_count; ++op.key) {
            respond(op, values[op.key]);
        }
    }

    /// Takes one key, and looks up the others.
    void do_erase_if(operation op) {
        const std::size_t chosen = op.key;
        std::array<std::int64_t, key_count> values;
        values.fill(absent);
        invoke(op);
        const std::size_t erased =
            cache_.erase_if([&](std::string_view key, const yielding_number& value) {
                values[number(key)] = value.get();
                return number(key) == chosen;
            });
        if ((erased == 1) != (values[chosen] != absent)) {
            values[chosen] = contradiction;
        }
        for (op.key = 0; op.key != key_count; ++op.key) {
            op.what = op.key == chosen ? verb::take : verb::look_up;
            respond(op, values[op.key]);
        }
    }

    void do_clear(operation op) {
        op.what = verb::clear;
        invoke(op);
        cache_.clear();
        for (op.key = 0; op.key != key_count; ++op.key) {
            respond(op, 0);
        }
    }

    void act_once() {
        operation op;
        op.key = static_cast<std::size_t>(roll(4) % 3); // one key more often
        const std::string key = name(op.key);
        switch (roll(32)) {
        case 0:
        case 1:
            return do_look_up(op);
        case 2:
            return do_get(op);
        case 3:
            op.what = verb::contains;
            invoke(op);
            return respond(op, cache_.contains(key));
        case 4: {
            op.what = verb::take;
            invoke(op);
            const auto taken = cache_.take(key);
            return respond(op, taken ? taken->get() : absent);
        }
        case 5:
            op.what = verb::erase;
            invoke(op);
            return respond(op, cache_.erase(key));
        case 6:
        case 7:
        case 8:
            op = {verb::set, op.key, unique(), life()};
            invoke(op);
            return respond(op, cache_.set(key, op.argument, {as_ttl(op.life)}));
        case 9:
        case 10:
        case 11:
            op = {verb::set_if_absent, op.key, unique(), life()};
            invoke(op);
            return respond(op, cache_.set(key, op.argument, {as_ttl(op.life), true}));
        case 12:
            op = {verb::expire_in, op.key, 0, life()};
            invoke(op);
            return respond(op, cache_.expire_in(key, as_ttl(op.life)));
        case 13:
            op = {verb::expire_at, op.key, model::first_time + roll(6)};
            invoke(op);
            return respond(
                op, cache_.expire_at(key, time_point(std::chrono::nanoseconds(op.argument))));
        case 14:
            return do_deadline({.what = verb::deadline, .key = op.key});
        case 15:
        case 16: {
            op = {verb::add, op.key, 1};
            std::int64_t before = absent;
            invoke(op);
            cache_.visit(key, [&](yielding_number& value) {
                before = value.get();
                value.add(op.argument);
            });
            return respond(op, before);
        }
        case 17:
        case 18:
            return do_get_or_set(op);
        case 19:
            return do_get_many(op);
        case 20:
            if (roll(3) == 0) {
                return do_clear(op);
            }
            cache_.purge_expired(); // has no visible effect
            return;
        case 21:
        case 22: {
            op = {verb::touch, op.key, 0, life()};
            invoke(op);
            const auto touched = cache_.touch(key, as_ttl(op.life));
            return respond(op, touched ? touched->get() : absent);
        }
        case 23:
        case 24:
            return do_set_or_add(op);
        case 25:
        case 26:
            return do_set_or_look_up(op);
        case 27:
            return do_for_each(op);
        case 28:
            return do_erase_if(op);
        default:
            op = {verb::advance_clock, op.key, 1 + roll(2)};
            invoke(op);
            return respond(op, yielding_clock::current += op.argument);
        }
    }

    int number_;
    std::mt19937_64 random_;
    Cache& cache_;
    std::atomic<std::int64_t>& stamps_;
    int made_ = 0;
    history seen_;
};

/// Runs and checks histories for some time, always in the same threads.
template <class Cache>
class explorer {
public:
    explicit explorer(std::uint64_t seed) : random_(seed) {
        for (std::size_t i = 0; i != most_threads; ++i) {
            threads_.emplace_back([this, i] { work(i); });
        }
    }

    explorer(const explorer&) = delete;
    explorer& operator=(const explorer&) = delete;

    ~explorer() {
        cache_ = std::nullopt;
        phase_.arrive_and_wait();
        for (std::thread& each : threads_) {
            each.join();
        }
    }

    /// The first history that no order explains, as text; empty if there was none.
    std::string find_fault(std::chrono::duration<double> time) {
        const auto end = std::chrono::steady_clock::now() + time;
        do {
            const history all = next_history();
            ++histories;
            for (std::size_t i = 0; i != all.size(); ++i) {
                for (std::size_t j = 0; j != i; ++j) {
                    overlaps += all[i].thread != all[j].thread &&
                                all[i].invoked < all[j].returned &&
                                all[j].invoked < all[i].returned;
                }
            }
            if (!linearizable(all)) {
                std::ostringstream words;
                words << "history " << histories << ":\n" << all;
                return words.str();
            }
        } while (std::chrono::steady_clock::now() < end);
        return {};
    }

    std::size_t histories = 0;
    std::size_t overlaps = 0; ///< Pairs of operations of two threads at the same time.

private:
    static constexpr std::size_t most_threads = 4;

    history next_history() {
        yielding_clock::current = model::first_time;
        stamps_ = 0;
        cache_.emplace(static_cast<std::size_t>(1 + random_() % 3));
        seed_ = random_();
        active_ = static_cast<std::size_t>(2 + random_() % (most_threads - 1));
        phase_.arrive_and_wait(); // they begin
        phase_.arrive_and_wait(); // they are done
        history all = actor<Cache>(most_threads, 0, *cache_, stamps_).read_everything();
        for (history& each : seen_) {
            all.insert(all.end(), each.begin(), each.end());
            each.clear();
        }
        return all;
    }

    void work(std::size_t i) {
        for (;;) {
            phase_.arrive_and_wait();
            if (!cache_) {
                return;
            }
            if (i < active_) {
                seen_[i] = actor<Cache>(static_cast<int>(i), seed_ + i, *cache_, stamps_).act();
            }
            phase_.arrive_and_wait();
        }
    }

    std::mt19937_64 random_;
    std::optional<Cache> cache_;
    std::atomic<std::int64_t> stamps_ = 0;
    std::uint64_t seed_ = 0;
    std::size_t active_ = 0;
    std::array<history, most_threads> seen_;
    gate phase_{most_threads + 1};
    std::vector<std::thread> threads_;
};

} // namespace support::linearizability

#endif
