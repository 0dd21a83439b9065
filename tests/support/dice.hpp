// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_DICE_HPP
#define CACHETORY_TESTS_SUPPORT_DICE_HPP

#include "reference_cache.hpp"

#include <cachetory/backend.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// The random choices of a run.
class dice {
public:
    /// All keys begin with `prefix`.
    explicit dice(std::uint64_t seed, std::string prefix = "")
        : engine_(seed), prefix_(std::move(prefix)) {}

    /// A number from 0 to sides - 1. Sequences are the same on every platform.
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

    std::vector<std::pair<std::string, int>> items() {
        std::vector<std::pair<std::string, int>> some;
        for (std::string& each : keys()) {
            some.emplace_back(std::move(each), value());
        }
        return some;
    }

    int value() { return roll(1'000'000); }

    /// The deadline of a random entry, or one tick before or after it. If there is none, a time
    /// near now.
    template <class Reference>
    ticks time(const Reference& reference, ticks now) {
        const int tick = roll(3) - 1;
        if (!reference.empty() && !one_in(3)) {
            auto item = reference.entries().begin();
            std::advance(item, roll(int(reference.size())));
            if (const ticks deadline = item->second.deadline; deadline != Reference::never) {
                return add(deadline, tick);
            }
        }
        return one_in(20) ? add(one_in(2) ? lowest : highest, tick) : add(now, roll(41) - 20);
    }

    template <class Reference>
    std::optional<cachetory::ttl> life(const Reference& reference, ticks now) {
        using std::chrono::nanoseconds;
        using long_hours = std::chrono::duration<std::int64_t, std::ratio<3600>>;
        switch (roll(12)) {
        case 0:
        case 1:
            return std::nullopt;
        case 2:
            return nanoseconds(0);
        case 3:
            return nanoseconds(-roll(20));
        case 4:
            return nanoseconds(one_in(2) ? lowest : highest);
        case 5:
            return (long_hours::max)();
        case 6:
            return (long_hours::min)();
        case 7:
            return std::chrono::duration<double>(1e300);
        case 8:
            return nanoseconds(add(time(reference, now), now == lowest ? highest : -now));
        default:
            return nanoseconds(roll(30));
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
