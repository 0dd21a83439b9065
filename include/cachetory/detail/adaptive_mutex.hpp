// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_ADAPTIVE_MUTEX_HPP
#define CACHETORY_DETAIL_ADAPTIVE_MUTEX_HPP

#include "../version.hpp"

#include <atomic>
#include <mutex>

namespace cachetory::detail {

/// A mutex of one word, for critical sections as short as one look-up. It spins a little, then it
/// sleeps. Not recursive.
///
/// Why not `std::mutex`: it costs two calls into the C library, and with its 40 bytes a shard no
/// longer fits into two cache lines. Here, without contention, a thread executes two exchanges,
/// inline.
///
/// Why three states: with two, `unlock` would not know whether a thread sleeps, and would have to
/// call the system every time. `contended` means that one may sleep. A thread that has slept locks
/// with `contended`, because others may still sleep. At worst, one `notify_one` wakes nobody.
///
/// Why `lock` also uses an exchange: after a compare-exchange, some processors do not start the
/// loads of the next look-up early (1.3 times slower if these miss the cache). The exchange may
/// overwrite `contended`. No wake-up is lost, because a thread that has done so does not spin, but
/// writes `contended` again before it sleeps or has the lock.
///
/// Why it spins: the holder is usually done within a few dozen loads, but going to sleep and being
/// woken takes microseconds. Why it spins so briefly, and not at all once a thread may sleep: a
/// holder that has lost its core needs a core to continue, and a spinning thread occupies one. So
/// if more threads than cores compete for one hot key, most of them sleep, and those that run pass
/// the lock on.
///
/// Like `std::mutex`, it is not fair: a running thread may lock before one that is being woken. In
/// practice no thread starves, because the running ones lose their cores in turn.
///
/// `Word` is a parameter so that tests can run other threads between any two steps.
template <class Word =
              std::atomic<int>> // an int, because Linux can wait for a change of one directly
class adaptive_mutex {
public:
    void lock() {
        const int before = state_.exchange(locked, std::memory_order_acquire);
        if (before != unlocked) {
            lock_slowly(before);
        }
    }

    void unlock() {
        // One exchange: between a load and a store, another thread could go to sleep unnoticed.
        if (state_.exchange(unlocked, std::memory_order_release) == contended) {
            state_.notify_one();
        }
    }

private:
    enum : int { unlocked, locked, contended };
    static constexpr int max_spins = 64;

    CACHETORY_GNU(noinline) void lock_slowly(int seen) { // not inlined, so that lock() is
        for (int i = 0; i != max_spins && seen == locked; ++i) {
            seen = state_.load(std::memory_order_relaxed);
        }
        if (seen == unlocked && state_.exchange(locked, std::memory_order_acquire) == unlocked) {
            return;
        }
        while (state_.exchange(contended, std::memory_order_acquire) != unlocked) {
            state_.wait(contended, std::memory_order_relaxed);
        }
    }

    Word state_ = unlocked;
};

/// The mutex of a shard unless the user chooses another. libc++ cannot wait for an atomic on macOS
/// before 11. libstdc++ loses wake-ups where it has no futex, as on Windows (seen in version 12).
#if defined(__cpp_lib_atomic_wait) && (!defined(__GLIBCXX__) || defined(_GLIBCXX_HAVE_LINUX_FUTEX))
using default_mutex = adaptive_mutex<>;
#else
using default_mutex = std::mutex;
#endif

} // namespace cachetory::detail

#endif
