// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_EVICTION_HPP
#define CACHETORY_DETAIL_EVICTION_HPP

#include "../version.hpp"
#include "hashed_key.hpp"
#include "purge.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Which entry a bounded cache evicts for a new one.
//
// The textbook's answer is the least recently used one (LRU). It has two weaknesses. A hit must
// move its entry to the front of a list: six stores to three places in memory. A single pass over
// many keys that nobody asks for again drives out everything that is worth keeping. The policy here
// stores one byte at a hit, keeps no list of the entries, and does better on most traces of real
// requests. It has three parts.
//
// *Probation.* Most keys are asked for once. So a new entry is a newcomer. The cache keeps a queue
// of the hashes of the latest newcomers, as many as a tenth of the entries. When an insertion finds
// the cache and the queue full, the oldest newcomer leaves the queue. If nobody has used it in the
// meantime, it is the victim. If somebody has, it stays as an ordinary entry.
//
// *The hand.* Otherwise the victim is an ordinary entry. A use gives an entry three lives. A hand
// circles through the buckets of the table, takes a life from each entry that it passes, and evicts
// the first entry that has none left, or is expired. It spares newcomers. This is the CLOCK
// algorithm with a counter, on the hash table itself: no list, no pointers, and nothing to repair
// when an entry is erased.
//
// *Ghosts.* Probation is too short for a key that comes back a little later. So each key that was
// evicted leaves a fingerprint of its hash. A key that comes back while its fingerprint is there
// skips probation and starts with three lives. There are as many fingerprints as entries. Each has
// one place, chosen by its hash, where it overwrites another. So a ghost may be lost early, and one
// key in 65,536 is mistaken for another. Either costs no more than a wrong guess.
//
// What it costs: a byte in each entry, which often fits into padding; and, allocated when the cache
// is full for the first time, two bytes for each entry that may be there and eight for each
// newcomer. An insertion looks at 18 entries at most. Without that limit, an insertion after
// everything was used would visit every entry.
//
// Its weakness: a key that comes back once, after its probation and before an LRU cache would have
// evicted it. The second request misses, the third finds it. A loop over a few more keys than fit
// keeps less than it could. docs/eviction.md has figures.
//
// Which entry is evicted is not promised. The hash is keyed, so it differs between processes, and
// whoever does not know the key cannot choose keys that evict a certain entry.

namespace cachetory {

struct unbounded {}; ///< A backend that keeps what it is given until it expires or is erased.
struct bounded {};   ///< A backend that evicts an entry when it would hold too many.

namespace detail {

/// The byte of an entry that says how much it is worth keeping. It is in a base class of the entry,
/// which is empty without a bound.
template <class Bound>
struct worth {
    void use() noexcept {}
};

template <>
struct worth<bounded> {
    static constexpr unsigned char most_lives = 3;
    static constexpr unsigned char newcomer = 4;

    /// A store, not an increment: it need not wait until the byte has been read.
    void use() noexcept { lives = most_lives; }

    unsigned char lives = 0;
};

/// What a map remembers for eviction beyond its entries: nothing without a bound.
template <class Bound>
class eviction {
public:
    void swap(eviction&) noexcept {}
};

template <>
class eviction<bounded> {
public:
    /// Throws `std::invalid_argument` if `max_entries` is 0.
    explicit eviction(std::size_t max_entries) : max_entries_(max_entries) {
        if (max_entries == 0) {
            throw std::invalid_argument(
                "cachetory: a bounded cache needs room for at least 1 entry, "
                "not 0");
        }
    }

    eviction(const eviction&) = default;

    /// Leaves `other` with its bound and without memory, as its map is left without entries.
    eviction(eviction&& other) noexcept
        : max_entries_(other.max_entries_),
          queue_(std::move(other.queue_)),
          ghosts_(std::move(other.ghosts_)),
          oldest_(other.oldest_),
          queued_(std::exchange(other.queued_, 0)) {}

    eviction& operator=(const eviction&) = delete;
    eviction& operator=(eviction&&) = delete;
    ~eviction() = default;

    void swap(eviction& other) noexcept {
        std::swap(max_entries_, other.max_entries_);
        queue_.swap(other.queue_);
        ghosts_.swap(other.ghosts_);
        std::swap(oldest_, other.oldest_);
        std::swap(queued_, other.queued_);
    }

    [[nodiscard]] std::size_t max_entries() const noexcept { return max_entries_; }

    /// Allocates the queue and the ghosts, unless they exist. Until the cache is full for the first
    /// time there are none, so that a bound that is never reached costs nothing.
    void allocate() {
        if (ghosts_.empty()) {
            std::vector<std::uint16_t> ghosts(max_entries_);
            queue_.resize(max_entries_ < 10 ? 1 : max_entries_ / 10);
            ghosts_ = std::move(ghosts);
        }
    }

    /// The entry to evict.
    template <class Map>
    struct victim {
        typename Map::iterator entry;
        std::size_t hash;
        bool leaves_ghost; ///< Not if it has expired.
    };

    /// Finds the victim of an insertion into `map`, which is not empty, or of `evict`. Changes only
    /// lives and the position of the hand.
    template <class Map, class Hash, class Now>
    victim<Map> find_victim(Map& map, table_cursor& hand, const hash_once<Hash>& hash, Now& now) {
        if (queue_is_full()) {
            const std::size_t oldest = queue_[oldest_];
            const auto found = map.find(hash_of<Hash>{oldest, &hash});
            if (found != map.end()) {
                const bool expired = now.has_passed(found->second.deadline);
                if (expired || found->second.lives == worth<bounded>::newcomer) {
                    return {found, oldest, !expired};
                }
            }
        }
        return take_by_hand(map, hand, hash, now);
    }

    /// Removes the oldest newcomer from the queue if the queue is full. Called once for each
    /// victim.
    void forget_oldest() noexcept {
        if (queue_is_full()) {
            oldest_ = oldest_ + 1 != queue_.size() ? oldest_ + 1 : 0;
            --queued_;
        }
    }

    /// Puts a newcomer into the queue, which is not full.
    void enqueue(std::size_t hash) noexcept {
        const std::size_t until_end = queue_.size() - oldest_;
        queue_[queued_ < until_end ? oldest_ + queued_ : queued_ - until_end] = hash;
        ++queued_;
    }

    [[nodiscard]] bool has_ghost(std::size_t hash) const noexcept {
        return ghosts_[place(hash)] == fingerprint(hash);
    }

    /// Does nothing before allocate() has been called.
    void leave_ghost(std::size_t hash) noexcept {
        if (!ghosts_.empty()) {
            ghosts_[place(hash)] = fingerprint(hash);
        }
    }

private:
    static constexpr int max_spared = 16;

    template <class Map, class Hash, class Now>
    static victim<Map>
    take_by_hand(Map& map, table_cursor& hand, const hash_once<Hash>& hash, Now& now) {
        for (int spared = 0;;) {
            if (hand.bucket >= map.bucket_count()) {
                hand = {};
            }
            auto at = map.begin(hand.bucket);
            const auto last = map.end(hand.bucket);
            for (std::size_t i = 0; i != hand.position && at != last; ++i) {
                ++at;
            }
            for (; at != last; static_cast<void>(++at), ++hand.position, ++spared) {
                auto& entry = at->second;
                const bool expired = now.has_passed(entry.deadline);
                if (expired || entry.lives == 0 || spared == max_spared) {
                    // A bucket's iterator cannot be converted to an iterator of the map.
                    const std::size_t hashed = hash(at->first);
                    return {map.find(hashed_key{at->first, hashed}), hashed, !expired};
                }
                if (entry.lives != worth<bounded>::newcomer) {
                    --entry.lives;
                }
            }
            hand = {hand.bucket + 1, 0};
        }
    }

    [[nodiscard]] bool queue_is_full() const noexcept {
        return !queue_.empty() && queued_ == queue_.size();
    }

    // Uses the whole hash. The upper half alone differs little within a shard of a shared cache,
    // because it chooses the shard.
    [[nodiscard]] std::size_t place(std::size_t hash) const noexcept { return hash % max_entries_; }

    static std::uint16_t fingerprint(std::size_t hash) noexcept {
        return static_cast<std::uint16_t>(hash >> std::numeric_limits<std::size_t>::digits / 2);
    }

    std::size_t max_entries_;
    std::vector<std::size_t> queue_ = {}; // a ring
    std::vector<std::uint16_t> ghosts_ = {};
    std::size_t oldest_ = 0;
    std::size_t queued_ = 0;
};

} // namespace detail

} // namespace cachetory

#endif
