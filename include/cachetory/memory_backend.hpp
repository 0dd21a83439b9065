// SPDX-License-Identifier: MIT
#ifndef CACHETORY_MEMORY_BACKEND_HPP
#define CACHETORY_MEMORY_BACKEND_HPP

#include "backend.hpp"
#include "deadline.hpp"
#include "string_hash.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cachetory {

/// A hash of keys: copyable, and transparent (`is_transparent`), so that a `std::string_view` is
/// hashed as it is. One that has been moved from must still hash, because a moved-from cache stays
/// usable.
template <class Hash>
concept key_hash = std::copyable<Hash> && requires(const Hash& hash, std::string_view key) {
    typename Hash::is_transparent;
    { hash(key) } -> std::convertible_to<std::size_t>;
};

/// A cache in memory: string keys, values of any movable type, an optional deadline for each.
///
/// An entry whose deadline has come (`deadline <= now`) is as good as absent in every operation but
/// `size` and `empty`. It is erased lazily, when an operation names its key; until then it takes
/// memory, and there is no bound on how many do: call `purge_expired` now and then where keys are
/// not used again.
///
/// References, pointers and views that an operation returns stay valid across inserts and
/// overwrites of any entry, until their own entry is erased, taken, cleared, or found expired, be
/// it by a value's destructor that the same operation runs. Changing the value through them changes
/// the entry.
///
/// A key may view a key or a value that is stored here. A value's destructor may call the backend:
/// what dies in an operation is taken out first and destroyed last. (Overwriting assigns to a value
/// that has been moved from; if a `Wire` owns things even then, these die on the way.)
///
/// Single-key operations have no effect if they fail, provided that moving a `Wire` does not throw.
/// If it does, an overwritten value may be left moved from, but never under another's deadline.
/// Bulk operations keep what they have done to the elements before the one that failed. They fail
/// if memory runs out, or with what `Wire`, `Hash` or `Clock` throw.
///
/// A single-key operation takes the time of one look-up in a `std::unordered_map`, two for an
/// insertion. It reads the clock at most once (`get_or_set`: once before its factory and once
/// after), and not at all if it meets no deadline.
///
/// Not safe to share between threads, not even for look-ups: they erase what they find expired.
template <class Wire, class Clock = std::chrono::steady_clock, class Hash = string_hash>
class memory_backend {
    static_assert(std::movable<Wire>,
                  "cachetory: values are moved in and out, so Wire must be movable");
    static_assert(key_hash<Hash>,
                  "cachetory: Hash must be copyable and transparent (is_transparent)");
    static_assert(
        requires {
            { Clock::now() } -> std::convertible_to<typename Clock::time_point>;
        },
        "cachetory: Clock must be a clock, such as std::chrono::steady_clock");

public:
    using wire_type = Wire;
    using clock = Clock;
    using time_point = typename Clock::time_point;

    /// As a limit: no limit.
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    memory_backend() = default;

    explicit memory_backend(Hash hash) : entries_(0, std::move(hash)) {}

    memory_backend(const memory_backend&) requires std::copy_constructible<Wire>
    = default;

    /// Leaves `other` empty and usable.
    memory_backend(memory_backend&& other) noexcept : entries_(std::move(other.entries_)) {
        other.entries_.clear();
    }

    memory_backend& operator=(const memory_backend& other) requires std::copy_constructible<Wire> {
        if constexpr (std::copy_constructible<Wire>) { // clang 14 may instantiate it all the same
            *this = memory_backend(other);
        }
        return *this;
    }

    /// Leaves `other` empty and usable. What was here is destroyed last.
    memory_backend& operator=(memory_backend&& other) noexcept {
        memory_backend swapped(std::move(other));
        entries_.swap(swapped.entries_);
        return *this;
    }

    ~memory_backend() {
        while (!entries_.empty()) { // again if a value's destructor has stored something
            clear();
        }
    }

    /// Makes an empty backend from the URL `memory://`. Throws `std::invalid_argument` for any
    /// other.
    [[nodiscard]] static memory_backend from_url(std::string_view url) {
        if (url != "memory://") {
            throw std::invalid_argument("not the URL of a memory backend (memory://): \"" +
                                        std::string(url) + '"');
        }
        return memory_backend();
    }

    // Look-up

    /// Returns the value of `key`. Throws `key_error` if there is none. A hit does not allocate.
    [[nodiscard]] Wire& get(std::string_view key) {
        return look_up(
            key, [](entry& found) -> Wire& { return found.value; },
            [&]() -> Wire& { throw_missing(key); });
    }

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
        return look_up(
            key,
            [](entry& found) {
                return found.deadline == never<time_point> ? std::nullopt
                                                           : std::optional(found.deadline);
            },
            [&]() -> std::optional<time_point> { throw_missing(key); });
    }

    /// Returns the keys, as views of those stored, and values of all `keys` that have one, in that
    /// order. `keys` is any range of things convertible to `std::string_view`, or a braced list. If
    /// it meets an expired entry whose value has a destructor, it looks up twice what it returns.
    template <key_range Keys = std::initializer_list<std::string_view>>
    [[nodiscard]] auto get_many(Keys&& keys)
        -> std::vector<std::pair<const std::string_view, Wire&>> {
        std::vector<std::pair<const std::string_view, Wire&>> found;
        detail::reserve_for(keys, found);
        std::vector<node> all_dead;
        moment<Clock> now;
        for (auto&& key : keys) {
            const iterator place = entries_.find(std::string_view(key));
            if (is_live(place, now)) {
                found.emplace_back(place->first, place->second.value);
            } else if (place != entries_.end()) {
                all_dead.push_back(entries_.extract(place));
            }
        }
        if (!std::is_trivially_destructible_v<Wire> && !all_dead.empty()) {
            // A destructor may erase what has been found: let them have their way, then look again.
            std::vector<std::string> names;
            names.reserve(found.size());
            for (const auto& pair : found) {
                names.emplace_back(pair.first);
            }
            found.clear();
            all_dead.clear();
            for (const std::string& name : names) {
                const iterator left = entries_.find(name);
                if (is_live(left, now)) {
                    found.emplace_back(left->first, left->second.value);
                }
            }
        }
        return found;
    }

    /// Moves the value of `key` out and erases its entry. Returns `std::nullopt` if there is none.
    std::optional<Wire> take(std::string_view key) {
        node dead;
        moment<Clock> now;
        return move_out(key, now, dead);
    }

    // Modifiers

    /// Stores `value`, replacing both value and deadline if `key` has an entry. Returns whether it
    /// was stored: always, unless `options.if_not_exists` and there is a live entry, which then
    /// stays as it is. A time to live of zero or less stores an entry that is expired already.
    bool set(std::string_view key, Wire value, set_options options = {}) {
        std::optional<Wire> dead;
        moment<Clock> now;
        return store(key, value, options, now, dead).second;
    }

    /// Stores each of `items` as `set` would, in order. Returns how many were stored. If one fails,
    /// those before it stay. `items` is any range of pairs (see `item_range`), or a braced list. No
    /// key may view a value that an earlier item replaces.
    template <item_range<Wire> Items = std::initializer_list<std::pair<std::string_view, Wire>>>
    std::size_t set_many(Items&& items, set_options options = {}) {
        std::size_t stored = 0;
        moment<Clock> now;
        for (auto&& item : items) {
            const std::string_view key = std::get<0>(item);
            Wire value = std::get<1>(detail::forward_item<Items>(item));
            std::optional<Wire> dead;
            if (store(key, value, options, now, dead).second) {
                ++stored;
            }
        }
        return stored;
    }

    /// Returns the value of `key`; if there is none, stores what `factory()` returns and returns
    /// that. `factory` may use the backend; what it stores under `key` itself stays and is
    /// returned. The time to live counts from when the value is stored.
    template <factory_of<Wire> Factory>
    Wire&
    get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        std::string kept_key; // outlives whatever `key` may view
        Wire* hit = look_up(
            key, [](entry& found) { return std::addressof(found.value); },
            [&]() -> Wire* {
                kept_key = key;
                return nullptr;
            });
        if (hit != nullptr) {
            return *hit;
        }
        std::optional<Wire> dead;
        Wire value = std::forward<Factory>(factory)();
        moment<Clock> now;
        return store(std::move(kept_key), value, {time_to_live, true}, now, dead).first;
    }

    /// Sets or, given `std::nullopt`, removes the deadline of `key`. Returns whether there was a
    /// live entry.
    bool expire_at(std::string_view key, std::optional<time_point> deadline) {
        return set_deadline(key, [&](auto&) { return deadline ? *deadline : never<time_point>; });
    }
    /// The same for a time in other ticks, rounded up, or, if `Clock` is another, one of the wall
    /// clock, which is then as far from now as it is on the wall clock: later changes to that do
    /// not move it.
    template <deadline_clock<Clock> C, class Duration>
    bool expire_at(std::string_view key, std::chrono::time_point<C, Duration> deadline) {
        return set_deadline(key, [&](moment<Clock>& now) { return now.at(deadline); });
    }
    template <deadline_clock<Clock> C, class Duration>
    bool expire_at(std::string_view key,
                   std::optional<std::chrono::time_point<C, Duration>> deadline) {
        return deadline ? expire_at(key, *deadline) : expire_at(key, std::nullopt);
    }

    /// Lets the entry of `key` live for `time_to_live` from now on, given `std::nullopt` forever.
    /// Returns whether there was a live entry.
    bool expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return set_deadline(key, [&](moment<Clock>& now) { return now.after(time_to_live); });
    }

    /// Erases the entry of `key`. Returns whether there was a live one.
    bool erase(std::string_view key) {
        node dead;
        moment<Clock> now;
        return extract(key, now, dead);
    }

    /// Erases the entries of all `keys`. Returns how many live ones there were. No key may view
    /// what belongs to the entry of an earlier one.
    template <key_range Keys = std::initializer_list<std::string_view>>
    std::size_t erase_many(Keys&& keys) {
        std::size_t erased = 0;
        moment<Clock> now;
        for (auto&& key : keys) {
            node dead;
            if (extract(std::string_view(key), now, dead)) {
                ++erased;
            }
        }
        return erased;
    }

    /// Erases all entries, and gives back the table's memory. Complexity: linear.
    void clear() noexcept {
        const map dead = std::move(entries_);
        entries_.clear();
    }

    /// Erases expired entries. Returns how many.
    ///
    /// Visits at most `max_visits` entries and at most eight times as many buckets, and goes on
    /// where the last call stopped: repeated calls sweep everything, each with a bounded pause. So
    /// a result of 0 does not mean that nothing is left, unless the visits were `unlimited`. If it
    /// fails, what has been erased stays erased.
    std::size_t purge_expired(std::size_t max_visits = unlimited) {
        sweep_budget left = sweep_budget::of(max_visits);
        moment<Clock> now;
        std::size_t walked = 0;
        std::size_t purged = 0;
        for (;;) {
            batch dead;
            const std::size_t count = extract_expired(left, walked, now, dead);
            purged += count;
            if (count < dead.size()) {
                return purged;
            }
        }
    }

    // Capacity

    /// How many entries there are, counting those that are expired but not erased yet.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// Whether `size()` is 0.
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    /// Makes room for `entries` entries in all. Throws `std::length_error` or `std::bad_alloc` if
    /// it can't.
    void reserve(std::size_t entries) {
        if (entries > entries_.max_size()) {
            throw std::length_error("cachetory: cannot reserve room for " +
                                    std::to_string(entries) + " entries");
        }
        entries_.reserve(entries);
    }

private:
    template <backend Backend>
    friend class async_backend;
    template <class, class, class, class>
    friend class concurrent_memory_backend;

    struct entry {
        entry(Wire&& initial, time_point when) : value(std::move(initial)), deadline(when) {}

        Wire value;
        time_point deadline;
    };

    struct equal_keys {
        using is_transparent = void;

        bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
    };

    using map = std::unordered_map<std::string, entry, Hash, equal_keys>;
    using iterator = typename map::iterator;

    // The primitives below destroy nothing, unless they are the whole operation: what dies, they
    // hand to their caller, who destroys it when the operation is done (and, where there is a lock,
    // after unlocking).
    using node = typename map::node_type;
    using batch = std::array<node, 32>;

    /// Whether there is an entry at `place`, and not an expired one.
    bool is_live(iterator place, moment<Clock>& now) {
        return place != entries_.end() && !now.has_passed(place->second.deadline);
    }

    /// Returns the place of the live entry of `key`, or `end()`. An expired one is taken out into
    /// `dead`.
    template <class Key>
    iterator find_live(const Key& key, moment<Clock>& now, node& dead) {
        const iterator found = entries_.find(key);
        if (found != entries_.end() && !is_live(found, now)) {
            dead = take_out(found);
            return entries_.end();
        }
        return found;
    }

    // A function of its own and cold, or compilers inline the map's code for it into some look-ups
    // and, for its size, do not inline others at all.
    [[gnu::cold]] node take_out(iterator expired) { return entries_.extract(expired); }

    /// Returns `hit(entry&)`, or `miss()` if `key` has no live entry, as a complete operation. Not
    /// by find_live(), for a hit should not have to prepare for the dead; and `key` by reference,
    /// for its copies would be in memory, too.
    template <class Hit, class Miss>
    auto look_up(const std::string_view& key, Hit hit, Miss miss) -> decltype(miss()) {
        const iterator found = entries_.find(key);
        if (found == entries_.end()) {
            return miss();
        }
        moment<Clock> now;
        if (is_live(found, now)) {
            return hit(found->second);
        }
        const node dead = take_out(found); // dies after miss(), for `key` may view it
        return miss();
    }

    /// Stores `value` and returns `true` with the value's new place; or, if `options` forbid it,
    /// returns `false` with the place of the one in the way. A replaced value is moved to `dead`.
    template <class Key> // by value: a string_view passed by reference is read back from memory
    std::pair<Wire&, bool> store(Key key,
                                 Wire& value,
                                 const set_options& options,
                                 moment<Clock>& now,
                                 std::optional<Wire>& dead) {
        const iterator found = entries_.find(key);
        if (found == entries_.end()) {
            const time_point deadline = now.after(options.time_to_live);
            return {insert(std::string(std::move(key)), value, deadline), true};
        }
        entry& old = found->second;
        if (options.if_not_exists && is_live(found, now)) {
            return {old.value, false};
        }
        const time_point deadline = now.after(options.time_to_live);
        replace(old.value, value, dead);
        old.deadline = deadline;
        return {old.value, true};
    }

    /// Stores a value under a key that has no entry. Not inlined, so that overwriting is.
    [[gnu::noinline]] Wire& insert(std::string key, Wire& value, time_point deadline) {
        make_room();
        const auto inserted = entries_.try_emplace(std::move(key), std::move(value), deadline);
        return inserted.first->second.value;
    }

    /// Sees to it that the table need not grow for the next entry: the map would grow after having
    /// moved the value into a node, and if that failed, the value would die in there.
    void make_room() {
        if (entries_.size() >= entries_.bucket_count() || entries_.bucket_count() == 1) {
            entries_.reserve(2 * entries_.size() + 12);
        }
    }

    static void replace(Wire& old, Wire& value, std::optional<Wire>& dead) {
        if constexpr (std::is_trivially_destructible_v<Wire>) {
            old = std::move(value); // nothing dies
        } else {
            dead.emplace(std::move(old));
            try {
                old = std::move(value);
            } catch (...) {
                old = std::move(*dead);
                throw;
            }
        }
    }

    template <class Key>
    std::optional<Wire> move_out(const Key& key, moment<Clock>& now, node& dead) {
        std::optional<Wire> taken;
        if (const iterator live = find_live(key, now, dead); live != entries_.end()) {
            taken.emplace(std::move(live->second.value));
            dead = entries_.extract(live);
        }
        return taken;
    }

    /// Sets the deadline to what `make_deadline(now)` returns.
    template <class Key, class MakeDeadline>
    bool set_deadline(const Key& key, MakeDeadline make_deadline, moment<Clock>& now, node& dead) {
        const iterator live = find_live(key, now, dead);
        if (live == entries_.end()) {
            return false;
        }
        live->second.deadline = make_deadline(now);
        return true;
    }

    template <class MakeDeadline>
    bool set_deadline(std::string_view key, MakeDeadline make_deadline) {
        node dead;
        moment<Clock> now;
        return set_deadline(key, std::move(make_deadline), now, dead);
    }

    template <class Key>
    bool extract(const Key& key, moment<Clock>& now, node& dead) {
        const iterator live = find_live(key, now, dead);
        if (live == entries_.end()) {
            return false;
        }
        dead = entries_.extract(live);
        return true;
    }

    /// What is left of one call of `purge_expired`. An empty bucket costs much less than an entry.
    struct sweep_budget {
        static sweep_budget of(std::size_t max_visits) {
            return {max_visits, max_visits < unlimited / 8 ? max_visits * 8 : unlimited};
        }

        std::size_t entries;
        std::size_t buckets;
    };

    /// Takes out expired entries, from the cursor on, until `left` is used up, all buckets have
    /// been `walked` over, or `dead` is full: only then is there more to do. Returns how many. Goes
    /// bucket by bucket, for only so can it stop and go on; and takes out by key, for that is all
    /// that there is to be had from a bucket's iterator.
    std::size_t
    extract_expired(sweep_budget& left, std::size_t& walked, moment<Clock>& now, batch& dead) {
        std::size_t count = 0;
        // The bucket that the cursor begins in is seen twice, for its beginning may have been left
        // out.
        for (; left.buckets != 0 && walked <= entries_.bucket_count() && !entries_.empty();
             --left.buckets, ++walked) {
            if (cursor_.bucket >= entries_.bucket_count()) {
                cursor_ = {};
            }
            auto visited = entries_.begin(cursor_.bucket);
            const auto last = entries_.end(cursor_.bucket);
            for (std::size_t i = 0; i != cursor_.position && visited != last; ++i) {
                ++visited;
            }
            while (visited != last) {
                if (left.entries == 0 || count == dead.size()) {
                    return count;
                }
                --left.entries;
                const auto& [key, visited_entry] = *visited;
                ++visited;
                if (now.has_passed(visited_entry.deadline)) {
                    dead[count++] = entries_.extract(key);
                } else {
                    ++cursor_.position;
                }
            }
            cursor_ = {cursor_.bucket + 1, 0};
        }
        return count;
    }

    [[noreturn]] static void throw_missing(std::string_view key) { throw key_error(key); }

    /// Where `purge_expired` goes on: a bucket, and how many of its entries have been visited. A
    /// position rather than an iterator, because nothing can invalidate it, not even another table
    /// taking the place of this one; what it misses then, the next round meets.
    struct sweep_cursor {
        std::size_t bucket = 0;
        std::size_t position = 0;
    };

    map entries_;
    sweep_cursor cursor_;
};

} // namespace cachetory

#endif
