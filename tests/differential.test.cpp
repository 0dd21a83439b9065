// SPDX-License-Identifier: MIT
// Every flavour beside a model that is too simple to be wrong, through thousands of random steps.
#include "support/flavours.hpp"

#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <ratio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using support::result;

namespace {

using test_clock = support::manual_clock<>;
using ticks = std::int64_t;
constexpr ticks lowest = std::numeric_limits<ticks>::min();
constexpr ticks highest = std::numeric_limits<ticks>::max();

ticks add(ticks a, ticks b) {
    if (b > 0) {
        return a > highest - b ? highest : a + b;
    }
    return a < lowest - b ? lowest : a + b;
}

ticks clock_ticks() { return test_clock::current.time_since_epoch().count(); }

/// A time to live, and what it should come to.
struct span {
    cachetory::ttl given;
    std::optional<ticks> exact; // nullopt: beyond any distance between two time points
    bool back;

    ticks from(ticks start) const { return exact ? add(start, *exact) : (back ? lowest : highest); }
};

using listing = std::vector<std::pair<std::string, int>>;

/// A cache in the simplest words: what is expired goes when its key is named, or is purged.
struct model {
    struct entry {
        int value;
        std::optional<ticks> deadline;
    };

    static bool expired(const entry& e) { return e.deadline && *e.deadline <= clock_ticks(); }

    static std::optional<ticks> after(const std::optional<span>& life) {
        if (life && life->exact == 0 && clock_ticks() == highest) {
            return highest - 1; // expired, where the highest would mean never
        }
        return life ? never_if_highest(life->from(clock_ticks())) : std::nullopt;
    }

    static std::optional<ticks> never_if_highest(std::optional<ticks> deadline) {
        return deadline == highest ? std::nullopt : deadline;
    }

    entry* find(const std::string& key) {
        const auto found = entries.find(key);
        if (found != entries.end() && expired(found->second)) {
            entries.erase(found);
            return nullptr;
        }
        return found == entries.end() ? nullptr : &found->second;
    }

    bool
    set(const std::string& key, int value, const std::optional<span>& life, bool if_not_exists) {
        if (if_not_exists && find(key)) {
            return false;
        }
        entries.insert_or_assign(key, entry{value, after(life)});
        return true;
    }

    bool expire(const std::string& key, std::optional<ticks> deadline) {
        entry* const live = find(key);
        if (live) {
            live->deadline = never_if_highest(deadline);
        }
        return live;
    }

    bool erase(const std::string& key) { return find(key) && entries.erase(key) != 0; }

    std::optional<int> take(const std::string& key) {
        const entry* const live = find(key);
        const auto taken = live ? std::optional(live->value) : std::nullopt;
        erase(key);
        return taken;
    }

    listing get_many(const std::vector<std::string>& keys) {
        listing found;
        for (const std::string& key : keys) {
            if (const entry* live = find(key)) {
                found.emplace_back(key, live->value);
            }
        }
        return found;
    }

    std::size_t purge() {
        return std::erase_if(entries, [](const auto& item) { return expired(item.second); });
    }

    std::map<std::string, entry> entries;
};

/// Everything that is random about a run.
class dice {
public:
    explicit dice(std::uint64_t seed) : engine_(seed) {}

    /// 0, 1, ... or sides - 1, the same everywhere.
    int roll(int sides) { return int(engine_() % std::uint64_t(sides)); }
    bool one_in(int n) { return roll(n) == 0; }

    std::string key() { return all_keys()[std::size_t(roll(12))]; }

    std::vector<std::string> keys() {
        std::vector<std::string> some(std::size_t(roll(6)));
        for (std::string& each : some) {
            each = key();
        }
        return some;
    }

    listing items() {
        listing some;
        for (std::string& each : keys()) {
            some.emplace_back(std::move(each), value());
        }
        return some;
    }

    int value() { return roll(1'000'000); }

    /// The deadline of a random entry, one tick before it or one after it; else something near now.
    ticks time(const model& expected) {
        const int tick = roll(3) - 1;
        if (!expected.entries.empty() && !one_in(3)) {
            auto item = expected.entries.begin();
            std::advance(item, roll(int(expected.entries.size())));
            if (const auto deadline = item->second.deadline) {
                return add(*deadline, tick);
            }
        }
        return one_in(20) ? add(one_in(2) ? lowest : highest, tick)
                          : add(clock_ticks(), roll(41) - 20);
    }

    std::optional<span> life(const model& expected) {
        switch (roll(12)) {
        case 0:
        case 1:
            return std::nullopt;
        case 2:
            return exactly(0);
        case 3:
            return exactly(-roll(20));
        case 4:
            return exactly(one_in(2) ? lowest : highest);
        case 5:
            return span{std::chrono::hours::max(), std::nullopt, false};
        case 6:
            return span{std::chrono::hours::min(), std::nullopt, true};
        case 7:
            return span{std::chrono::duration<double>(1e300), std::nullopt, false};
        case 8:
            return exactly(add(time(expected), clock_ticks() == lowest ? highest : -clock_ticks()));
        default:
            return exactly(roll(30));
        }
    }

    static const std::vector<std::string>& all_keys() {
        static const std::vector<std::string> keys = {
            "",     "a",
            "b",    "c",
            "d",    "e",
            "f",    "g",
            "h",    std::string("a\0", 2),
            "\xff", "one that is too long to be stored without an allocation"};
        return keys;
    }

private:
    static span exactly(ticks n) { return {std::chrono::nanoseconds(n), n, n < 0}; }

    std::mt19937_64 engine_;
};

template <class Cache>
class run {
public:
    explicit run(std::uint64_t seed) : dice_(seed) { test_clock::reset(); }

    void step() {
        move_clock();
        const int verb = dice_.roll(32);
        INFO("verb " << verb << ", the clock stands at " << clock_ticks());
        operate(verb);
        REQUIRE(cache_.size() == expected_.entries.size());
        REQUIRE(cache_.empty() == expected_.entries.empty());
    }

    /// Compares everything. What is expired goes.
    void compare() {
        const auto& keys = dice::all_keys();
        REQUIRE(found(keys) == expected_.get_many(keys));
        for (const auto& [key, entry] : expected_.entries) {
            INFO("key " << key);
            REQUIRE(deadline(key) == entry.deadline);
        }
        REQUIRE(cache_.size() == expected_.entries.size());
    }

private:
    void move_clock() {
        const bool stranded = clock_ticks() < -1'000'000 || clock_ticks() > 1'000'000;
        if (stranded && dice_.one_in(3)) {
            test_clock::current = test_clock::at(1000);
        } else if (dice_.one_in(150)) {
            test_clock::current = test_clock::at(dice_.one_in(2) ? lowest : highest);
        } else if (dice_.one_in(3)) {
            test_clock::current = test_clock::at(dice_.time(expected_));
        } else if (dice_.one_in(3)) {
            test_clock::current = test_clock::at(add(clock_ticks(), dice_.roll(12) - 2));
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
            REQUIRE(result(cache_.set(key, value, options)) ==
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
            REQUIRE(value == (live ? std::optional(live->value) : std::nullopt));
            break;
        }
        case 2:
        case 3: {
            std::optional<int> value;
            try {
                value = result(cache_.get(key));
            } catch (const cachetory::key_error& error) {
                REQUIRE(error.key() == key);
            }
            const auto* live = expected_.find(key);
            REQUIRE(value == (live ? std::optional(live->value) : std::nullopt));
            break;
        }
        case 4:
            REQUIRE(result(cache_.contains(key)) == (expected_.find(key) != nullptr));
            break;
        case 5:
            if (const auto* live = expected_.find(key)) {
                REQUIRE(deadline(key) == live->deadline);
            } else {
                REQUIRE_THROWS_AS(result(cache_.deadline(key)), cachetory::key_error);
            }
            break;
        case 6:
            REQUIRE(result(cache_.take(key)) == expected_.take(key));
            break;
        case 7:
            REQUIRE(result(cache_.erase(key)) == expected_.erase(key));
            break;
        case 8: {
            const auto keys = dice_.keys();
            std::size_t erased = 0;
            for (const std::string& each : keys) {
                erased += std::size_t(expected_.erase(each));
            }
            REQUIRE(result(cache_.erase_many(keys)) == erased);
            break;
        }
        case 9:
        case 10: {
            const auto keys = dice_.keys();
            REQUIRE(found(keys) == expected_.get_many(keys));
            break;
        }
        case 11:
        case 12: {
            const auto items = dice_.items();
            std::size_t stored = 0;
            for (const auto& [each, value] : items) {
                stored += std::size_t(expected_.set(each, value, life, if_not_exists));
            }
            REQUIRE(result(cache_.set_many(items, options)) == stored);
            break;
        }
        case 13:
        case 14:
        case 15:
            get_or_set(key, life, time_to_live);
            break;
        case 16:
        case 17:
            REQUIRE(result(cache_.expire_in(key, time_to_live)) ==
                    expected_.expire(key, model::after(life)));
            break;
        case 18:
        case 19:
            expire_at(key);
            break;
        case 20:
            REQUIRE(result(cache_.purge_expired()) == expected_.purge());
            break;
        case 21: {
            const auto limit = std::size_t(dice_.roll(5));
            const std::size_t some = result(cache_.purge_expired(limit));
            REQUIRE(some <= limit);
            REQUIRE(some + result(cache_.purge_expired()) == expected_.purge());
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
                REQUIRE(cache_.empty());
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
            test_clock::current = test_clock::at(add(clock_ticks(), late));
            if (stores) {
                result(cache_.set(key, -1, {time_to_live, true}));
            }
            return fails ? throw std::domain_error("no value") : value;
        };
        std::optional<int> got;
        try {
            got = result(cache_.get_or_set(key, factory, time_to_live));
        } catch (const std::domain_error&) {
            REQUIRE(fails);
        }
        // The model, too, first looks, then has the factory run, then stores.
        const ticks afterwards = clock_ticks();
        test_clock::current = test_clock::at(before);
        const auto* live = expected_.find(key);
        REQUIRE(calls == (live ? 0 : 1));
        test_clock::current = test_clock::at(afterwards);
        if (live) {
            REQUIRE(got == live->value);
            return;
        }
        if (stores) {
            expected_.set(key, -1, life, true);
        }
        if (!fails) {
            expected_.set(key, value, life, true);
            REQUIRE(got == expected_.entries.at(key).value);
        }
    }

    void expire_at(const std::string& key) {
        const ticks when = dice_.time(expected_);
        switch (dice_.roll(5)) {
        case 0:
            REQUIRE(result(cache_.expire_at(key, std::nullopt)) ==
                    expected_.expire(key, std::nullopt));
            break;
        case 1: {
            using microseconds = std::chrono::time_point<test_clock, std::chrono::microseconds>;
            const ticks coarse = when / 1000;
            REQUIRE(
                result(cache_.expire_at(key, microseconds(std::chrono::microseconds(coarse)))) ==
                expected_.expire(key, coarse * 1000));
            break;
        }
        case 2: {
            using picoseconds = std::chrono::duration<ticks, std::pico>;
            const ticks fine = dice_.roll(4'000'000) - 1'000'000;
            const ticks up = fine / 1000 + (fine > 0 && fine % 1000 != 0 ? 1 : 0);
            REQUIRE(result(cache_.expire_at(key, std::chrono::time_point<test_clock, picoseconds>(
                                                     picoseconds(fine)))) ==
                    expected_.expire(key, up));
            break;
        }
        default:
            REQUIRE(result(cache_.expire_at(key, test_clock::at(when))) ==
                    expected_.expire(key, when));
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
    model expected_;
    Cache cache_;
};

} // namespace

TEMPLATE_TEST_CASE("every flavour does what a simple model does", "", CACHETORY_FLAVOURS) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        run<typename TestType::template backend<int, test_clock>> random(seed);
        for (int step = 0; step != 4000; ++step) {
            INFO("seed " << seed << ", step " << step);
            random.step();
            if (step % 50 == 49) {
                random.compare();
            }
        }
    }
}
