// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REFERENCE_CACHE_HPP
#define CACHETORY_TESTS_SUPPORT_REFERENCE_CACHE_HPP

#include <cachetory/backend.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace support {

/// Ticks of a clock that counts nanoseconds.
using ticks = std::int64_t;
inline constexpr ticks lowest = std::numeric_limits<ticks>::min();
inline constexpr ticks highest = std::numeric_limits<ticks>::max();

/// The sum, or the nearest value if it is out of range.
constexpr ticks add(ticks a, ticks b) {
    if (b > 0) {
        return a > highest - b ? highest : a + b;
    }
    return a < lowest - b ? lowest : a + b;
}

/// The same for a time to live. Adds whole seconds and the rest separately.
constexpr ticks add(ticks start, cachetory::ttl length) {
    constexpr ticks giga = 1'000'000'000;
    const ticks from = start / giga - (start % giga < 0 ? 1 : 0); // rounded down
    const ticks rest = start % giga + (start % giga < 0 ? giga : 0) + length.fraction().count();
    const ticks seconds = add(add(from, length.seconds().count()), rest / giga);
    if (seconds < 0) { // from the next second backwards, which is in range if the sum is
        const ticks next = seconds + 1;
        return next < lowest / giga ? lowest : add(next * giga, rest % giga - giga);
    }
    return seconds > highest / giga ? highest : add(seconds * giga, rest % giga);
}

/// A cache written as simply as possible, to compare others with. An expired entry is erased when
/// an operation names its key, or by a purge. Values are moved out first and destroyed last.
template <class Value, class Clock>
class reference_cache {
public:
    using time_point = typename Clock::time_point;
    static constexpr ticks never = highest;

    struct entry {
        Value value;
        ticks deadline;
    };

    using map = std::map<std::string, entry, std::less<>>;

    reference_cache() = default;
    reference_cache(const reference_cache&) = delete;
    reference_cache& operator=(const reference_cache&) = delete;

    ~reference_cache() {
        while (!empty()) { // a destructor may have stored something
            clear();
        }
    }

    Value get(std::string_view key) {
        auto hit = find(key);
        return hit ? *std::move(hit) : throw cachetory::key_error(key);
    }

    std::optional<Value> find(std::string_view key) {
        return look_up(key, [](const entry& found) { return found.value; });
    }

    bool contains(std::string_view key) {
        return look_up(key, [](entry&) { return true; }).has_value();
    }

    std::optional<time_point> deadline(std::string_view key) {
        const auto when = look_up(key, [](entry& found) { return found.deadline; });
        if (!when) {
            throw cachetory::key_error(key);
        }
        return *when == never ? std::nullopt : std::optional(at(*when));
    }

    std::vector<std::pair<std::string, Value>> get_many(const std::vector<std::string>& keys) {
        std::vector<std::string> names;
        {
            const ticks time = now();
            std::vector<node> dead(keys.size());
            for (std::size_t i = 0; i != keys.size(); ++i) {
                if (find_live(keys[i], time, dead[i]) != entries_.end()) {
                    names.push_back(keys[i]);
                }
            }
        }
        std::vector<std::pair<std::string, Value>> found;
        for (const std::string& name : names) { // unless a destructor has erased it
            if (auto left = find(name)) {
                found.emplace_back(name, *std::move(left));
            }
        }
        return found;
    }

    std::optional<Value> touch(std::string_view key, std::optional<cachetory::ttl> life) {
        const ticks when = after(now(), life);
        return look_up(key, [&](entry& found) { return found.deadline = when, found.value; });
    }

    template <class Change>
    bool visit(std::string_view key, Change change) {
        return look_up(key, [&](entry& found) { return change(found.value), true; }).has_value();
    }

    template <class F>
    void for_each(F f) {
        const ticks time = now();
        for (auto& [key, found] : entries_) {
            if (!expired(found, time)) {
                f(key, found.value);
            }
        }
    }

    std::optional<Value> take(std::string_view key) {
        auto taken = look_up(key, [](entry& found) { return std::move(found.value); });
        if (taken) {
            entries_.erase(entries_.find(key));
        }
        return taken;
    }

    /// Moved from only if it is stored.
    bool set(std::string_view key, Value&& value, cachetory::set_options options = {}) {
        const ticks time = now();
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            entries_.emplace(key, entry{std::move(value), after(time, options.time_to_live)});
            return true;
        }
        if (options.if_not_exists && !expired(found->second, time)) {
            return false;
        }
        [[maybe_unused]] const Value replaced = std::move(found->second.value); // destroyed last
        found->second = {std::move(value), after(time, options.time_to_live)};
        return true;
    }

    template <class Change>
    bool set_or_visit(std::string_view key,
                      Value&& value,
                      Change change,
                      std::optional<cachetory::ttl> life) {
        const auto found = entries_.find(key);
        if (found != entries_.end() && !expired(found->second, now())) {
            return change(found->second.value), false;
        }
        return set(key, std::move(value), {life});
    }

    std::size_t set_many(std::vector<std::pair<std::string, Value>> items,
                         cachetory::set_options options) {
        std::size_t stored = 0;
        for (auto& [key, value] : items) {
            stored += std::size_t(set(key, std::move(value), options));
        }
        return stored;
    }

    /// The value that is stored in the end, even if it has expired by then. `std::nullopt` if a
    /// destructor has erased it.
    template <class Factory>
    std::optional<Value>
    get_or_set(std::string_view key, Factory factory, std::optional<cachetory::ttl> life) {
        if (auto hit = find(key)) {
            return hit;
        }
        set(key, factory(), {life, true});
        const auto found = entries_.find(key);
        return found == entries_.end() ? std::nullopt : std::optional(found->second.value);
    }

    bool expire_at(std::string_view key, std::optional<time_point> when) {
        return set_deadline(key, when ? when->time_since_epoch().count() : never);
    }
    /// For other ticks; and for the first and last times of the wall clock.
    template <class C, class Duration>
    bool expire_at(std::string_view key, std::chrono::time_point<C, Duration> when) {
        constexpr bool wall_clock = std::same_as<C, std::chrono::system_clock>;
        return set_deadline(key, when == (when.max)() ? never
                                 : wall_clock         ? lowest
                                                      : add(ticks(0), when.time_since_epoch()));
    }

    bool expire_in(std::string_view key, std::optional<cachetory::ttl> life) {
        return set_deadline(key, after(now(), life));
    }

    bool erase(std::string_view key) { return take(key).has_value(); }

    std::size_t erase_many(const std::vector<std::string>& keys) {
        std::size_t erased = 0;
        for (const std::string& key : keys) {
            erased += std::size_t(erase(key));
        }
        return erased;
    }

    template <class Pred>
    std::size_t erase_if(Pred pred) {
        const ticks time = now();
        std::size_t erased = 0;
        std::vector<node> dead;
        for (auto at = entries_.begin(); at != entries_.end();) {
            const auto each = at++;
            const bool live = !expired(each->second, time);
            if (!live || pred(std::string_view(each->first), each->second.value)) {
                dead.push_back(entries_.extract(each));
                erased += std::size_t(live);
            }
        }
        return erased;
    }

    void clear() { const map dead = std::exchange(entries_, map()); }

    std::size_t purge_expired(std::size_t = 0) {
        std::vector<node> dead;
        for (const std::string& key : expired_keys()) {
            dead.push_back(entries_.extract(key));
        }
        return dead.size();
    }

    void reserve(std::size_t) {}

    std::size_t size() const { return entries_.size(); }

    bool empty() const { return entries_.empty(); }

    /// All entries, expired or not. No cache under test shows these.
    const map& entries() const { return entries_; }

    std::vector<std::string> expired_keys() const {
        std::vector<std::string> some;
        for (const auto& [key, found] : entries_) {
            if (expired(found, now())) {
                some.push_back(key);
            }
        }
        return some;
    }

private:
    using node = typename map::node_type;

    static ticks now() { return Clock::now().time_since_epoch().count(); }

    static time_point at(ticks count) { return time_point(typename Clock::duration(count)); }

    static bool expired(const entry& found, ticks time) {
        return found.deadline != never && found.deadline <= time;
    }

    static ticks after(ticks time, std::optional<cachetory::ttl> life) {
        if (!life) {
            return never;
        }
        const cachetory::ttl zero = std::chrono::seconds(0);
        const bool ahead = life->seconds().count() >= 0 && *life != zero;
        return (std::min)(add(time, *life), ahead ? never : never - 1);
    }

    typename map::iterator find_live(std::string_view key, ticks time, node& dead) {
        const auto found = entries_.find(key);
        if (found != entries_.end() && expired(found->second, time)) {
            dead = entries_.extract(found);
            return entries_.end();
        }
        return found;
    }

    template <class Hit>
    auto look_up(std::string_view key, Hit hit)
        -> std::optional<std::invoke_result_t<Hit, entry&>> {
        node dead;
        const auto found = find_live(key, now(), dead);
        if (found == entries_.end()) {
            return std::nullopt;
        }
        return hit(found->second);
    }

    bool set_deadline(std::string_view key, ticks when) {
        return look_up(key, [&](entry& found) { return found.deadline = when; }).has_value();
    }

    map entries_;
};

} // namespace support

#endif
