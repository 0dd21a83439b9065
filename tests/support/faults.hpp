// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_FAULTS_HPP
#define CACHETORY_TESTS_SUPPORT_FAULTS_HPP

#include "allocations.hpp"
#include "backends.hpp"
#include "manual_clock.hpp"

#include <cachetory/string_hash.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace support {

/// What can be made to fail, one bit each.
namespace fault {

enum kind : unsigned {
    none = 0,
    allocation = 1,
    copy = 2,
    move = 4,
    all_moves = 8, ///< All from the n-th on, so that moving back also fails.
    clock = 16,
    hash = 32,
    new_hash = 64, ///< Making, copying or moving a hash.
    lock = 128,
    call = 256, ///< A call of an argument of the verb: a function, or a range of keys.
};

inline constexpr std::array kinds = {allocation, copy, move,     all_moves, clock,
                                     hash,       call, new_hash, lock};

/// What all of them throw, except `allocation`, which throws `std::bad_alloc`.
struct error {};

inline kind armed = none;
inline std::size_t left = 0;
inline std::size_t last_allocation = 0;
inline bool struck = false;

/// Makes the n-th fault of a kind from now on happen.
inline void arm(kind what, std::size_t n) {
    armed = what;
    left = n;
    last_allocation = allocations() + n;
    struck = false;
    fail_allocation(what == allocation ? n : 0);
}

/// Prevents further faults. Returns whether there was one.
inline bool disarm() {
    struck = struck || (armed == allocation && allocations() >= last_allocation);
    armed = none;
    fail_allocation(0);
    return struck;
}

/// Called wherever a fault of this kind may happen.
inline void may_strike(kind what) {
    const bool lasting = armed == all_moves && what == move;
    if (armed != what && !lasting) {
        return;
    }
    if (left != 1) {
        --left;
        return;
    }
    armed = lasting ? all_moves : none;
    struck = true;
    throw error();
}

} // namespace fault

/// How many `watched` mutexes are held.
inline int locks_held = 0;

/// A `Mutex` that counts itself while it is held. One thread is enough to find out what runs under
/// a lock. Locking it twice adds so much that the count never returns to 0.
template <class Mutex>
class watched {
public:
    void lock() {
        fault::may_strike(fault::lock);
        if (++depth_ == 1) {
            mutex_.lock();
            ++locks_held;
        } else {
            locks_held += 1000;
        }
    }

    void unlock() {
        if (--depth_ == 0) {
            mutex_.unlock();
            --locks_held;
        }
    }

private:
    Mutex mutex_ = {};
    int depth_ = 0;
};

/// Which values there are now, and how often one was used outside its lifetime or destroyed under a
/// lock.
struct census {
    static void enter(const void* value) {
        ++count;
        *std::find(alive.begin(), alive.end(), nullptr) = value;
    }

    static void leave(const void* value) {
        --count;
        check(value);
        std::replace(alive.begin(), alive.end(), value, static_cast<const void*>(nullptr));
    }

    static void check(const void* value) {
        wrongs += std::find(alive.begin(), alive.end(), value) == alive.end() ? 1 : 0;
    }

    static inline std::array<const void*, 400> alive{};
    static inline int count = 0;
    static inline int wrongs = 0;
    static inline std::function<void()>
        on_destruction; ///< Called for values that are not moved from.
};

inline constexpr int moved_from = -1;

/// A value whose copies can be made to fail, and whose moves can unless `SafeMoves`.
template <bool SafeMoves>
class wire {
public:
    wire(int n) : number(n) { census::enter(this); } // implicit, so that an int can become one
    wire(const wire& other) : number(other.lend()), text(other.text) { census::enter(this); }
    wire(wire&& other) noexcept(SafeMoves) : number(other.give()), text(std::move(other.text)) {
        census::enter(this);
    }
    wire& operator=(const wire& other) {
        census::check(this);
        number = other.lend();
        text = other.text;
        return *this;
    }
    wire& operator=(wire&& other) noexcept(SafeMoves) {
        census::check(this);
        number = other.give();
        text = std::move(other.text);
        return *this;
    }
    ~wire() {
        census::leave(this);
        if (number != moved_from) {
            census::wrongs += locks_held != 0 ? 1 : 0;
            if (census::on_destruction) {
                census::on_destruction();
            }
        }
    }

    int number;
    std::string text; ///< Empty, unless a test needs memory that is freed with the value.

private:
    int lend() const {
        fault::may_strike(fault::copy);
        census::check(this);
        return number;
    }

    int give() noexcept(SafeMoves) {
        if constexpr (!SafeMoves) {
            fault::may_strike(fault::move);
        }
        census::check(this);
        return std::exchange(number, moved_from);
    }
};

struct faulty_clock : manual_clock<> {
    static time_point now() {
        fault::may_strike(fault::clock);
        return manual_clock::now();
    }
};

struct faulty_hash {
    using is_transparent = void;

    faulty_hash() { fault::may_strike(fault::new_hash); }
    faulty_hash(const faulty_hash&) : faulty_hash() {}
    faulty_hash& operator=(const faulty_hash&) {
        fault::may_strike(fault::new_hash);
        return *this;
    }
    ~faulty_hash() = default;

    std::size_t operator()(std::string_view key) const {
        fault::may_strike(fault::hash);
        return cachetory::string_hash({1, 2, 3, 4})(key);
    }
};

/// A key whose conversion to a view may fail.
struct faulty_key {
    operator std::string_view() const {
        fault::may_strike(fault::call);
        return key;
    }

    std::string_view key;
};

/// A backend in which everything can be made to fail.
template <class Entry, class Wire, class Mutex = cachetory::detail::default_mutex>
using faulty =
    with_shards<16, support::backend_of<Entry, Wire, faulty_clock, faulty_hash, watched<Mutex>>>;

} // namespace support

#endif
