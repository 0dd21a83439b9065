// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_STEPS_HPP
#define CACHETORY_TESTS_SUPPORT_STEPS_HPP

#include "faults.hpp"
#include "result.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What a cache holds at first, how to read what it holds, and what a verb changes step by step.
namespace support {

using namespace std::chrono_literals;

/// What can be seen of an entry.
struct entry {
    friend bool operator==(const entry&, const entry&) = default;

    int value;
    std::optional<faulty_clock::time_point> deadline = std::nullopt;
};

using entries = std::map<std::string, entry, std::less<>>;

/// The keys that verbs are given. A test may let them view stored data.
struct keys {
    std::string_view live = "a key whose entry is alive until its deadline";
    std::string_view endless = "a key whose entry never expires";
    std::string_view expired = "a key whose entry has expired";
    std::string_view expired_too = "a key whose entry has expired as well";
    std::string_view absent = "a key that has no entry at first";
};

inline constexpr keys names;
inline keys key;

/// What a cache holds at first.
inline const entries at_first = {
    {std::string(names.live), {1, faulty_clock::at(2000)}},
    {std::string(names.endless), {2}},
    {std::string(names.expired), {3, faulty_clock::at(500)}},
    {std::string(names.expired_too), {4, faulty_clock::at(600)}},
};

/// Stores the first entries, and sets the clock to 1,000 ticks.
template <class Cache>
void fill(Cache& cache) {
    faulty_clock::current = faulty_clock::at(0);
    for (const auto& [name, stored] : at_first) {
        (void)result(cache.set(name, stored.value));
        (void)result(cache.expire_at(name, stored.deadline));
    }
    faulty_clock::current = faulty_clock::at(1000);
}

/// All entries of `cache`. Reads them at a time when nothing has expired yet, and so changes
/// nothing.
template <class Cache>
entries observe(Cache& cache) {
    const auto now = std::exchange(faulty_clock::current, faulty_clock::at(0));
    entries seen;
    for (const std::string_view name :
         {names.live, names.endless, names.expired, names.expired_too, names.absent}) {
        if (auto hit = result(cache.find(name))) {
            seen[std::string(name)] = {hit->number, result(cache.deadline(name))};
        }
    }
    faulty_clock::current = now;
    return seen;
}

/// Whether the verbs of `cache` do what they should. Leaves it empty.
template <class Cache>
bool works(Cache& cache) {
    (void)cache.clear();
    const bool stores =
        cache.empty() && result(cache.set(key.live, 1, {.time_to_live = 10ns})) &&
        !result(cache.set(key.live, 2, {.if_not_exists = true})) &&
        result(cache.get(key.live)).number == 1 && result(cache.deadline(key.live)) &&
        result(cache.set_many(std::vector<std::pair<std::string, int>>{{"a", 2}, {"b", 3}})) == 2 &&
        result(cache.get_or_set("c", [] { return 4; })).number == 4;
    const bool looks = result(cache.find("c")) && !result(cache.find("d")) &&
                       result(cache.contains("a")) && cache.size() == 4 &&
                       result(cache.get_many({"a", "b", "c", "d"})).size() == 3;
    const bool removes = result(cache.expire_in("a", 0ns)) && result(cache.purge_expired()) == 1 &&
                         result(cache.expire_at("b", std::nullopt)) && result(cache.erase("b")) &&
                         result(cache.take("c")).has_value() &&
                         result(cache.erase_many({"c", key.live})) == 1;
    (void)cache.reserve(100);
    return stores && looks && removes && cache.empty();
}

/// A change of one entry: its new state, or none if it is erased.
struct change {
    std::string_view name;
    std::optional<entry> becomes = std::nullopt;
};

/// The changes that a verb makes at once.
struct step {
    template <std::same_as<change>... Changes>
    constexpr step(Changes... each) : changes{each...}, size(sizeof...(each)) {}

    std::array<change, 4> changes;
    std::size_t size;
};

/// The steps of a verb, in order. It may fail before any of the steps, but not after the last.
struct steps {
    template <std::convertible_to<step>... Steps>
    constexpr steps(Steps... each) : all{step(each)...}, size(sizeof...(each)) {}

    /// The states that the cache goes through, beginning with the first.
    std::vector<entries> states() const {
        std::vector<entries> states = {at_first};
        for (std::size_t i = 0; i != size; ++i) {
            entries next = states.back();
            for (std::size_t j = 0; j != all[i].size; ++j) {
                const auto& [name, becomes] = all[i].changes[j];
                next.erase(std::string(name));
                if (becomes) {
                    next.emplace(name, *becomes);
                }
            }
            states.push_back(next);
        }
        return states;
    }

    std::array<step, 3> all;
    std::size_t size;
};

} // namespace support

#endif
