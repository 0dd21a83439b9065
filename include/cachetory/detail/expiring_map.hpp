// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_EXPIRING_MAP_HPP
#define CACHETORY_DETAIL_EXPIRING_MAP_HPP

#include "../string_hash.hpp"
#include "../version.hpp"
#include "deadline.hpp"
#include "eviction.hpp"
#include "hashed_key.hpp"
#include "purge.hpp"
#include "visitor.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cachetory::detail {

/// The hash function of a map. A bounded map also looks entries up by their hashes.
template <class Hash, class Bound>
using map_hash = std::conditional_t<std::same_as<Bound, bounded>, hash_once<Hash>, Hash>;

/// The table that all backends in memory are made of: a `std::unordered_map` from strings to values
/// with deadlines, and the primitives that their verbs consist of.
///
/// Two rules hold for every primitive:
///
/// - It destroys no value. Whatever leaves the table is moved into an argument, `dead` or `old`.
///   The caller destroys that when the operation is over and any lock is released. So a destructor
///   of a value may call the backend.
/// - It happens at one moment, `now`, which the caller makes for the whole operation.
///
/// `Key` is `std::string_view`, or any other type that converts to it and that `Hash` accepts.
/// `Hash` is a `map_hash`, or a `hash_once` if keys come with their hashes.
///
/// A primitive has no effect if it fails, provided that moving a `Wire` does not throw.
template <class Wire, class Clock, class Hash, class Bound = unbounded>
class expiring_map : eviction<Bound> { // a base, because it is empty without a bound
    static_assert(std::movable<Wire>,
                  "cachetory: values are moved in and out, so Wire must be movable");
    static_assert(key_hash<Hash>,
                  "cachetory: Hash must be copyable and transparent (is_transparent)");
    static_assert(
        requires {
            { Clock::now() } -> std::convertible_to<typename Clock::time_point>;
        },
        "cachetory: Clock must be a clock, such as std::chrono::steady_clock; keys are always "
        "strings, so the first argument is the type of the values");

    static constexpr bool is_bounded = std::same_as<Bound, bounded>;
    static_assert(is_bounded || std::same_as<Bound, unbounded>,
                  "cachetory: Bound must be cachetory::unbounded or cachetory::bounded");

public:
    using time_point = typename Clock::time_point;

    struct entry : worth<Bound> {
        entry(Wire&& initial, time_point when) : value(std::move(initial)), deadline(when) {}

        /// The deadline as users know it: `std::nullopt` if there is none.
        [[nodiscard]] std::optional<time_point> expiry() const {
            return deadline == never<time_point> ? std::nullopt : std::optional(deadline);
        }

        Wire value;
        time_point deadline;
    };

    using map = std::unordered_map<std::string, entry, Hash, typename equality_for<Hash>::type>;
    using iterator = typename map::iterator;
    using node = typename map::node_type;
    using batch = std::array<node, 32>;

    /// What storing a value removes: the old value of the key or, in a bounded map, the entry that
    /// is evicted for a new key.
    struct displaced {
        std::optional<Wire> value = {};
        std::conditional_t<is_bounded, node, unbounded> victim = {};
    };

    template <std::default_initializable H = Hash>
    expiring_map() : entries_() {}

    explicit expiring_map(Hash hash, eviction<Bound> policy = {})
        : eviction<Bound>(std::move(policy)), entries_(0, std::move(hash)) {}

    expiring_map(const expiring_map&) requires std::copy_constructible<Wire>
    = default;

    /// Leaves `other` empty and usable. Copies the hash: a moved-from one may hash differently.
    expiring_map(expiring_map&& other) noexcept
        : eviction<Bound>(std::move(other)), entries_(0, other.entries_.hash_function()) {
        entries_.swap(other.entries_); // NOLINT(bugprone-use-after-move): only the base was moved
    }

    expiring_map& operator=(const expiring_map& other) requires std::copy_constructible<Wire> {
        if constexpr (std::copy_constructible<Wire>) { // clang 14 may instantiate it anyway
            *this = expiring_map(other);
        }
        return *this;
    }

    /// Leaves `other` empty and usable. The old entries are destroyed last.
    expiring_map& operator=(expiring_map&& other) noexcept {
        expiring_map swapped(std::move(other));
        entries_.swap(swapped.entries_);
        eviction<Bound>::swap(swapped);
        return *this;
    }

    ~expiring_map() {
        while (!entries_.empty()) { // again if a value's destructor has stored something
            clear();
        }
    }

    /// Unlike a primitive, destroys all entries, after emptying the map. If the library cannot
    /// allocate an empty table, destroys one entry after another, and keeps the table.
    void clear() noexcept {
        [[maybe_unused]] const eviction<Bound> forgotten(static_cast<eviction<Bound>&&>(*this));
        try {
            map dead(0, entries_.hash_function());
            dead.swap(entries_);
        } catch (...) {
            for (std::size_t left = entries_.size(); left != 0 && !entries_.empty(); --left) {
                const node dead = extract(entries_.begin());
            }
        }
    }

    // Look-up

    /// The past-the-end iterator: "no such entry".
    [[nodiscard]] iterator end() { return entries_.end(); }

    /// Returns the entry of `key`, expired or not, or `end()`.
    template <class Key>
    [[nodiscard]] iterator find(const Key& key) {
        return entries_.find(key);
    }

    /// Whether `found` is an entry, and not an expired one.
    [[nodiscard]] bool is_live(iterator found, moment<Clock>& now) {
        return found != entries_.end() && !now.has_passed(found->second.deadline);
    }

    /// The same for an operation that names the key of `found`: if the entry is live, it is used.
    [[nodiscard]] bool use(iterator found, moment<Clock>& now) {
        // g++ may not inline is_live() into the many look-ups of a bounded map: a quick test first.
        const bool lasts = is_bounded && found != end() && !found->second.expiry();
        if (!lasts && !is_live(found, now)) {
            return false;
        }
        found->second.use();
        return true;
    }

    /// Returns the live entry of `key`, or `end()`. An expired one is moved into `dead`.
    template <class Key>
    [[nodiscard]] iterator find_live(const Key& key, moment<Clock>& now, node& dead) {
        const iterator found = entries_.find(key);
        if (found != entries_.end() && !use(found, now)) {
            dead = extract(found);
            return entries_.end();
        }
        return found;
    }

    // Modifiers

    /// Stores `value` and returns its entry and `true`. If `if_not_exists` and there is a live
    /// entry, returns that one and `false`, and changes nothing, not even `value`. A value that is
    /// replaced is moved into `old`, and so is an entry that is evicted for the new one. Any entry
    /// except the new one may be evicted. `key` is passed by value, because g++ would read a view
    /// passed by reference back from memory.
    template <class Key, class When>
    std::pair<iterator, bool> store(Key key,
                                    Wire& value,
                                    const When& when,
                                    bool if_not_exists,
                                    moment<Clock>& now,
                                    displaced& old) {
        const iterator found = entries_.find(key);
        if (if_not_exists && use(found, now)) {
            return {found, false};
        }
        const time_point deadline = now.resolve(when);
        if (found == entries_.end()) {
            if constexpr (is_bounded) {
                return {store_in_bound(std::move(key), value, deadline, now, old.victim), true};
            } else {
                return {store_new(std::string(std::move(key)), value, deadline), true};
            }
        }
        replace(found->second.value, value, old.value);
        found->second.use();
        found->second.deadline = deadline;
        return {found, true};
    }

    /// Gives the entry of `key` the deadline that `when` stands for. Returns the live entry, or
    /// `end()`.
    template <class Key, class When>
    iterator set_deadline(const Key& key, const When& when, moment<Clock>& now, node& dead) {
        const iterator live = find_live(key, now, dead);
        if (live != entries_.end()) {
            live->second.deadline = now.resolve(when);
        }
        return live;
    }

    /// Moves the value of `key` out, and its entry into `dead`.
    template <class Key>
    std::optional<Wire> take(const Key& key, moment<Clock>& now, node& dead) {
        std::optional<Wire> taken;
        if (const iterator live = find_live(key, now, dead); live != entries_.end()) {
            taken.emplace(std::move(live->second.value));
            dead = entries_.extract(live);
        }
        return taken;
    }

    /// Moves the entry of `key` into `dead`. Returns whether it was live.
    template <class Key>
    bool erase(const Key& key, moment<Clock>& now, node& dead) {
        const iterator live = find_live(key, now, dead);
        if (live == entries_.end()) {
            return false;
        }
        dead = entries_.extract(live);
        return true;
    }

    /// Cold, because the map's code would make some look-ups too big to be inlined.
    CACHETORY_GNU(cold) node extract(iterator found) { return entries_.extract(found); }

    /// Calls `f(key, value)`, or `f(key, value, deadline)`, for every live entry, in any order.
    template <class F>
    void for_each(F& f, moment<Clock>& now) {
        for (auto at = entries_.begin(); at != entries_.end(); ++at) {
            if (is_live(at, now)) {
                static_cast<void>(detail::visit_entry(f, at->second, std::string_view(at->first)));
            }
        }
    }

    /// Moves all expired entries into `dead`, and the live ones for which `pred`, called in the
    /// same way, is true. Adds the number of the live ones to `erased`.
    template <class Pred>
    void erase_if(Pred& pred, moment<Clock>& now, std::vector<node>& dead, std::size_t& erased) {
        for (auto at = entries_.begin(); at != entries_.end();) {
            const iterator visited = at++;
            const bool live = is_live(visited, now);
            if (!live || static_cast<bool>(detail::visit_entry(pred, visited->second,
                                                               std::string_view(visited->first)))) {
                dead.emplace_back(); // before anything has happened, because it may fail
                dead.back() = extract(visited);
                erased += live ? 1 : 0;
            }
        }
    }

    /// Moves the entry that an insertion into a full map would evict into `dead`. The map is
    /// bounded and not empty. Does not allocate.
    void evict(moment<Clock>& now, node& dead) {
        const auto chosen = this->find_victim(entries_, cursor_, entries_.hash_function(), now);
        this->forget_oldest();
        extract_victim(chosen, dead);
    }

    // Purging

    /// Makes the next purge begin at the beginning of the table.
    void rewind() noexcept { cursor_ = {}; }

    /// Moves expired entries into `dead`, from where the last purge stopped to the end of the table
    /// at most. Adds their number to `purged`.
    template <std::size_t N>
    purge_state extract_expired(purge_limit& limit,
                                moment<Clock>& now,
                                std::array<node, N>& dead,
                                std::size_t& purged) {
        return detail::purge(entries_, cursor_, limit, now, dead, purged);
    }

    // Capacity

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    [[nodiscard]] std::size_t max_entries() const noexcept requires is_bounded {
        return eviction<Bound>::max_entries();
    }

    /// Makes room for `count` entries in total, but not for many more than the bound.
    void reserve(std::size_t count) {
        count = at_most_bound(count);
        if (count > entries_.max_size()) {
            throw std::length_error("cachetory: cannot reserve room for " + std::to_string(count) +
                                    " entries");
        }
        entries_.reserve(count);
    }

private:
    /// Stores a value under a key that has no entry. Not inlined, so that overwriting is.
    CACHETORY_GNU(noinline) iterator store_new(std::string key, Wire& value, time_point deadline) {
        make_room();
        return entries_.try_emplace(std::move(key), std::move(value), deadline).first;
    }

    /// The same in a bounded map: if it is full, an entry is evicted for the new one.
    template <class Key>
    CACHETORY_GNU(noinline)
    iterator store_in_bound(
        Key key, Wire& value, time_point deadline, moment<Clock>& now, node& evicted) {
        if (entries_.size() < max_entries()) {
            return store_new(std::string(std::move(key)), value, deadline);
        }
        // Whatever can fail comes first, and changes nothing that can be observed.
        this->allocate();
        make_room();
        const Hash hash = entries_.hash_function();
        const std::size_t hashed = hash(key);         // a hashed_key has it already
        const bool returns = this->has_ghost(hashed); // early: it may have to wait for memory
        const auto chosen = this->find_victim(entries_, cursor_, hash, now);
        const iterator stored =
            entries_.try_emplace(std::string(std::move(key)), std::move(value), deadline).first;
        this->forget_oldest();
        if (returns) {
            stored->second.use();
        } else {
            stored->second.lives = worth<Bound>::newcomer;
            this->enqueue(hashed);
        }
        extract_victim(chosen, evicted);
        return stored;
    }

    template <class Victim>
    void extract_victim(const Victim& chosen, node& dead) {
        if (chosen.leaves_ghost) {
            this->leave_ghost(chosen.hash);
        }
        dead = entries_.extract(chosen.entry);
    }

    /// Grows the table as libstdc++'s map would, which does so only after moving the value away.
    void make_room() {
        const std::size_t buckets = entries_.bucket_count();
        if (entries_.size() >= buckets || buckets == 1) {
            entries_.rehash(at_most_bound(buckets < 2 ? 12 : 2 * buckets));
        }
    }

    /// Returns `count`, but at most 1.5 times the bound: the hand walks over empty buckets. (1.0
    /// times would be too few: one cache miss more for each eviction.)
    std::size_t at_most_bound(std::size_t count) const noexcept {
        if constexpr (is_bounded) {
            return count / 3 * 2 > max_entries() ? max_entries() / 2 * 3 + 3 : count;
        } else {
            return count;
        }
    }

    static void replace(Wire& stored, Wire& value, std::optional<Wire>& old) {
        if (std::addressof(stored) == std::addressof(value)) {
            return; // set(key, std::move(*find(key)))
        }
        if constexpr (std::is_trivially_destructible_v<Wire>) {
            stored = std::move(value); // destroys nothing
        } else {
            old.emplace(std::move(stored));
            try {
                stored = std::move(value);
            } catch (...) {
                stored = std::move(*old);
                throw;
            }
        }
    }

    map entries_;
    table_cursor cursor_ = {}; // where the next purge begins, and where the hand stands
};

} // namespace cachetory::detail

#endif
