// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_TRACKED_MUTEX_HPP
#define CACHETORY_TESTS_SUPPORT_TRACKED_MUTEX_HPP

#include "manual_clock.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/string_hash.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>

namespace support {

/// A mutex that knows whether the calling thread holds one, and that counts.
class tracked_mutex {
public:
    tracked_mutex() { all().insert(this); }
    tracked_mutex(const tracked_mutex&) = delete;
    tracked_mutex& operator=(const tracked_mutex&) = delete;
    ~tracked_mutex() { all().erase(this); }

    void lock() {
        if (held != 0) {
            ++nested;
        }
        mutex_.lock();
        ++held;
        ++locks_;
        ++locks;
        reads_since_lock = 0;
    }

    void unlock() {
        --held;
        mutex_.unlock();
    }

    /// Call this first in a test.
    static void reset() {
        locks = 0;
        nested = 0;
        for (tracked_mutex* each : all()) {
            each->locks_ = 0;
        }
    }

    /// How many of all mutexes have been locked.
    static std::size_t used() {
        std::size_t count = 0;
        for (const tracked_mutex* each : all()) {
            count += each->locks_ != 0;
        }
        return count;
    }

    static std::size_t existing() { return all().size(); }

    /// Whether each mutex starts a cache line.
    static bool aligned() {
        return std::all_of(all().begin(), all().end(), [](const tracked_mutex* each) {
            return reinterpret_cast<std::uintptr_t>(each) % 64 == 0;
        });
    }

    static inline thread_local int held = 0;
    static inline thread_local int reads_since_lock = 0; ///< of tracked_clock
    static inline std::atomic<int> locks = 0;
    static inline std::atomic<int> nested = 0; ///< Locked while another one was held.

private:
    static std::set<tracked_mutex*>& all() {
        static std::set<tracked_mutex*> those;
        return those;
    }

    std::mutex mutex_;
    int locks_ = 0;
};

/// A manual clock that records whether it is read under a lock, and at most once under each.
struct tracked_clock : support::manual_clock<> {
    static time_point now() {
        outside += tracked_mutex::held != 1;
        repeated += ++tracked_mutex::reads_since_lock > 1;
        return manual_clock::now();
    }

    static void reset() {
        manual_clock::reset();
        tracked_mutex::reset();
        outside = 0;
        repeated = 0;
    }

    static inline int outside = 0;
    static inline int repeated = 0;
};

/// A shared cache whose mutexes and clock are tracked.
template <class Wire, class Hash = cachetory::string_hash>
using tracked_cache =
    cachetory::concurrent_memory_backend<Wire, tracked_clock, Hash, tracked_mutex>;

} // namespace support

#endif
