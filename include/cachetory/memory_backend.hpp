// SPDX-License-Identifier: MIT
#ifndef CACHETORY_MEMORY_BACKEND_HPP
#define CACHETORY_MEMORY_BACKEND_HPP

#include "backend.hpp"
#include "detail/deadline.hpp"
#include "detail/eviction.hpp"
#include "detail/expiring_map.hpp"
#include "detail/hashed_key.hpp"
#include "detail/memory_url.hpp"
#include "detail/purge.hpp"
#include "detail/visitor.hpp"
#include "string_hash.hpp"
#include "version.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cachetory {

/// A cache in memory: string keys, values of any movable type, an optional deadline for each.
///
/// `Wire` is the type of the values. Every operation except `size` and `empty` treats an entry
/// whose deadline has come (`deadline <= now`) as absent. It is erased lazily, when an operation
/// names its key; until then it takes memory. If keys are not used again, call `purge_expired` now
/// and then, or use a `bounded_memory_backend`.
///
/// A bounded cache never holds more than `max_entries()` entries. Storing a new key in a full one
/// evicts another entry: an expired one, or one that has not been used for a long time.
/// docs/eviction.md describes the policy. `set` always stores, the entry just stored is never
/// evicted, and overwriting evicts nothing.
///
/// References, pointers and views that an operation returns stay valid across inserts and
/// overwrites of any entry, until their own entry is erased, taken, cleared, or found expired,
/// including by a value's destructor run inside the same call. In a bounded cache they stay valid
/// until a new key is stored, or `evict` is called. Moving the cache keeps them valid. Changing the
/// value through them changes the entry.
///
/// A key may view a key or a value that is stored here. A value's destructor may call the backend:
/// values are moved out before anything is destroyed. (Overwriting assigns to a moved-from value;
/// whatever that still owns is destroyed during the assignment.)
///
/// Operations fail if memory runs out, or if `Wire`, `Hash`, `Clock` or a function given to them
/// throws. An operation on one key that fails has no effect but that of the function, and evicts
/// nothing, provided that moving a `Wire` does not throw. Otherwise an overwritten value may be
/// left moved from, but never with another value's deadline. A bulk operation that fails keeps what
/// it has done to the elements before the failure.
///
/// An operation on one key takes one look-up in a `std::unordered_map`; an insertion takes two. It
/// reads the clock at most once (`get_or_set`: once before its factory and once after), and not at
/// all if it meets no deadline.
/// Not safe to share between threads, not even for look-ups: they erase what they find expired.
template <class Wire,
          class Clock = std::chrono::steady_clock,
          class Hash = string_hash,
          class Bound = unbounded>
class memory_backend {
    using core = detail::expiring_map<Wire, Clock, detail::map_hash<Hash, Bound>, Bound>;
    using moment = detail::moment<Clock>;
    using node = typename core::node;

public:
    using wire_type = Wire;
    using clock = Clock;
    using time_point = typename Clock::time_point;

    /// Passed as a limit: no limit.
    static constexpr std::size_t unlimited = detail::purge_limit::unlimited;

    // Templates, because clang 14 would instantiate other members even if their constraints fail.

    /// Makes an empty cache without a bound.
    template <std::same_as<unbounded> B = Bound>
    requires std::default_initializable<Hash> memory_backend() : entries_() {}

    template <std::same_as<unbounded> B = Bound>
    explicit memory_backend(Hash hash) : entries_(std::move(hash)) {}

    /// A cache without a bound takes no number, even if a number converts to `Hash`.
    template <std::same_as<unbounded> B = Bound>
    explicit memory_backend(std::size_t max_entries) = delete;

    /// Makes an empty cache that never holds more than `max_entries` entries. Throws
    /// `std::invalid_argument` if that is 0.
    template <std::same_as<bounded> B = Bound>
    explicit memory_backend(std::size_t max_entries, Hash hash = {})
        : entries_(detail::hash_once<Hash>{std::move(hash)}, detail::eviction<B>(max_entries)) {}

    // Copyable if Wire is. Moves are noexcept, and leave an empty cache that can be used and keeps
    // its bound.

    /// Makes an empty backend from the URL `memory://` or, if it is bounded,
    /// `memory://?max_entries=1000`. Throws `std::invalid_argument` for any other URL.
    [[nodiscard]] static memory_backend from_url(std::string_view url) {
        return detail::from_memory_url<memory_backend, Bound>(url);
    }

    // Look-up

    /// Returns the value of `key`. Throws `key_error` if there is none. A hit does not allocate.
    [[nodiscard]] Wire& get(std::string_view key) { return live_entry(key).value; }

    /// Returns the address of the value of `key`, or `nullptr`. Never allocates.
    [[nodiscard]] Wire* find(std::string_view key) {
        return look_up(
            key, [](entry& found) { return std::addressof(found.value); },
            []() -> Wire* { return nullptr; });
    }

    /// Returns whether `key` has a value. Never allocates.
    [[nodiscard]] bool contains(std::string_view key) { return find(key) != nullptr; }

    /// Returns when the entry of `key` expires, `std::nullopt` if never. Throws `key_error` if
    /// there is none.
    [[nodiscard]] std::optional<time_point> deadline(std::string_view key) {
        return live_entry(key).expiry();
    }

    /// Returns the stored keys (as views) and values of all `keys` that have a value, in that
    /// order, and twice if asked twice. `keys` is any range of things convertible to
    /// `std::string_view`, or a braced list. If it meets an expired entry whose value has a
    /// destructor, it looks each returned key up again.
    template <key_range Keys = std::initializer_list<std::string_view>>
    [[nodiscard]] auto get_many(Keys&& keys)
        -> std::vector<std::pair<const std::string_view, Wire&>> {
        std::vector<std::pair<const std::string_view, Wire&>> hits;
        detail::reserve_for(keys, hits);
        std::vector<node> dead;
        moment now;
        for (auto&& key : keys) {
            const iterator found = entries_.find(std::string_view(key));
            if (entries_.use(found, now)) {
                hits.emplace_back(found->first, found->second.value);
            } else if (found != entries_.end()) {
                dead.push_back(entries_.extract(found));
            }
        }
        if (!std::is_trivially_destructible_v<Wire> && !dead.empty()) {
            // A destructor may erase what has been found: run the destructors first, then look the
            // survivors up again.
            std::vector<std::string> names;
            for (const auto& pair : hits) {
                names.emplace_back(pair.first);
            }
            hits.clear();
            dead.clear();
            for (const std::string& name : names) {
                const iterator found = entries_.find(std::string_view(name));
                if (entries_.is_live(found, now)) {
                    hits.emplace_back(found->first, found->second.value);
                }
            }
        }
        return hits;
    }

    /// Finds the value of `key` and gives it a new time to live from now on (`std::nullopt`:
    /// forever). Sliding expiry. Returns the value's address, or `nullptr`. Never allocates. With a
    /// time to live of zero or less, the address is valid until something erases the expired entry.
    Wire* touch(std::string_view key, std::optional<ttl> time_to_live) {
        node dead;
        moment now;
        const iterator live = entries_.set_deadline(key, time_to_live, now, dead);
        return live != entries_.end() ? std::addressof(live->second.value) : nullptr;
    }

    /// Calls `f(value)`, or `f(value, deadline)` with an `std::optional<time_point>` if it takes
    /// one. Returns whether `key` had a value. `f` must not call the backend.
    template <detail::visitor<time_point, Wire&> F>
    bool visit(std::string_view key, F&& f) {
        return look_up(
            key,
            [&](entry& found) {
                static_cast<void>(detail::visit_entry(std::forward<F>(f), found));
                return true;
            },
            [] { return false; });
    }

    /// Returns `hit(value)`, or `miss()` if `key` has no value; both return the same type. For
    /// adaptors: when `miss` runs, an expired entry has left the cache but is not destroyed yet, so
    /// `key` may view it. `hit` must not call the backend.
    template <class Hit, std::invocable Miss>
    requires std::is_invocable_r_v<std::invoke_result_t<Miss&>, Hit&, Wire&> auto
    visit(const std::string_view& key, Hit hit, Miss miss) -> std::invoke_result_t<Miss&> {
        return look_up(
            key, [&](entry& found) -> std::invoke_result_t<Miss&> { return hit(found.value); },
            miss);
    }

    /// Calls `f(key, value)`, or `f(key, value, deadline)` if it takes that, for every live entry,
    /// in any order. `f` may change the value; it must not call the backend. Complexity: linear in
    /// the entries and the table's buckets.
    template <detail::walking_visitor<time_point, std::string_view, Wire&> F>
    void for_each(F f) {
        moment now;
        entries_.for_each(f, now);
    }

    /// Moves the value of `key` out and erases its entry. Returns `std::nullopt` if there is none.
    std::optional<Wire> take(std::string_view key) {
        node dead;
        moment now;
        return entries_.take(key, now, dead);
    }

    // Modifiers

    /// Stores `value`, replacing both value and deadline if `key` has an entry. Returns whether it
    /// was stored: always, unless `options.if_not_exists` and there is a live entry, which then
    /// stays as it is. A time to live of zero or less stores an entry that is expired already.
    ///
    /// An rvalue `Wire` is moved from only if it is stored. Anything else is converted or copied
    /// first.
    template <std::convertible_to<Wire> V = Wire>
    bool set(std::string_view key, V&& value, set_options options = {}) {
        return store(key, std::forward<V>(value), options.time_to_live, options.if_not_exists);
    }

    /// The same with a time to live only: `30min`, a `ttl`, an optional, or `std::nullopt`.
    template <std::convertible_to<Wire> V = Wire, std::convertible_to<std::optional<ttl>> T>
    bool set(std::string_view key, V&& value, T time_to_live) {
        return store(key, std::forward<V>(value), std::optional<ttl>(time_to_live), false);
    }

    /// The same with a deadline, which is taken as `expire_at` takes it.
    template <std::convertible_to<Wire> V = Wire, detail::deadline_clock<Clock> C, class Duration>
    bool set(std::string_view key, V&& value, std::chrono::time_point<C, Duration> deadline) {
        return store(key, std::forward<V>(value), deadline, false);
    }

    /// Stores each of `items` as `set` would, in order. Returns how many were stored; a value that
    /// is refused stays in its range. `items` is any range of pairs (see `item_range`), or a braced
    /// list. No key or value may view what an earlier item replaces (bounded: anything stored).
    template <item_range<Wire> Items = std::initializer_list<std::pair<std::string_view, Wire>>>
    std::size_t set_many(Items&& items, set_options options = {}) {
        std::size_t stored = 0;
        moment now;
        for (auto&& item : items) {
            const std::string_view key = std::get<0>(item);
            auto&& value = detail::as_wire<Wire>(std::get<1>(detail::forward_item<Items>(item)));
            typename core::displaced old;
            stored += std::size_t(
                entries_.store(key, value, options.time_to_live, options.if_not_exists, now, old)
                    .second);
        }
        return stored;
    }

    /// Returns the value of `key`; if there is none, stores what `factory()` returns and returns
    /// that. A factory that returns `expiring<Wire>` decides the time to live, which counts from
    /// when the value is stored. `factory` may use the backend. A value that it stores under `key`
    /// itself stays and is returned. If it throws, nothing is stored.
    template <factory_of<Wire> Factory>
    Wire&
    get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        std::string kept_key; // outlives whatever `key` may view
        const auto hit = [](Wire& found) { return std::addressof(found); };
        const auto miss = [&]() -> Wire* { return kept_key = key, nullptr; };
        if (Wire* const found = visit(key, hit, miss)) {
            return *found;
        }
        Wire value = cachetory::make_wire<Wire>(std::forward<Factory>(factory), time_to_live);
        typename core::displaced old;
        moment now;
        return entries_.store(std::move(kept_key), value, time_to_live, true, now, old)
            .first->second.value;
    }

    /// Stores `value` as `set` does, and returns `true`. If `key` has a value already, calls
    /// `f(value)` on that, or `f(value, deadline)` if it takes a deadline, and returns `false`; the
    /// deadline and an rvalue given stay as they are. One look-up. `f` must not call the backend.
    template <std::convertible_to<Wire> V = Wire, detail::visitor<time_point, Wire&> F>
    bool
    set_or_visit(std::string_view key, V&& value, F&& f, std::optional<ttl> time_to_live = {}) {
        auto&& made = detail::as_wire<Wire>(std::forward<V>(value));
        typename core::displaced old;
        moment now;
        const auto [live, stored] = entries_.store(key, made, time_to_live, true, now, old);
        if (!stored) {
            static_cast<void>(detail::visit_entry(std::forward<F>(f), live->second));
        }
        return stored;
    }

    /// Sets the deadline of `key`, or removes it (`std::nullopt`). Returns whether there was a live
    /// entry.
    bool expire_at(std::string_view key, std::optional<time_point> deadline) {
        return set_deadline(key, deadline);
    }
    /// The same for other ticks, which are rounded up, and for times of the wall clock, which are
    /// converted now: setting the wall clock later does not move the deadline.
    template <detail::deadline_of<Clock> Deadline>
    bool expire_at(std::string_view key, Deadline deadline) {
        return set_deadline(key, deadline);
    }

    /// Gives the entry of `key` a new time to live from now on (`std::nullopt`: forever). Returns
    /// whether there was a live entry.
    bool expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return set_deadline(key, time_to_live);
    }

    /// Erases the entry of `key`. Returns whether there was a live one.
    bool erase(std::string_view key) {
        node dead;
        moment now;
        return entries_.erase(key, now, dead);
    }

    /// Erases the entries of all `keys`. Returns how many live ones there were. No key may view
    /// data of the entry of an earlier key.
    template <key_range Keys = std::initializer_list<std::string_view>>
    std::size_t erase_many(Keys&& keys) {
        std::size_t erased = 0;
        moment now;
        for (auto&& key : keys) {
            node dead;
            erased += std::size_t(entries_.erase(std::string_view(key), now, dead));
        }
        return erased;
    }

    /// Erases the entries for which `pred(key, value)`, or `pred(key, value, deadline)` if it takes
    /// that, returns `true`. Returns how many. Calls `pred` exactly once for each live entry, in
    /// any order; expired entries are erased without it and not counted. `pred` may change the
    /// value; it must not call the backend. Values are destroyed when all entries have been
    /// visited. Complexity: linear in the entries and the table's buckets.
    template <detail::walking_visitor<time_point, std::string_view, Wire&> Pred>
    std::size_t erase_if(Pred pred) {
        std::vector<node> dead;
        moment now;
        std::size_t erased = 0;
        entries_.erase_if(pred, now, dead, erased);
        return erased;
    }

    /// Erases all entries, and frees the table's memory if there is memory for an empty table.
    void clear() noexcept { entries_.clear(); }

    /// Erases expired entries. Returns how many. Visits at most `max_visits` entries and at most
    /// eight times as many buckets, and resumes where the last call (or eviction) stopped: repeated
    /// calls purge everything, each with a bounded pause. So a result of 0 does not mean that
    /// nothing is left, unless the visits were `unlimited`.
    std::size_t purge_expired(std::size_t max_visits = unlimited) {
        std::size_t purged = 0;
        moment now;
        detail::purge_limit limit(max_visits);
        if (max_visits == unlimited) {
            entries_.rewind();
        }
        for (auto state = detail::purge_state::interrupted;
             state == detail::purge_state::interrupted;) {
            typename core::batch dead;
            state = entries_.extract_expired(limit, now, dead, purged);
        }
        return purged;
    }

    /// Evicts `count` entries as insertions would, or all if there are fewer. Returns how many.
    /// Only for bounded caches, for example to keep within a budget of bytes. Never allocates.
    template <std::same_as<bounded> B = Bound>
    std::size_t evict(std::size_t count) {
        moment now;
        std::size_t evicted = 0;
        for (; evicted != count && !entries_.empty(); ++evicted) {
            node dead;
            entries_.evict(now, dead);
        }
        return evicted;
    }

    // Capacity

    /// How many entries there are, counting those that are expired but not erased yet.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Whether `size()` is 0.
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    /// How many entries there may be. Only for bounded caches.
    template <std::same_as<bounded> B = Bound>
    [[nodiscard]] std::size_t max_entries() const noexcept {
        return entries_.max_entries();
    }

    /// Makes room for `entries` entries in total, but for no more than the bound. Throws
    /// `std::length_error` or `std::bad_alloc` if it cannot.
    void reserve(std::size_t entries) { entries_.reserve(entries); }

private:
    using entry = typename core::entry;
    using iterator = typename core::iterator;

    /// Returns `hit(entry&)`, or `miss()` if `key` has no live entry, as a complete operation. Does
    /// not use `find_live`, so that a hit need not prepare a node handle.
    template <class Hit, class Miss> // by reference: a copy of `key` would be spilled to the stack
    auto look_up(const std::string_view& key, Hit hit, Miss miss) -> decltype(miss()) {
        const iterator found = entries_.find(key);
        if (found == entries_.end()) {
            return miss();
        }
        moment now;
        if (entries_.use(found, now)) {
            return hit(found->second);
        }
        const node dead = entries_.extract(found); // destroyed after miss(): `key` may view it
        return miss();
    }

    entry& live_entry(const std::string_view& key) {
        return look_up(
            key, [](entry& found) -> entry& { return found; },
            [&]() -> entry& { detail::throw_missing(key); });
    }

    template <class V, class When>
    bool store(std::string_view key, V&& value, const When& when, bool if_not_exists) {
        auto&& made = detail::as_wire<Wire>(std::forward<V>(value));
        typename core::displaced old;
        moment now;
        return entries_.store(key, made, when, if_not_exists, now, old).second;
    }

    template <class When>
    bool set_deadline(std::string_view key, const When& when) {
        node dead;
        moment now;
        return entries_.set_deadline(key, when, now, dead) != entries_.end();
    }

    core entries_;
};

/// A `memory_backend` that never holds more entries than the `max_entries` of its constructor.
template <class Wire, class Clock = std::chrono::steady_clock, class Hash = string_hash>
using bounded_memory_backend = memory_backend<Wire, Clock, Hash, bounded>;

} // namespace cachetory

#endif
