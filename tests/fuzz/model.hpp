// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_MODEL_HPP
#define CACHETORY_TESTS_FUZZ_MODEL_HPP

#include "../support/manual_clock.hpp"
#include "input.hpp"

#include <cachetory/backend.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fuzz {

using clock = support::manual_clock<>;

inline ticks now() { return clock::current.time_since_epoch().count(); }

/// A text that does something when it dies, unless moved from. A copy does nothing.
struct value {
    explicit value(std::string initial, std::function<void()> wish = {})
        : text(std::move(initial)), last_wish(std::move(wish)) {}

    value(const value& other) : text(other.text) {}

    value(value&& other) noexcept
        : text(std::move(other.text)), last_wish(std::exchange(other.last_wish, nullptr)) {}

    value& operator=(value other) noexcept {
        text.swap(other.text);
        last_wish.swap(other.last_wish);
        return *this;
    }

    ~value() {
        if (last_wish) {
            std::exchange(last_wish, nullptr)();
        }
    }

    std::string text;
    std::function<void()> last_wish;
};

/// A cache in the simplest words: what is expired goes when its key is named, or is purged. What
/// dies is taken out first and dies last.
class model {
public:
    ~model() {
        while (!empty()) { // what dies may leave something behind
            clear();
        }
    }

    value get(std::string_view key) {
        const auto hit = find(key);
        return hit ? *hit : throw cachetory::key_error(key);
    }

    std::optional<value> find(std::string_view key) {
        return look_up(key, [](entry& found) { return value(found.what.text); });
    }

    bool contains(std::string_view key) { return find(key).has_value(); }

    std::optional<clock::time_point> deadline(std::string_view key) {
        const auto when = look_up(key, [](entry& found) { return found.deadline; });
        return !when           ? throw cachetory::key_error(key)
               : *when < never ? std::optional(clock::at(*when))
                               : std::nullopt;
    }

    std::vector<std::pair<std::string, value>> get_many(const std::vector<std::string>& keys) {
        std::vector<std::string> names;
        {
            std::vector<map::node_type> dead(keys.size());
            for (std::size_t i = 0; i != keys.size(); ++i) {
                if (live(keys[i], dead[i]) != entries_.end()) {
                    names.push_back(keys[i]);
                }
            }
        }
        std::vector<std::pair<std::string, value>> found;
        for (const std::string& name : names) { // but for what has been erased as others died
            if (const auto left = find(name)) {
                found.emplace_back(name, *left);
            }
        }
        return found;
    }

    template <class Change>
    bool visit(std::string_view key, Change change) {
        return look_up(key, [&](entry& found) { return change(found.what), true; }).has_value();
    }

    std::optional<value> take(std::string_view key) {
        auto taken = look_up(key, [](entry& found) { return std::move(found.what); });
        if (taken) {
            entries_.erase(entries_.find(key));
        }
        return taken;
    }

    bool set(std::string_view key, value what, cachetory::set_options options = {}) {
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            entries_.emplace(key, entry{std::move(what), after(options.time_to_live)});
            return true;
        }
        if (options.if_not_exists && !found->second.expired()) {
            return false;
        }
        const value replaced = std::move(found->second.what);
        found->second = {std::move(what), after(options.time_to_live)};
        return true;
    }

    std::size_t set_many(std::vector<std::pair<std::string, value>> items,
                         cachetory::set_options options) {
        std::size_t stored = 0;
        for (auto& [key, what] : items) {
            stored += std::size_t(set(key, std::move(what), options));
        }
        return stored;
    }

    template <class Factory>
    value get_or_set(std::string_view key, Factory factory, std::optional<cachetory::ttl> life) {
        if (!contains(key)) {
            set(key, factory(), {life, true});
        }
        const auto found = entries_.find(key); // it may be expired at once
        return value(found == entries_.end() ? "erased as something died"
                                             : found->second.what.text);
    }

    /// Of the wall clock only the ends.
    template <class C, class Duration>
    bool expire_at(std::string_view key, std::chrono::time_point<C, Duration> when) {
        constexpr bool wall_clock = std::same_as<C, std::chrono::system_clock>;
        return set_deadline(key, when == when.max() ? never
                                 : wall_clock       ? lowest
                                              : saturated(nanoseconds_of(when.time_since_epoch())));
    }

    bool expire_at(std::string_view key, std::optional<clock::time_point> when) {
        return expire_at(key, when.value_or(clock::at(never)));
    }

    bool expire_in(std::string_view key, std::optional<cachetory::ttl> life) {
        return set_deadline(key, after(life));
    }

    bool erase(std::string_view key) { return take(key).has_value(); }

    std::size_t erase_many(const std::vector<std::string>& keys) {
        std::size_t erased = 0;
        for (const std::string& key : keys) {
            erased += std::size_t(erase(key));
        }
        return erased;
    }

    void clear() { const map dead = std::exchange(entries_, map()); }

    std::size_t purge_expired(std::size_t = 0) {
        std::vector<map::node_type> dead;
        for (const std::string& key : keys(true)) {
            dead.push_back(entries_.extract(key));
        }
        return dead.size();
    }

    void reserve(std::size_t) {}

    std::size_t size() const { return entries_.size(); }

    bool empty() const { return size() == 0; }

    /// What no cache tells.
    std::vector<std::string> keys(bool only_expired = false) const {
        std::vector<std::string> some;
        for (const auto& [key, found] : entries_) {
            if (!only_expired || found.expired()) {
                some.push_back(key);
            }
        }
        return some;
    }

    /// Neither does one tell this of a key that is expired.
    const std::string& text_of(const std::string& key) const { return entries_.at(key).what.text; }

private:
    static constexpr ticks never = highest;

    struct entry {
        bool expired() const { return deadline != never && deadline <= now(); }

        value what;
        ticks deadline;
    };

    using map = std::map<std::string, entry, std::less<>>;

    static ticks after(std::optional<cachetory::ttl> life) {
        const wide length = life ? nanoseconds_of(*life) : never;
        const ticks latest = length <= 0 ? never - 1 : never;
        return life ? std::min(saturated(now() + length), latest) : never;
    }

    map::iterator live(std::string_view key, map::node_type& dead) {
        const auto found = entries_.find(key);
        if (found != entries_.end() && found->second.expired()) {
            dead = entries_.extract(found);
            return entries_.end();
        }
        return found;
    }

    template <class Hit>
    auto look_up(std::string_view key, Hit hit)
        -> std::optional<std::invoke_result_t<Hit, entry&>> {
        map::node_type dead;
        const auto found = live(key, dead);
        if (found == entries_.end()) {
            return std::nullopt;
        }
        return hit(found->second);
    }

    bool set_deadline(std::string_view key, ticks when) {
        return look_up(key, [&](entry& found) { return (found.deadline = when); }).has_value();
    }

    map entries_;
};

} // namespace fuzz

#endif
