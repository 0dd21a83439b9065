// SPDX-License-Identifier: MIT
#ifndef CACHETORY_CONCURRENT_MEMORY_BACKEND_HPP
#define CACHETORY_CONCURRENT_MEMORY_BACKEND_HPP

#include "backend.hpp"
#include "detail/deadline.hpp"
#include "detail/expiring_map.hpp"
#include "string_hash.hpp"
#include "version.hpp"

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cachetory {

/// The cache of `memory_backend`, safe to share between threads.
///
/// Entries are spread over shards, each a table with a mutex of its own, so that threads
/// that use different keys seldom meet. A single-key operation is atomic: it takes effect at one
/// instant, while it holds the shard of its key, and it holds it for one look-up and no longer.
/// Bulk operations, `clear`, `size`, `empty`, `reserve` and `purge_expired` are not atomic as a
/// whole: they take one lock after the other, never two, and other threads may come in between.
///
/// No reference leaves a lock: values come out as copies, and `visit` works on one in place. Even
/// look-ups exclude each other, because they erase what they find expired.
///
/// Whatever `memory_backend` promises holds here, too, unless it speaks of references or of keys
/// that view what is stored; the clock is read at most once for each lock taken, while it is held.
/// Values are destroyed after unlocking, so that their destructors may call the backend. Hashing
/// keys, copying and moving values, and the function given to `visit` must not: they run under the
/// lock, and the thread would wait for itself.
///
/// `Hash` is called by several threads at once; the upper half of its results chooses the shard.
template <class Wire,
          class Clock = std::chrono::steady_clock,
          class Hash = string_hash,
          class Mutex = std::mutex>
class concurrent_memory_backend {
    /// A key with its hash, which chooses both the shard and the bucket in there.
    struct hashed_key {
        operator std::string_view() const { return text; } // implicit: a view that knows its hash

        std::string_view text;
        std::size_t hash;
    };

    struct hash_once {
        using is_transparent = void;

        std::size_t operator()(std::string_view key) const { return hash(key); }
        std::size_t operator()(const hashed_key& key) const { return key.hash; }

        Hash hash;
    };

    using core = detail::expiring_map<Wire, Clock, hash_once>;
    using moment = detail::moment<Clock>;
    using node = typename core::node;

public:
    using wire_type = Wire;
    using clock = Clock;
    using time_point = typename Clock::time_point;

    /// As a limit: no limit.
    static constexpr std::size_t unlimited = (std::numeric_limits<std::size_t>::max)();
    /// Far more than the threads that are at work at once on most machines, for two that meet pay
    /// much: one of them sleeps. A shard takes 192 bytes.
    static constexpr std::size_t default_shards = 1024;

    /// Makes an empty cache. Throws `std::invalid_argument` if `shards` is 0.
    explicit concurrent_memory_backend(std::size_t shards = default_shards, Hash hash = {})
        : shards_(checked(shards), shard(hash)), hash_(std::move(hash)) {}

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
        detail::check_memory_url(url);
        return concurrent_memory_backend();
    }

    // Look-up

    /// Returns a copy of the value of `key`. Throws `key_error` if there is none. Atomic.
    template <std::copy_constructible W = Wire>
    [[nodiscard]] W get(std::string_view key) {
        if (std::optional<W> found = find(key)) {
            return *std::move(found);
        }
        throw key_error(key);
    }

    /// Returns a copy of the value of `key`, or `std::nullopt`. Atomic.
    template <std::copy_constructible W = Wire>
    [[nodiscard]] std::optional<W> find(std::string_view key) {
        std::optional<W> found;
        visit(key, [&](const W& value) { found.emplace(value); });
        return found;
    }

    /// Runs `f(value)` on the stored value of `key` under the lock. Returns whether there was one.
    /// Atomic. What `f` throws comes out; what it returns is dropped, after unlocking if it can be
    /// moved. It must not call this backend, nor let the reference out, nor destroy what might call
    /// this backend: swap that out, or return it. It should be short: it holds up every thread
    /// whose key is in the same shard.
    template <std::invocable<Wire&> F>
    bool visit(std::string_view key, F&& f) {
        using result = std::invoke_result_t<F, Wire&>;
        if constexpr (std::is_object_v<result> && std::move_constructible<result>) {
            std::optional<result> dropped;
            return visit(key, [&](Wire& value) -> void {
                dropped.emplace(std::invoke(std::forward<F>(f), value));
            });
        } else {
            operation here(*this, key);
            const auto live = here.entries.find_live(here.key, here.now, here.dead);
            if (live == here.entries.end()) {
                return false;
            }
            std::invoke(std::forward<F>(f), live->second.value);
            return true;
        }
    }

    /// Returns whether `key` has a value. Atomic.
    [[nodiscard]] bool contains(std::string_view key) {
        return visit(key, [](const Wire&) {});
    }

    /// Returns when the entry of `key` expires, `std::nullopt` if never. Throws `key_error` if
    /// there is none. Atomic.
    [[nodiscard]] std::optional<time_point> deadline(std::string_view key) {
        {
            operation here(*this, key);
            const auto live = here.entries.find_live(here.key, here.now, here.dead);
            if (live != here.entries.end()) {
                return live->second.expiry();
            }
        }
        throw key_error(key);
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
        operation here(*this, key);
        return here.entries.take(here.key, here.now, here.dead);
    }

    // Modifiers

    /// Stores `value`, replacing both value and deadline if `key` has an entry. Returns whether it
    /// was stored: always, unless `options.if_not_exists` and there is a live entry. Atomic: of
    /// several threads that store with `if_not_exists`, one does.
    bool set(std::string_view key, Wire value, set_options options = {}) {
        operation here(*this, key);
        return here.store(value, options.time_to_live, options.if_not_exists).second;
    }

    /// Stores each of `items` as `set` would, in order. Returns how many were stored. Atomic for
    /// each item, not as a whole.
    template <item_range<Wire> Items = std::initializer_list<std::pair<std::string_view, Wire>>>
    std::size_t set_many(Items&& items, set_options options = {}) {
        std::size_t stored = 0;
        for (auto&& item : items) {
            if (set(std::get<0>(item), std::get<1>(detail::forward_item<Items>(item)), options)) {
                ++stored;
            }
        }
        return stored;
    }

    /// Returns a copy of the value of `key`; if there is none, of what `factory()` returns, having
    /// stored it.
    ///
    /// Looks up and stores atomically, but runs `factory` in between without a lock: it may use the
    /// cache, and several threads may run theirs at once. All of them get the value that was stored
    /// first. The time to live counts from when it is stored.
    template <factory_of<Wire> Factory, std::copy_constructible W = Wire>
    W get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        if (std::optional<W> found = find(key)) {
            return *std::move(found);
        }
        W made = std::forward<Factory>(factory)();
        W result = made; // now, so that nothing can fail once it is stored
        operation here(*this, key);
        const auto [live, stored] = here.store(made, time_to_live, true);
        return stored ? std::move(result) : live->second.value;
    }

    /// Same as `memory_backend::expire_at`, in all its forms. Atomic.
    bool expire_at(std::string_view key, std::optional<time_point> deadline) {
        return set_deadline(key, deadline);
    }
    template <detail::deadline_clock<Clock> C, class Duration>
    bool expire_at(std::string_view key, std::chrono::time_point<C, Duration> deadline) {
        return set_deadline(key, deadline);
    }
    template <detail::deadline_clock<Clock> C, class Duration>
    bool expire_at(std::string_view key,
                   std::optional<std::chrono::time_point<C, Duration>> deadline) {
        return set_deadline(key, deadline);
    }

    /// Lets the entry of `key` live for `time_to_live` from now on, given `std::nullopt` forever.
    /// Returns whether there was a live entry. Atomic.
    bool expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return set_deadline(key, time_to_live);
    }

    /// Erases the entry of `key`. Returns whether there was a live one. Atomic.
    bool erase(std::string_view key) {
        operation here(*this, key);
        return here.entries.erase(here.key, here.now, here.dead);
    }

    /// Erases the entries of all `keys`. Returns how many live ones there were. Atomic for each
    /// key, not as a whole.
    template <key_range Keys = std::initializer_list<std::string_view>>
    std::size_t erase_many(Keys&& keys) {
        std::size_t erased = 0;
        for (auto&& key : keys) {
            if (erase(key)) {
                ++erased;
            }
        }
        return erased;
    }

    /// Erases all entries, shard by shard: what other threads store meanwhile may stay.
    void clear() {
        for (shard& each : shards_) {
            std::optional<core> dead; // destroyed after unlocking
            const std::lock_guard lock(each.mutex);
            dead.emplace(std::move(each.entries));
        }
    }

    /// Erases expired entries. Returns how many.
    ///
    /// Visits at most `max_visits` entries and at most eight times as many buckets, shard by shard,
    /// and goes on where the last call stopped: in that shard, and in that bucket. Unless the
    /// visits are `unlimited`, a result of 0 does not mean that nothing is left.
    std::size_t purge_expired(std::size_t max_visits = unlimited) {
        detail::sweep_limit limit(max_visits);
        std::size_t purged = 0;
        std::size_t at = next_to_purge_.load(std::memory_order_relaxed);
        // The first shard is resumed where the last call stopped in it; the others are begun.
        bool begin = max_visits == unlimited;
        for (std::size_t i = 0; i != shards_.size(); ++i, begin = true) {
            shard& each = shards_[at];
            auto state = detail::sweep_state::interrupted;
            while (state == detail::sweep_state::interrupted) {
                typename core::batch dead; // destroyed after unlocking
                const std::lock_guard lock(each.mutex);
                if (std::exchange(begin, false)) {
                    each.entries.rewind();
                }
                moment now;
                state = each.entries.extract_expired(limit, now, dead, purged);
            }
            if (state == detail::sweep_state::limited) {
                break;
            }
            at = at + 1 != shards_.size() ? at + 1 : 0;
        }
        next_to_purge_.store(at, std::memory_order_relaxed);
        return purged;
    }

    // Capacity

    /// How many entries there are, counting those that are expired but not erased yet: the sum of
    /// what each shard had when it was asked.
    [[nodiscard]] std::size_t size() const {
        std::size_t sum = 0;
        for (const shard& each : shards_) {
            const std::lock_guard lock(each.mutex);
            sum += each.entries.size();
        }
        return sum;
    }

    /// Whether no shard had an entry when it was asked.
    [[nodiscard]] bool empty() const { return size() == 0; }

    /// Makes room for about `count` entries in all, spread evenly. Throws what
    /// `memory_backend::reserve` throws for the share of one shard.
    void reserve(std::size_t count) {
        const std::size_t share = count / shards_.size() + (count % shards_.size() != 0 ? 1 : 0);
        for (shard& each : shards_) {
            const std::lock_guard lock(each.mutex);
            each.entries.reserve(share);
        }
    }

private:
    /// Starts a cache line of its own, so that the threads in one shard do not slow down those in
    /// the next.
    struct alignas(64) shard {
        explicit shard(const Hash& hash) : entries(hash_once{hash}) {}

        /// Makes an empty shard with the hash of `other`, as a vector of equal shards needs it.
        shard(const shard& other) : entries(other.entries.hash_function()) {}

        mutable Mutex mutex;
        core entries;
    };

    /// An operation on one key: its shard is locked as long as this lives. What the operation takes
    /// out of the shard is destroyed last, after unlocking.
    struct operation {
        operation(concurrent_memory_backend& cache, std::string_view text)
            : operation(cache, hashed_key{text, static_cast<std::size_t>(cache.hash_(text))}) {}

        operation(concurrent_memory_backend& cache, hashed_key hashed)
            : operation(hashed, cache.shard_of(hashed)) {}

        operation(hashed_key hashed, shard& home)
            : key(hashed), entries(home.entries), lock(home.mutex) {}

        template <class When>
        auto store(Wire& value, const When& when, bool if_not_exists) {
            return entries.store(key, value, when, if_not_exists, now, old);
        }

        hashed_key key;
        node dead;
        std::optional<Wire> old;
        core& entries;
        std::lock_guard<Mutex> lock;
        moment now;
    };

    static std::size_t checked(std::size_t shards) {
        if (shards == 0) {
            throw std::invalid_argument(
                "cachetory: a concurrent backend needs at least 1 shard, not 0");
        }
        return shards;
    }

    /// Chooses by the upper half of the hash, for the tables may choose buckets by the lower bits.
    shard& shard_of(const hashed_key& key) {
        constexpr int half = std::numeric_limits<std::size_t>::digits / 2;
        const std::size_t upper = key.hash >> half;
        return shards_[(upper * shards_.size()) >> half];
    }

    template <class When>
    bool set_deadline(std::string_view key, const When& when) {
        operation here(*this, key);
        return here.entries.set_deadline(here.key, when, here.now, here.dead) != here.entries.end();
    }

    std::vector<shard> shards_;
    Hash hash_;
    std::atomic<std::size_t> next_to_purge_ = 0;
};

} // namespace cachetory

#endif
