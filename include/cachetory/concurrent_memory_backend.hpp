// SPDX-License-Identifier: MIT
#ifndef CACHETORY_CONCURRENT_MEMORY_BACKEND_HPP
#define CACHETORY_CONCURRENT_MEMORY_BACKEND_HPP

#include "backend.hpp"
#include "detail/adaptive_mutex.hpp"
#include "detail/deadline.hpp"
#include "detail/eviction.hpp"
#include "detail/memory_url.hpp"
#include "detail/purge.hpp"
#include "detail/sharded_map.hpp"
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
#include <utility>
#include <vector>

namespace cachetory {

/// The cache of `memory_backend`, safe to share between threads.
///
/// Entries are spread over shards, each a table with its own mutex, so that threads that use
/// different keys seldom contend. An operation on one key is atomic: it takes effect at one
/// instant, while it holds the lock of its key's shard. It holds that lock for one look-up and no
/// longer. Bulk operations, `clear`, `size`, `empty`, `reserve`, `for_each`, `erase_if`,
/// `purge_expired` and `evict` are not atomic as a whole: they take one lock after another, never
/// two at once, and other threads may act in between.
///
/// No reference outlives its lock: look-ups return copies, and `visit` works on the value in place.
/// Even look-ups exclude each other, because they erase what they find expired.
///
/// The promises of `memory_backend` hold here, except those about references and about keys that
/// view stored data. The clock is read at most once for each lock taken, while the lock is held.
/// Values are destroyed after unlocking, so their destructors may call the backend. (What a value
/// still owns after it has been moved from is destroyed under the lock when the value is
/// overwritten.) The clock, the hash function, the copy and move operations of values and the
/// function given to `visit` must not call it: they run under the lock, and the thread would wait
/// for itself.
///
/// `Hash` is called by several threads at once. The upper half of its result chooses the shard.
/// `Mutex` has a default constructor, `lock` and `unlock`, as `std::mutex` has. The default spins
/// for a moment, then sleeps.
template <class Wire,
          class Clock = std::chrono::steady_clock,
          class Hash = string_hash,
          class Mutex = detail::default_mutex,
          class Bound = unbounded>
class concurrent_memory_backend {
    using map = detail::sharded_map<Wire, Clock, Hash, Mutex, Bound>;
    using operation = typename map::operation;
    using entry = typename map::entry;

public:
    using wire_type = Wire;
    using clock = Clock;
    using time_point = typename Clock::time_point;

    /// Passed as a limit: no limit.
    static constexpr std::size_t unlimited = detail::purge_limit::unlimited;
    /// Far more than the threads that run at once on most machines, because contention is
    /// expensive. A shard takes 128 bytes (with pointers of 64 bits, the mutex that is the default
    /// on Linux and no bound), so an empty cache takes 64 KiB. Pass a smaller number if there are
    /// many small caches, and a larger one if dozens of cores share a cache.
    static constexpr std::size_t default_shards = 512;

    // Templates, because clang 14 would instantiate other members even if their constraints fail.

    /// Makes an empty cache without a bound.
    template <std::same_as<unbounded> B = Bound>
    requires std::default_initializable<Hash> concurrent_memory_backend()
        : shards_(default_shards, Hash()) {}

    /// Makes an empty cache without a bound. The number counts shards, not entries. Throws
    /// `std::invalid_argument` if it is 0.
    template <std::same_as<unbounded> B = Bound>
    explicit concurrent_memory_backend(std::size_t shards, Hash hash = {})
        : shards_(shards, hash) {}

    /// Makes an empty cache that never holds more than `max_entries` entries, in as many shards as
    /// leave each at least 64. The number counts entries, not shards. Throws
    /// `std::invalid_argument` if it is 0.
    template <std::same_as<bounded> B = Bound>
    explicit concurrent_memory_backend(std::size_t max_entries)
        : shards_(max_entries, shards_for(max_entries), Hash()) {}

    /// The same with `shards` shards. Each has its share of the entries: a full shard evicts even
    /// if others have room. Throws `std::invalid_argument` if `shards` is 0 or greater than
    /// `max_entries`.
    template <std::same_as<bounded> B = Bound>
    concurrent_memory_backend(std::size_t max_entries, std::size_t shards, Hash hash = {})
        : shards_(max_entries, shards, hash) {}

    // Not copyable, not movable: another thread might be inside. Share it by reference.
    concurrent_memory_backend(const concurrent_memory_backend&) = delete;
    concurrent_memory_backend& operator=(const concurrent_memory_backend&) = delete;

    ~concurrent_memory_backend() {
        while (!empty()) { // again if a value's destructor has stored something
            clear();
        }
    }

    /// Same as `memory_backend::from_url`.
    [[nodiscard]] static concurrent_memory_backend from_url(std::string_view url) {
        return detail::from_memory_url<concurrent_memory_backend, Bound>(url);
    }

    // Look-up

    /// Returns a copy of the value of `key`. Throws `key_error` if there is none. Atomic.
    template <std::copy_constructible W = Wire>
    [[nodiscard]] W get(std::string_view key) {
        if (std::optional<W> found = find(key)) {
            return *std::move(found);
        }
        detail::throw_missing(key);
    }

    /// Returns a copy of the value of `key`, or `std::nullopt`. Atomic.
    template <std::copy_constructible W = Wire>
    [[nodiscard]] std::optional<W> find(std::string_view key) {
        return shards_.template copy<W>(key);
    }

    /// Finds the value of `key` and gives it a new time to live from now on (`std::nullopt`:
    /// forever). Sliding expiry. Returns a copy of the value, or `std::nullopt`. If the time to
    /// live is zero or less, the entry has then expired. Atomic.
    template <std::copy_constructible W = Wire>
    std::optional<W> touch(std::string_view key, std::optional<ttl> time_to_live) {
        std::optional<W> found; // destroyed after unlocking if anything fails
        operation here(shards_, key);
        if (entry* const live = here.find()) {
            found.emplace(live->value);
            live->deadline = here.resolve(time_to_live);
        }
        return found;
    }

    /// Calls `f(value)`, or `f(value, deadline)` with an `std::optional<time_point>` if it takes
    /// one, on the stored value of `key` under the lock. Returns whether there was one. Atomic.
    /// Exceptions of `f` propagate. Its result is destroyed, after unlocking if the result can be
    /// moved. `f` must not call this backend, must not keep the reference, and must not destroy
    /// anything that might call this backend: move that out, or return it. `f` should be short,
    /// because it blocks every thread whose key is in the same shard.
    template <detail::visitor<time_point, Wire&> F>
    bool visit(std::string_view key, F&& f) {
        detail::dropped_result<F, entry> dropped; // after unlocking
        return shards_.look_up(key, [&](entry& live) { dropped.keep(std::forward<F>(f), live); });
    }

    /// Calls `f(key, value)`, or `f(key, value, deadline)` if it takes that, for every live entry,
    /// in any order. Goes shard by shard, under one lock at a time: `f` must not call this backend,
    /// must not keep references, and must not destroy or return anything that might call this
    /// backend.
    template <detail::walking_visitor<time_point, std::string_view, Wire&> F>
    void for_each(F f) {
        shards_.for_each(f);
    }

    /// Returns whether `key` has a value. Atomic.
    [[nodiscard]] bool contains(std::string_view key) {
        return visit(key, [](const Wire&) {});
    }

    /// Returns when the entry of `key` expires, `std::nullopt` if never. Throws `key_error` if
    /// there is none. Atomic.
    [[nodiscard]] std::optional<time_point> deadline(std::string_view key) {
        {
            operation here(shards_, key);
            if (const entry* const live = here.find()) {
                return live->expiry();
            }
        }
        detail::throw_missing(key);
    }

    /// Returns copies of the keys and values of all `keys` that have one, in that order. Atomic for
    /// each key, not as a whole.
    template <key_range Keys = std::initializer_list<std::string_view>,
              std::copy_constructible W = Wire>
    [[nodiscard]] auto get_many(Keys&& keys) -> std::vector<std::pair<std::string, W>> {
        std::vector<std::pair<std::string, W>> found;
        detail::reserve_for(keys, found);
        for (auto&& key : keys) {
            const std::string_view view = key;
            if (std::optional<W> value = find(view)) {
                found.emplace_back(view, *std::move(value));
            }
        }
        return found;
    }

    /// Moves the value of `key` out and erases its entry. Returns `std::nullopt` if there is none.
    /// Atomic.
    std::optional<Wire> take(std::string_view key) {
        operation here(shards_, key);
        return here.take();
    }

    // Modifiers

    /// Same as `memory_backend::set`, in all its forms. Atomic: if several threads store with
    /// `if_not_exists`, exactly one succeeds. `value` is converted or copied before the shard is
    /// locked.
    template <std::convertible_to<Wire> V = Wire>
    bool set(std::string_view key, V&& value, set_options options = {}) {
        return store(key, std::forward<V>(value), options.time_to_live, options.if_not_exists);
    }
    template <std::convertible_to<Wire> V = Wire, std::convertible_to<std::optional<ttl>> T>
    bool set(std::string_view key, V&& value, T time_to_live) {
        return store(key, std::forward<V>(value), std::optional<ttl>(time_to_live), false);
    }
    template <std::convertible_to<Wire> V = Wire, detail::deadline_clock<Clock> C, class Duration>
    bool set(std::string_view key, V&& value, std::chrono::time_point<C, Duration> deadline) {
        return store(key, std::forward<V>(value), deadline, false);
    }

    /// Stores each of `items` as `set` would, in order. Returns how many were stored. Atomic for
    /// each item, not as a whole.
    template <item_range<Wire> Items = std::initializer_list<std::pair<std::string_view, Wire>>>
    std::size_t set_many(Items&& items, set_options options = {}) {
        std::size_t stored = 0;
        for (auto&& item : items) {
            stored += std::size_t(
                set(std::get<0>(item), std::get<1>(detail::forward_item<Items>(item)), options));
        }
        return stored;
    }

    /// Returns a copy of the value of `key`. If there is none, stores what `factory()` returns and
    /// returns a copy of that.
    ///
    /// The look-up is atomic, and so is the store. `factory` runs in between without a lock: it may
    /// use the cache, and several threads may run theirs at once. All of them get the value that
    /// was stored first. A factory that returns `expiring<Wire>` decides the time to live, which
    /// counts from when the value is stored. If `factory` throws, nothing is stored.
    template <factory_of<Wire> Factory, std::copy_constructible W = Wire>
    W get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        if (std::optional<W> found = find(key)) {
            return *std::move(found);
        }
        const std::string kept_key(key); // `factory` may change what `key` views
        W made = cachetory::make_wire<W>(std::forward<Factory>(factory), time_to_live);
        W result = made; // now, so that nothing can fail once it is stored
        operation here(shards_, kept_key);
        const auto [live, stored] = here.store(made, time_to_live, true);
        return stored ? std::move(result) : live.value;
    }

    /// Stores `value` as `set` does, and returns `true`. If `key` has a value already, calls `f` on
    /// that as `visit` does, under the same conditions, and returns `false`; the deadline and an
    /// rvalue given stay as they are. Atomic, so it is all that a counter needs.
    template <std::convertible_to<Wire> V = Wire, detail::visitor<time_point, Wire&> F>
    bool
    set_or_visit(std::string_view key, V&& value, F&& f, std::optional<ttl> time_to_live = {}) {
        auto&& made = detail::as_wire<Wire>(std::forward<V>(value));
        detail::dropped_result<F, entry> dropped; // after unlocking
        operation here(shards_, key);
        const auto [live, stored] = here.store(made, time_to_live, true);
        if (!stored) {
            dropped.keep(std::forward<F>(f), live);
        }
        return stored;
    }

    /// Same as `memory_backend::expire_at`, in all its forms. Atomic.
    bool expire_at(std::string_view key, std::optional<time_point> deadline) {
        return set_deadline(key, deadline);
    }
    template <detail::deadline_of<Clock> Deadline>
    bool expire_at(std::string_view key, Deadline deadline) {
        return set_deadline(key, deadline);
    }

    /// Gives the entry of `key` a new time to live from now on (`std::nullopt`: forever). Returns
    /// whether there was a live entry. Atomic.
    bool expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return set_deadline(key, time_to_live);
    }

    /// Erases the entry of `key`. Returns whether there was a live one. Atomic.
    bool erase(std::string_view key) {
        operation here(shards_, key);
        return here.erase();
    }

    /// Erases the entries of all `keys`. Returns how many live ones there were. Atomic for each
    /// key, not as a whole.
    template <key_range Keys = std::initializer_list<std::string_view>>
    std::size_t erase_many(Keys&& keys) {
        std::size_t erased = 0;
        for (auto&& key : keys) {
            erased += std::size_t(erase(key));
        }
        return erased;
    }

    /// Erases the entries for which `pred(key, value)`, or `pred(key, value, deadline)` if it takes
    /// that, returns `true`. Returns how many. Calls `pred` exactly once for each live entry, in
    /// any order, shard by shard, under one lock at a time. Expired entries are erased without it
    /// and not counted. `pred` must do nothing that `for_each` forbids. Values are destroyed
    /// after their shard is unlocked.
    template <detail::walking_visitor<time_point, std::string_view, Wire&> Pred>
    std::size_t erase_if(Pred pred) {
        return shards_.erase_if(pred);
    }

    /// Erases all entries, shard by shard. Values that other threads store meanwhile may stay.
    void clear() { shards_.clear(); }

    /// Erases expired entries. Returns how many.
    ///
    /// Visits at most `max_visits` entries and at most eight times as many buckets, shard by shard,
    /// and resumes in the shard and the bucket where the last call stopped. Unless the visits are
    /// `unlimited`, a result of 0 does not mean that nothing is left.
    std::size_t purge_expired(std::size_t max_visits = unlimited) {
        return shards_.purge_expired(max_visits);
    }

    /// Evicts `count` entries as insertions would, or all if there are fewer, one from each shard
    /// in turn. Returns how many. Only for bounded caches. Never allocates.
    template <std::same_as<bounded> B = Bound>
    std::size_t evict(std::size_t count) {
        return shards_.evict(count);
    }

    // Capacity

    /// How many entries there are, counting those that are expired but not erased yet: the sum of
    /// what each shard had when it was asked.
    [[nodiscard]] std::size_t size() const { return shards_.size(); }

    /// Whether no shard had an entry when it was asked. Stops at the first that has one.
    [[nodiscard]] bool empty() const { return shards_.empty(); }

    /// How many entries there may be in all shards together. Only for bounded caches.
    template <std::same_as<bounded> B = Bound>
    [[nodiscard]] std::size_t max_entries() const noexcept {
        return shards_.max_entries();
    }

    /// Makes room for about `count` entries in total, spread evenly. Throws what
    /// `memory_backend::reserve` throws for the share of one shard.
    void reserve(std::size_t count) { shards_.reserve(count); }

private:
    static std::size_t shards_for(std::size_t max_entries) {
        const std::size_t shards = max_entries / 64;
        return shards == 0 ? 1 : shards < default_shards ? shards : default_shards;
    }

    template <class V, class When>
    bool store(std::string_view key, V&& value, const When& when, bool if_not_exists) {
        auto&& made = detail::as_wire<Wire>(std::forward<V>(value));
        operation here(shards_, key);
        return here.store(made, when, if_not_exists).second;
    }

    template <class When>
    bool set_deadline(std::string_view key, const When& when) {
        operation here(shards_, key);
        return here.set_deadline(when) != nullptr;
    }

    map shards_;
};

/// A `concurrent_memory_backend` that never holds more than the `max_entries` of its constructor.
template <class Wire,
          class Clock = std::chrono::steady_clock,
          class Hash = string_hash,
          class Mutex = detail::default_mutex>
using bounded_concurrent_memory_backend =
    concurrent_memory_backend<Wire, Clock, Hash, Mutex, bounded>;

} // namespace cachetory

#endif
