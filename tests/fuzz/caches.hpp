// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_CACHES_HPP
#define CACHETORY_TESTS_FUZZ_CACHES_HPP

#include "../support/backends.hpp"
#include "../support/manual_clock.hpp"
#include "../support/reference_cache.hpp"
#include "../support/result.hpp"
#include "../support/values.hpp"
#include "input.hpp"

#include <cachetory/string_hash.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace fuzz {

using support::result;

using clock = support::manual_clock<>;
using value = support::basic_callback_value<false>;
using model = support::reference_cache<value, clock>;

inline ticks now() { return clock::current.time_since_epoch().count(); }

/// Has the same key in every process, so that a run can be repeated. Half of the keys collide.
struct uneven_hash : cachetory::string_hash {
    uneven_hash() : string_hash(key_type{0x9e3779b97f4a7c15, 0xd1b54a32d192ed03, 3, 5}) {}

    std::size_t operator()(std::string_view text) const {
        const std::size_t hash = string_hash::operator()(text);
        return hash % 2 == 0 ? hash : text.size() % 3;
    }
};

/// Throws if it is locked twice: values must be destroyed after unlocking, because their
/// destructors may call the cache.
struct strict_mutex {
    void lock() { expect(!std::exchange(locked, true), "a mutex is locked twice"); }

    void unlock() { locked = false; }

    bool locked = false;
};

template <class Cache>
inline constexpr bool hands_out_references = requires(Cache& c) {
    { result(c.find("")) } -> std::same_as<value*>;
};

/// While this object lives, the clock shows a time at which only the lowest deadline has passed.
struct everything_lives {
    everything_lives() { clock::current = clock::at(lowest); }
    everything_lives(const everything_lives&) = delete;
    everything_lives& operator=(const everything_lives&) = delete;
    ~everything_lives() { clock::current = before; }

    clock::time_point before = clock::current;
};

/// The result of an operation, unless it depends on the order in which values are destroyed.
using outcome = std::optional<std::string>;

inline std::string show(std::size_t n) { return std::to_string(n); }
inline std::string show(const value& found) { return '"' + found.text + '"'; }
inline std::string show(const value* hit) { return hit ? show(*hit) : "nothing"; }
inline std::string show(const std::optional<value>& hit) { return show(hit ? &*hit : nullptr); }
inline std::string show(std::optional<clock::time_point> deadline) {
    return deadline ? std::to_string(deadline->time_since_epoch().count()) : "never";
}
template <std::ranges::range Pairs>
std::string show(const Pairs& pairs) {
    std::string all;
    for (const auto& [key, found] : pairs) {
        all.append(key).append(": ").append(show(found)).append(", ");
    }
    return all;
}

template <class List>
struct caches_of;
template <class... Entries>
struct caches_of<std::tuple<Entries...>> {
    template <class Entry>
    using cache_of =
        support::with_shards<3,
                             support::backend_of<Entry, value, clock, uneven_hash, strict_mutex>>;

    /// Calls `operation(name, cache)` for each cache.
    template <class Operation>
    void each(Operation operation) {
        std::apply([&](auto&... cache) { (operation(Entries::name(), cache), ...); }, caches);
    }

    std::tuple<cache_of<Entries>...> caches;
};

/// All backends in memory, and the reference that they are compared with.
class compared_caches {
protected:
    // How operations are done and compared.

    template <class Operation>
    static std::string attempt(Operation operation) {
        try {
            return show(operation());
        } catch (const cachetory::key_error& error) {
            return "an error, no " + error.key();
        }
    }

    template <class Operation>
    void each(const char* verb, Operation operation) {
        const clock::time_point before = clock::current;
        const outcome expected = operation(model_);
        const clock::time_point after = std::exchange(clock::current, before);
        each_cache([&](const std::string& backend, auto& c) {
            const outcome got = operation(c);
            if ((got && got != expected) || c.size() != model_.size() ||
                c.empty() != model_.empty() || clock::current != after) {
                throw mismatch(std::string(verb) + " of " + backend + " comes to " +
                               got.value_or("") + ", not to " + expected.value_or("") +
                               "; now the sizes are " + show(c.size()) + " and " +
                               show(model_.size()));
            }
            clock::current = before;
        });
        clock::current = after;
    }

    template <class Operation>
    void each_cache(Operation operation) {
        caches_.each(operation);
    }

    model model_;
    caches_of<support::backends_in_memory> caches_;
};

} // namespace fuzz

#endif
