// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_SHARDED_MAP_HPP
#define CACHETORY_DETAIL_SHARDED_MAP_HPP

#include "../version.hpp"
#include "deadline.hpp"
#include "eviction.hpp"
#include "expiring_map.hpp"
#include "hashed_key.hpp"

#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(_MSC_VER)
#pragma warning(push)
#pragma warning(disable : 4324) // a shard is padded on purpose
#endif

namespace cachetory::detail {

/// A map in several shards, each with its own mutex. The hash of a key chooses its shard.
template <class Wire, class Clock, class Hash, class Mutex, class Bound>
class sharded_map {
public:
    using core = expiring_map<Wire, Clock, hash_once<Hash>, Bound>;
    using entry = typename core::entry;
    using node = typename core::node;

    /// Starts its own cache line, so that the threads in one shard do not slow down those in the
    /// next.
    struct alignas(64) shard {
        shard(const Hash& hash, eviction<Bound> policy)
            : entries(hash_once<Hash>{hash}, std::move(policy)) {}

        /// Required by std::vector, although it never moves a shard here.
        shard(shard&& other) noexcept : entries(std::move(other.entries)) {}

        mutable Mutex mutex = {};
        core entries;
    };

    /// An operation on one key. The key's shard is locked while this object lives. Whatever the
    /// operation removes from the shard is destroyed last, after unlocking.
    class operation {
    public:
        operation(sharded_map& map, std::string_view text)
            : operation(map, text, static_cast<std::size_t>(map.hash_(text))) {}

        operation(const operation&) = delete;
        operation& operator=(const operation&) = delete;
        ~operation() = default;

        /// Returns the entry of the key if it is live, else `nullptr`.
        entry* find() { return address(entries_.find_live(key_, now_, dead_)); }

        /// Returns the deadline that `when` stands for.
        template <class When>
        auto resolve(const When& when) {
            return now_.resolve(when);
        }

        template <class When>
        entry* set_deadline(const When& when) {
            return address(entries_.set_deadline(key_, when, now_, dead_));
        }

        std::optional<Wire> take() { return entries_.take(key_, now_, dead_); }

        bool erase() { return entries_.erase(key_, now_, dead_); }

        template <class When>
        std::pair<entry&, bool> store(Wire& value, const When& when, bool if_not_exists) {
            const auto [live, stored] =
                entries_.store(key_, value, when, if_not_exists, now_, displaced_);
            return {live->second, stored};
        }

    private:
        operation(sharded_map& map, std::string_view text, std::size_t hash)
            : operation(map.shard_of(hash), text, hash) {}
        operation(shard& home, std::string_view text, std::size_t hash)
            : entries_(home.entries), lock_(home.mutex), key_{text, hash} {}

        entry* address(typename core::iterator found) {
            return found != entries_.end() ? std::addressof(found->second) : nullptr;
        }

        node dead_ = {};
        typename core::displaced displaced_ = {};
        core& entries_;
        std::lock_guard<Mutex> lock_;
        hashed_key key_;         // after locking: see look_up
        moment<Clock> now_ = {}; // read under the lock only
    };

    sharded_map(std::size_t shards, const Hash& hash) : hash_(hash) {
        check_shards(shards);
        shards_.reserve(shards);
        for (std::size_t i = 0; i != shards; ++i) {
            shards_.emplace_back(hash, eviction<Bound>());
        }
    }

    /// Spreads `max_entries` evenly over the shards.
    sharded_map(std::size_t max_entries, std::size_t shards, const Hash& hash) : hash_(hash) {
        check_shards(shards);
        if (shards > max_entries) {
            throw std::invalid_argument("cachetory: a bounded cache of " +
                                        std::to_string(max_entries) + " entries cannot have " +
                                        std::to_string(shards) + " shards");
        }
        shards_.reserve(shards);
        for (std::size_t i = 0; i != shards; ++i) {
            const std::size_t share = max_entries / shards + (i < max_entries % shards ? 1 : 0);
            shards_.emplace_back(hash, eviction<Bound>(share));
        }
    }

    // Look-up. An operation that changes an entry is an `operation` instead.

    /// Calls `hit(entry&)` for the live entry of `text`, under the lock of its shard. Returns
    /// whether there is one.
    ///
    /// It does not use `operation`, because compilers keep such an object in memory: a miss among
    /// 100,000 entries took 1.2 times as long. What is written to memory before the exchange that
    /// locks cannot be read back until the exchange is done, so a key is written after it.
    template <class Hit>
    bool look_up(std::string_view text, Hit hit) {
        const auto hash = static_cast<std::size_t>(hash_(text));
        shard& home = shard_of(hash);
        node dead; // destroyed after unlocking
        const std::lock_guard lock(home.mutex);
        const auto found = find_inlined(home.entries, {text, hash});
        if (found == home.entries.end()) {
            return false;
        }
        moment<Clock> now;
        if (!home.entries.use(found, now)) {
            dead = home.entries.extract(found);
            return false;
        }
        hit(found->second);
        return true;
    }

    /// Returns a copy of the value of `text`, if there is one.
    template <class W>
    std::optional<W> copy(std::string_view text) {
        if constexpr (is_small<W>) {
            W value{};
            const bool hit = look_up(text, [&](const entry& live) { value = live.value; });
            std::optional<W> found; // made after unlocking: see is_small
            if (hit) {
                found.emplace(value);
            }
            return found;
        } else {
            std::optional<W> found;
            look_up(text, [&](const entry& live) { found.emplace(live.value); });
            return found;
        }
    }

    // All entries, shard by shard, under one lock at a time

    template <class F>
    void for_each(F& f) {
        for (shard& each : shards_) {
            const std::lock_guard lock(each.mutex);
            moment<Clock> now;
            each.entries.for_each(f, now);
        }
    }

    template <class Pred>
    std::size_t erase_if(Pred& pred) {
        std::size_t erased = 0;
        for (shard& each : shards_) {
            std::vector<node> dead; // destroyed after unlocking
            const std::lock_guard lock(each.mutex);
            moment<Clock> now;
            each.entries.erase_if(pred, now, dead, erased);
        }
        return erased;
    }

    void clear() {
        for (shard& each : shards_) {
            std::optional<core> dead; // destroyed after unlocking
            const std::lock_guard lock(each.mutex);
            dead.emplace(std::move(each.entries));
        }
    }

    /// Erases expired entries, starting where the last call stopped. A shard is done when the purge
    /// reaches the end of its table. If the call ends before that, the next call resumes there.
    std::size_t purge_expired(std::size_t max_visits) {
        purge_limit limit(max_visits);
        std::size_t purged = 0;
        std::size_t at = next_to_purge_.load(std::memory_order_relaxed);
        bool from_start = max_visits == purge_limit::unlimited; // else the first one is resumed
        for (std::size_t i = 0; i != shards_.size(); ++i, from_start = true) {
            auto state = purge_state::interrupted;
            while (state == purge_state::interrupted) {
                typename core::batch dead; // destroyed after unlocking
                const std::lock_guard lock(shards_[at].mutex);
                if (std::exchange(from_start, false)) {
                    shards_[at].entries.rewind();
                }
                moment<Clock> now;
                state = shards_[at].entries.extract_expired(limit, now, dead, purged);
            }
            if (state == purge_state::limited) {
                break;
            }
            at = after(at);
        }
        next_to_purge_.store(at, std::memory_order_relaxed);
        return purged;
    }

    /// Evicts entries, one from each shard in turn. Starts after the shard from which the last call
    /// evicted last.
    std::size_t evict(std::size_t count) {
        std::size_t evicted = 0;
        std::size_t at = next_to_evict_.load(std::memory_order_relaxed);
        for (std::size_t empty = 0; evicted != count && empty != shards_.size(); at = after(at)) {
            node dead; // destroyed after unlocking
            const std::lock_guard lock(shards_[at].mutex);
            if (shards_[at].entries.empty()) {
                ++empty;
            } else {
                moment<Clock> now;
                shards_[at].entries.evict(now, dead);
                ++evicted;
                empty = 0;
            }
        }
        next_to_evict_.store(at, std::memory_order_relaxed);
        return evicted;
    }

    // Capacity

    [[nodiscard]] std::size_t size() const {
        std::size_t sum = 0;
        for (const shard& each : shards_) {
            const std::lock_guard lock(each.mutex);
            sum += each.entries.size();
        }
        return sum;
    }

    [[nodiscard]] bool empty() const {
        for (const shard& each : shards_) {
            const std::lock_guard lock(each.mutex);
            if (!each.entries.empty()) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] std::size_t max_entries() const noexcept {
        std::size_t sum = 0;
        for (const shard& each : shards_) {
            sum += each.entries.max_entries(); // never changes, so no lock
        }
        return sum;
    }

    void reserve(std::size_t count) {
        const std::size_t shards = shards_.size();
        for (shard& each : shards_) {
            const std::lock_guard lock(each.mutex);
            each.entries.reserve(count / shards + (count % shards != 0 ? 1 : 0));
        }
    }

private:
    /// Whether an `std::optional<W>` is returned in registers. Such an optional is made after
    /// unlocking: g++ writes its parts to memory and reads them back as one, and that read would
    /// wait for the exchange that unlocks (a tenth of the time of a look-up).
    template <class W>
    static constexpr bool is_small =
        std::conjunction_v<std::is_trivially_copyable<W>,
                           std::is_trivially_default_constructible<W>,
                           std::is_copy_assignable<W>,
                           std::bool_constant<(sizeof(std::optional<W>) <= 2 * sizeof(void*))>>;

    static void check_shards(std::size_t shards) {
        if (shards == 0) {
            throw std::invalid_argument(
                "cachetory: a concurrent backend needs at least 1 shard, not 0");
        }
    }

    [[nodiscard]] std::size_t after(std::size_t at) const noexcept {
        return at + 1 != shards_.size() ? at + 1 : 0;
    }

    /// `entries.find(key)` without a call: a hit takes 0.96 of the time, a miss 0.91.
    CACHETORY_GNU(flatten)
    static auto find_inlined(core& entries, const hashed_key& key) { return entries.find(key); }

    /// Chooses by the upper half of the hash, because tables may choose buckets by the lower bits.
    shard& shard_of(std::size_t hash) {
        constexpr int half = std::numeric_limits<std::size_t>::digits / 2;
        const std::size_t upper = hash >> half;
        return shards_[(upper * shards_.size()) >> half];
    }

    std::vector<shard> shards_ = {}; // never grows, because a mutex cannot be moved
    Hash hash_;
    std::atomic<std::size_t> next_to_purge_ = 0;
    std::atomic<std::size_t> next_to_evict_ = 0;
};

} // namespace cachetory::detail

#if defined(_MSC_VER)
#pragma warning(pop)
#endif

#endif
