// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BENCHMARKS_CONTENDERS_HPP
#define CACHETORY_BENCHMARKS_CONTENDERS_HPP

#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#if defined(CACHETORY_BENCHMARK_POCO)
#include <Poco/ExpirationDecorator.h>
#include <Poco/Timestamp.h>
#include <Poco/UniqueExpireCache.h>
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
#include <boost/unordered/unordered_flat_map.hpp>
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
#include <boost/unordered/concurrent_flat_map.hpp>
#endif
#if defined(CACHETORY_BENCHMARK_TBB)
#include <oneapi/tbb/concurrent_hash_map.h>
#endif

// Every contender has the functions that are measured: find(key, use), which runs use(value) on a
// hit and returns whether it was one; set(key, value), which stores or overwrites; insert(key,
// value), its best way to store a key that it lacks; size(). Some also have set_or_use(key, value,
// use), which runs use(value) on a hit and stores otherwise; touch(key), which restarts the time to
// live; and erase_if(pred), which asks pred(value).

namespace bench {

/// How long entries live.
enum class life { forever, hour, expired };

using steady = std::chrono::steady_clock;

template <life Life>
constexpr std::chrono::hours length = std::chrono::hours(Life == life::hour ? 1 : 0);

template <class Value>
struct entry {
    Value value;
    steady::time_point deadline;
};

/// As people would write it. Not `noexcept`, so that libstdc++ stores the hashes, which makes the
/// map faster.
struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>()(text);
    }
};

template <class Value, class Hash = text_hash>
using text_map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

/// A map that has room for deadlines, but looks at neither them nor the clock.
template <class Map>
class bare_map {
public:
    using value_type = decltype(Map::mapped_type::value);

    template <class Use>
    bool find(std::string_view key, Use use) {
        const auto found = map_.find(key);
        if (found == map_.end()) {
            return false;
        }
        use(found->second.value);
        return true;
    }

    void set(std::string_view key, const value_type& value) {
        const auto found = map_.find(key);
        if (found == map_.end()) {
            insert(key, value);
        } else {
            found->second = {value, steady::time_point::max()};
        }
    }

    void insert(std::string_view key, const value_type& value) {
        map_.try_emplace(std::string(key),
                         typename Map::mapped_type{value, steady::time_point::max()});
    }

    template <class Use>
    bool set_or_use(std::string_view key, const value_type& value, Use use) {
        const bool found = find(key, use);
        if (!found) {
            insert(key, value);
        }
        return found;
    }

    template <class Pred>
    std::size_t erase_if(Pred pred) {
        return std::size_t(
            erase_if_in(map_, [&](const auto& each) { return pred(each.second.value); }));
    }

    void reserve(std::size_t entries) { map_.reserve(entries); }

    std::size_t size() const { return map_.size(); }

private:
    template <class Pred>
    static auto erase_if_in(Map& map, Pred pred) {
        using std::erase_if; // Boost has its own
        return erase_if(map, pred);
    }

    Map map_;
};

template <class Value>
using bare = bare_map<text_map<entry<Value>>>;

template <class Value>
using bare_with_our_hash = bare_map<text_map<entry<Value>, cachetory::string_hash>>;

#if defined(CACHETORY_BENCHMARK_BOOST)
template <class Value>
using boost_flat =
    bare_map<boost::unordered_flat_map<std::string, entry<Value>, text_hash, std::equal_to<>>>;
#endif

/// A map without even room for deadlines, to compare memory.
template <class Value>
class values_only {
public:
    using value_type = Value;

    void insert(std::string_view key, const Value& value) {
        map_.try_emplace(std::string(key), value);
    }

    void reserve(std::size_t entries) { map_.reserve(entries); }

    std::size_t size() const { return map_.size(); }

private:
    text_map<Value> map_;
};

struct no_mutex {
    void lock() {}

    void unlock() {}
};

/// What people write by hand: a map, a mutex, and a look at the clock. With `no_mutex`, without the
/// mutex.
template <class Value, life Life, class Mutex = std::mutex>
class hand_written {
public:
    using value_type = Value;

    std::optional<Value> get(std::string_view key) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            return std::nullopt;
        }
        if (found->second.deadline <= steady::now()) {
            entries_.erase(found);
            return std::nullopt;
        }
        return found->second.value;
    }

    void set(std::string_view key, const Value& value) {
        const std::lock_guard lock(mutex_);
        const entry<Value> made{value, deadline()};
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            entries_.try_emplace(std::string(key), made);
        } else {
            found->second = made;
        }
    }

    void insert(std::string_view key, const Value& value) {
        const std::lock_guard lock(mutex_);
        entries_.try_emplace(std::string(key), entry<Value>{value, deadline()});
    }

    template <class Use>
    bool find(std::string_view key, Use use) {
        const std::optional<Value> found = get(key);
        if (found) {
            use(*found);
        }
        return found.has_value();
    }

    template <class Use>
    bool set_or_use(std::string_view key, const Value& value, Use use) {
        const std::lock_guard lock(mutex_);
        const auto now = steady::now();
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            entries_.try_emplace(std::string(key), entry<Value>{value, now + length<Life>});
            return false;
        }
        if (found->second.deadline <= now) {
            found->second = {value, now + length<Life>};
            return false;
        }
        use(found->second.value);
        return true;
    }

    std::optional<Value> touch(std::string_view key) {
        const std::lock_guard lock(mutex_);
        const auto now = steady::now();
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            return std::nullopt;
        }
        if (found->second.deadline <= now) {
            entries_.erase(found);
            return std::nullopt;
        }
        found->second.deadline = now + length<Life>;
        return found->second.value;
    }

    template <class Pred>
    std::size_t erase_if(Pred pred) {
        const std::lock_guard lock(mutex_);
        const auto now = steady::now();
        return std::erase_if(entries_, [&](const auto& each) {
            return each.second.deadline <= now || pred(each.second.value);
        });
    }

    std::size_t size() const { return entries_.size(); }

private:
    static steady::time_point deadline() { return steady::now() + length<Life>; }

    Mutex mutex_;
    text_map<entry<Value>> entries_;
};

template <class Value, life Life>
using map_and_clock = hand_written<Value, Life, no_mutex>;

/// The cheapest lock whose waiting threads could sleep, because `unlock` learns whether the lock is
/// as `lock` left it. They do not, so it is only for one or two threads.
class least_mutex {
public:
    void lock() {
        while (locked_.exchange(true, std::memory_order_acquire)) {
        }
    }

    void unlock() {
        if (!locked_.exchange(false, std::memory_order_release)) {
            std::abort();
        }
    }

private:
    std::atomic<bool> locked_ = false;
};

#if defined(CLOCK_MONOTONIC_COARSE)
/// The cheapest clock: never before the time that `steady` has, and less than a second after it.
inline steady::time_point coarse_now() {
    std::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return steady::time_point(std::chrono::seconds(now.tv_sec + 1) +
                              std::chrono::nanoseconds(now.tv_nsec));
}

/// The least that a look-up with a deadline costs: the map with our hash, and the cheapest clock.
template <class Value>
class map_and_coarse_clock {
public:
    using value_type = Value;

    void insert(std::string_view key, const Value& value) {
        entries_.try_emplace(std::string(key),
                             entry<Value>{value, steady::now() + length<life::hour>});
    }

    template <class Use>
    bool find(std::string_view key, Use use) {
        const auto found = entries_.find(key);
        if (found == entries_.end()) {
            return false;
        }
        if (found->second.deadline <= coarse_now()) {
            return false; // the benchmarks have no such entries
        }
        use(found->second.value);
        return true;
    }

    std::size_t size() const { return entries_.size(); }

private:
    text_map<entry<Value>, cachetory::string_hash> entries_;
};

/// The least that a look-up in a shared cache costs: as many shards as ours, but of half the size,
/// each with `least_mutex` and a map with our hash, computed once, and the cheapest clock.
template <class Value>
class shards_and_coarse_clock {
public:
    using value_type = Value;

    void insert(std::string_view key, const Value& value) {
        shard_of(hashed(key))
            .entries.try_emplace(std::string(key),
                                 entry<Value>{value, steady::now() + length<life::hour>});
    }

    template <class Use>
    bool find(std::string_view key, Use use) {
        const hashed text(key);
        shard& home = shard_of(text);
        Value value{}; // used after unlocking
        {
            const std::lock_guard lock(home.mutex);
            const auto found = home.entries.find(text);
            if (found == home.entries.end() || found->second.deadline <= coarse_now()) {
                return false; // the benchmarks have no expired entries
            }
            value = found->second.value;
        }
        use(value);
        return true;
    }

    std::size_t size() const {
        std::size_t sum = 0;
        for (const shard& each : shards_) {
            sum += each.entries.size();
        }
        return sum;
    }

private:
    static constexpr int shard_bits = 9;
    static_assert(1U << shard_bits == cachetory::concurrent_memory_backend<Value>::default_shards);

    struct hashed {
        explicit hashed(std::string_view key) : text(key), hash(cachetory::string_hash()(key)) {}

        friend bool operator==(const hashed& a, std::string_view b) { return a.text == b; }

        std::string_view text;
        std::size_t hash;
    };

    struct hash_once {
        using is_transparent = void;

        std::size_t operator()(const hashed& key) const { return key.hash; }

        std::size_t operator()(std::string_view key) const { return hashed(key).hash; }
    };

    struct alignas(64) shard {
        least_mutex mutex;
        text_map<entry<Value>, hash_once> entries;
    };

    shard& shard_of(const hashed& key) {
        return shards_[key.hash >> (std::numeric_limits<std::size_t>::digits - shard_bits)];
    }

    std::array<shard, 1U << shard_bits> shards_;
};
#endif

#if defined(CACHETORY_BENCHMARK_POCO)
template <class Value, life Life>
class poco {
public:
    using value_type = Value;

    template <class Use>
    bool find(std::string_view key, Use use) {
        const auto found = cache_.get(std::string(key)); // it takes nothing else
        if (found.isNull()) {
            return false;
        }
        use(found->value());
        return true;
    }

    void set(std::string_view key, const Value& value) {
        cache_.update(std::string(key), stored(value, span));
    }

    void insert(std::string_view key, const Value& value) {
        cache_.add(std::string(key), stored(value, span));
    }

    std::size_t size() { return cache_.size(); }

private:
    using stored = Poco::ExpirationDecorator<Value>;
    static constexpr Poco::Timespan::TimeDiff span =
        std::chrono::microseconds(length<Life>).count() / 1000; // in ms

    Poco::UniqueExpireCache<std::string, stored> cache_;
};
#endif

#if defined(CACHETORY_BENCHMARK_TBB)
struct tbb_hash {
    using is_transparent = void;

    static std::size_t hash(std::string_view text) { return text_hash()(text); }

    static bool equal(std::string_view a, std::string_view b) { return a == b; }
};

/// A map that threads may share, with a deadline in the value and a look at the clock.
template <class Value, life Life>
class tbb_map {
public:
    using value_type = Value;

    template <class Use>
    bool find(std::string_view key, Use use) {
        {
            typename map::const_accessor found;
            if (!entries_.find(found, key)) {
                return false;
            }
            if (found->second.deadline > steady::now()) {
                use(found->second.value);
                return true;
            }
        }
        entries_.erase(key);
        return false;
    }

    void set(std::string_view key, const Value& value) {
        typename map::accessor place;
        entries_.insert(place, key);
        place->second = {value, steady::now() + length<Life>};
    }

    void insert(std::string_view key, const Value& value) {
        entries_.emplace(std::string(key), entry<Value>{value, steady::now() + length<Life>});
    }

    std::size_t size() const { return entries_.size(); }

private:
    using map = tbb::concurrent_hash_map<std::string, entry<Value>, tbb_hash>;

    map entries_;
};
#endif

#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
/// The same over Boost's.
template <class Value, life Life>
class boost_concurrent {
public:
    using value_type = Value;

    template <class Use>
    bool find(std::string_view key, Use use) {
        bool expired = false;
        const bool found = entries_.cvisit(key, [&](const auto& each) {
            expired = each.second.deadline <= steady::now();
            if (!expired) {
                use(each.second.value);
            }
        }) != 0;
        if (expired) {
            entries_.erase_if(
                key, [](const auto& each) { return each.second.deadline <= steady::now(); });
        }
        return found && !expired;
    }

    void set(std::string_view key, const Value& value) {
        const entry<Value> made{value, steady::now() + length<Life>};
        if (entries_.visit(key, [&](auto& each) { each.second = made; }) == 0) {
            entries_.insert_or_assign(std::string(key), made);
        }
    }

    void insert(std::string_view key, const Value& value) {
        entries_.emplace(std::string(key), entry<Value>{value, steady::now() + length<Life>});
    }

    std::size_t size() const { return entries_.size(); }

private:
    boost::concurrent_flat_map<std::string, entry<Value>, text_hash, std::equal_to<>> entries_;
};
#endif

/// `memory_backend` or `concurrent_memory_backend`.
template <class Cache, life Life>
class ours {
public:
    using value_type = typename Cache::wire_type;

    template <class Use>
    bool find(std::string_view key, Use use) {
        if (const auto found = cache.find(key)) {
            use(*found);
            return true;
        }
        return false;
    }

    void set(std::string_view key, const value_type& value) {
        if constexpr (Life == life::forever) {
            cache.set(key, value);
        } else {
            cache.set(key, value, {.time_to_live = length<Life>});
        }
    }

    void insert(std::string_view key, const value_type& value) { set(key, value); }

    template <class Use>
    bool set_or_use(std::string_view key, const value_type& value, Use use) {
        return !cache.set_or_visit(key, value, use, length<Life>);
    }

    auto touch(std::string_view key) { return cache.touch(key, length<Life>); }

    template <class Pred>
    std::size_t erase_if(Pred pred) {
        return cache.erase_if(
            [&](std::string_view, const value_type& value) { return pred(value); });
    }

    void reserve(std::size_t entries) { cache.reserve(entries); }

    std::size_t size() const { return cache.size(); }

    Cache cache;
};

template <class Value, life Life>
using sync = ours<cachetory::memory_backend<Value>, Life>;
template <class Value, life Life>
using wall_clock = ours<cachetory::memory_backend<Value, std::chrono::system_clock>, Life>;
template <class Value, life Life>
using concurrent = ours<cachetory::concurrent_memory_backend<Value>, Life>;

template <class Value, std::size_t Shards, class Mutex = cachetory::detail::default_mutex>
struct sharded
    : cachetory::concurrent_memory_backend<Value, steady, cachetory::string_hash, Mutex> {
    sharded() : sharded::concurrent_memory_backend(Shards) {}
};

/// A bounded cache with room for whatever the benchmarks store.
template <class Value>
struct roomy : cachetory::bounded_memory_backend<Value> {
    roomy() : cachetory::bounded_memory_backend<Value>(100'000'000) {}
};
template <class Value, life Life>
using bounded = ours<roomy<Value>, Life>;

/// A `memory_backend` behind one mutex, that of the shards: what a lock costs without shards.
template <class Value, life Life>
class one_lock : public sync<Value, Life> {
public:
    template <class Use>
    bool find(std::string_view key, Use use) {
        const std::lock_guard lock(mutex_);
        return sync<Value, Life>::find(key, use);
    }

private:
    cachetory::detail::default_mutex mutex_;
};

/// `async_memory_backend`.
template <class Value, life Life>
class async {
public:
    using value_type = Value;

    void insert(std::string_view key, const Value& value) {
        cache.set(key, value, {.time_to_live = length<Life>}).get();
    }

    cachetory::async_memory_backend<Value> cache;
};

} // namespace bench

#endif
