// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_MODEL_HPP
#define CACHETORY_TESTS_SUPPORT_MODEL_HPP

#include <cachetory/backend.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace support {

using ticks = std::int64_t;
inline constexpr ticks lowest = std::numeric_limits<ticks>::min();
inline constexpr ticks highest = std::numeric_limits<ticks>::max();

inline ticks add(ticks a, ticks b) {
    if (b > 0) {
        return a > highest - b ? highest : a + b;
    }
    return a < lowest - b ? lowest : a + b;
}

template <class Clock>
ticks ticks_of() {
    return Clock::current.time_since_epoch().count();
}

/// A time to live, and what it should come to.
struct span {
    cachetory::ttl given;
    std::optional<ticks> exact; // nullopt: beyond any distance between two time points
    bool back;

    ticks from(ticks start) const { return exact ? add(start, *exact) : (back ? lowest : highest); }
};

using listing = std::vector<std::pair<std::string, int>>;

/// A cache in the simplest words: what is expired goes when its key is named, or is purged. Clock
/// is a manual one.
template <class Clock>
struct model {
    static ticks clock_ticks() { return ticks_of<Clock>(); }

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
    /// All keys begin with `prefix`.
    explicit dice(std::uint64_t seed, std::string prefix = "")
        : engine_(seed), prefix_(std::move(prefix)) {}

    /// 0, 1, ... or sides - 1, the same everywhere.
    int roll(int sides) { return int(engine_() % std::uint64_t(sides)); }
    bool one_in(int n) { return roll(n) == 0; }

    std::string key() { return prefix_ + endings()[std::size_t(roll(12))]; }

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
    template <class Clock>
    ticks time(const model<Clock>& expected) {
        const int tick = roll(3) - 1;
        if (!expected.entries.empty() && !one_in(3)) {
            auto item = expected.entries.begin();
            std::advance(item, roll(int(expected.entries.size())));
            if (const auto deadline = item->second.deadline) {
                return add(*deadline, tick);
            }
        }
        return one_in(20) ? add(one_in(2) ? lowest : highest, tick)
                          : add(ticks_of<Clock>(), roll(41) - 20);
    }

    template <class Clock>
    std::optional<span> life(const model<Clock>& expected) {
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
            return exactly(
                add(time(expected), ticks_of<Clock>() == lowest ? highest : -ticks_of<Clock>()));
        default:
            return exactly(roll(30));
        }
    }

    std::vector<std::string> all_keys() const {
        std::vector<std::string> keys = endings();
        for (std::string& each : keys) {
            each.insert(0, prefix_);
        }
        return keys;
    }

private:
    static span exactly(ticks n) { return {std::chrono::nanoseconds(n), n, n < 0}; }

    static const std::vector<std::string>& endings() {
        static const std::vector<std::string> keys = {
            "",     "a",
            "b",    "c",
            "d",    "e",
            "f",    "g",
            "h",    std::string("a\0", 2),
            "\xff", "one that is too long to be stored without an allocation"};
        return keys;
    }

    std::mt19937_64 engine_;
    std::string prefix_;
};

} // namespace support

#endif
