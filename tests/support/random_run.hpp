// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_RANDOM_RUN_HPP
#define CACHETORY_TESTS_SUPPORT_RANDOM_RUN_HPP

#include "dice.hpp"
#include "reference_cache.hpp"
#include "result.hpp"

#include <cachetory/backend.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace support {

struct mismatch : std::runtime_error {
    using runtime_error::runtime_error;
};

/// Whether other threads use the cache at the same time, each with keys of its own.
enum class other_users { none, some };

/// Runs random operations, each on a cache and on a reference. Throws a `mismatch` if they differ,
/// and not an assertion of Catch, because those work in one thread only.
template <class Cache, class Clock, other_users Others = other_users::none>
class random_run {
    static constexpr bool alone = Others == other_users::none;

public:
    random_run(Cache& cache, dice random) : dice_(std::move(random)), cache_(cache) {}

    /// If there are other users, the clock never goes back, because they may erase what has
    /// expired.
    void step() {
        move_clock();
        verb_ = dice_.roll(32);
        operate();
        compare_sizes();
    }

    /// Compares all entries. Erases the expired ones.
    void compare() {
        verb_ = -1;
        const auto keys = dice_.all_keys();
        both([&](auto& c) { return listed(c.get_many(keys)); });
        for (const std::string& key : keys) {
            if (reference_.contains(key)) {
                both([&](auto& c) { return result(c.deadline(key)); });
            }
        }
        compare_sizes();
    }

    /// How many results were compared.
    std::size_t compared() const { return compared_; }

private:
    static ticks now() { return Clock::current.time_since_epoch().count(); }

    static void set_clock(ticks to) { Clock::current = Clock::at(to); }

    template <class Got, class Expected>
    void same(const Got& got, const Expected& expected) {
        ++compared_;
        if (!(got == expected)) {
            throw mismatch("cache and reference differ after verb " + std::to_string(verb_) +
                           " with the clock at " + std::to_string(now()));
        }
    }

    /// Runs the same operation on the cache and on the reference. The results must be equal.
    template <class Operation>
    void both(Operation operation) {
        const auto got = operation(cache_);
        same(got, operation(reference_));
    }

    void compare_sizes() {
        if constexpr (alone) {
            both([](auto& c) { return c.size(); });
            both([](auto& c) { return c.empty(); });
        }
    }

    void move_clock() {
        if constexpr (!alone) {
            if (dice_.one_in(3)) {
                const ticks next = dice_.time(reference_, now());
                set_clock(std::clamp(next, now(), now() + 100));
            }
            return;
        }
        const bool stranded = now() < -1'000'000 || now() > 1'000'000;
        if (stranded && dice_.one_in(3)) {
            set_clock(1000);
        } else if (dice_.one_in(150)) {
            set_clock(dice_.one_in(2) ? lowest : highest);
        } else if (dice_.one_in(3)) {
            set_clock(dice_.time(reference_, now()));
        } else if (dice_.one_in(3)) {
            set_clock(add(now(), ticks(dice_.roll(12) - 2)));
        }
    }

    void operate() {
        const std::string key = dice_.key();
        const bool if_not_exists = dice_.one_in(3);
        const std::optional<cachetory::ttl> life = dice_.life(reference_, now());
        const cachetory::set_options options = {life, if_not_exists};

        switch (verb_) {
        case 0:
        case 1:
            return both([&](auto& c) {
                const auto hit = result(c.find(key));
                return hit ? std::optional(int(*hit)) : std::nullopt;
            });
        case 2:
        case 3:
            return both([&](auto& c) { return attempt([&] { return int(result(c.get(key))); }); });
        case 4:
            return both([&](auto& c) { return result(c.contains(key)); });
        case 5:
            return both([&](auto& c) { return attempt([&] { return result(c.deadline(key)); }); });
        case 6:
            return both([&](auto& c) { return result(c.take(key)); });
        case 7:
            return both([&](auto& c) { return result(c.erase(key)); });
        case 8:
            return both([&, keys = dice_.keys()](auto& c) { return result(c.erase_many(keys)); });
        case 9:
        case 10:
            return both([&, keys = dice_.keys()](auto& c) { return listed(c.get_many(keys)); });
        case 11:
        case 12:
            return both(
                [&, items = dice_.items()](auto& c) { return result(c.set_many(items, options)); });
        case 13:
        case 14:
        case 15:
            return get_or_set(key, life);
        case 16:
        case 17:
            return both([&](auto& c) { return result(c.expire_in(key, life)); });
        case 18:
        case 19:
            return expire_at(key);
        case 20:
        case 21:
        case 22:
        case 23:
            if constexpr (alone) {
                operate_on_all();
            }
            return;
        default:
            return both([&, value = dice_.value()](auto& c) {
                return result(c.set(key, int{value}, options));
            });
        }
    }

    void operate_on_all() {
        switch (verb_) {
        case 20:
            return both([](auto& c) { return result(c.purge_expired()); });
        case 21: {
            const auto limit = std::size_t(dice_.roll(5));
            const std::size_t some = result(cache_.purge_expired(limit));
            same(some <= limit, true);
            return same(some + result(cache_.purge_expired()), reference_.purge_expired());
        }
        case 22:
            if (dice_.one_in(10)) {
                (void)cache_.clear();
                reference_.clear();
            }
            return;
        case 23:
            if constexpr (std::movable<Cache>) {
                Cache moved = std::move(cache_);
                same(cache_.empty(), true);
                cache_ = std::move(moved);
            }
            return;
        }
    }

    /// With a factory that moves the clock, fails, or stores something itself.
    void get_or_set(const std::string& key, std::optional<cachetory::ttl> life) {
        const int value = dice_.value();
        const ticks late = dice_.roll(3);
        const bool fails = dice_.one_in(6);
        const bool stores = dice_.one_in(4);
        const ticks before = now();
        both([&](auto& c) {
            set_clock(before);
            int calls = 0;
            const auto factory = [&] {
                ++calls;
                set_clock(add(now(), late));
                if (stores) {
                    result(c.set(key, -1, {life, true}));
                }
                return fails ? throw std::domain_error("no value") : value;
            };
            std::optional<int> got;
            try {
                got = result(c.get_or_set(key, factory, life));
            } catch (const std::domain_error&) {
            }
            return std::pair(got, calls);
        });
    }

    void expire_at(const std::string& key) {
        const ticks when = dice_.time(reference_, now());
        const auto at = [&](auto deadline) {
            both([&](auto& c) { return result(c.expire_at(key, deadline)); });
        };
        const auto after_epoch = [&](auto length) {
            at(std::chrono::time_point<Clock, decltype(length)>(length));
        };
        switch (dice_.roll(5)) {
        case 0:
            return at(std::nullopt);
        case 1:
            return after_epoch(std::chrono::microseconds(when / 1000));
        case 2:
            return after_epoch(
                std::chrono::duration<ticks, std::pico>(dice_.roll(4'000'000) - 1'000'000));
        default:
            return at(Clock::at(when));
        }
    }

    template <class Found>
    static std::vector<std::pair<std::string, int>> listed(Found&& given) {
        std::vector<std::pair<std::string, int>> list;
        for (const auto& [key, value] : result(std::forward<Found>(given))) {
            list.emplace_back(std::string(key), value);
        }
        return list;
    }

    /// What the operation returns, and the key that it reports as missing.
    template <class Operation>
    static auto attempt(Operation operation) {
        std::pair<std::optional<std::invoke_result_t<Operation>>, std::string> outcome;
        try {
            outcome.first = operation();
        } catch (const cachetory::key_error& error) {
            outcome.second = error.key();
        }
        return outcome;
    }

    dice dice_;
    reference_cache<int, Clock> reference_;
    Cache& cache_;
    std::size_t compared_ = 0;
    int verb_ = -1;
};

} // namespace support

#endif
