// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_YIELDING_HPP
#define CACHETORY_TESTS_SUPPORT_YIELDING_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

// A mutex, a clock and a value that let other threads run in the middle of their operations.
namespace support {

/// Lets other threads run now and then. Without it, operations on two cores would hardly ever
/// overlap.
class scheduler {
public:
    static void seed(std::uint32_t seed) { state() = seed | 1; }

    static void maybe_yield() noexcept {
        std::uint32_t& x = state(); // xorshift
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        if (x % 4 == 0) {
            std::this_thread::yield();
        }
    }

private:
    static std::uint32_t& state() {
        static thread_local std::uint32_t random = 1;
        return random;
    }
};

template <class Mutex>
class yielding {
public:
    void lock() {
        scheduler::maybe_yield();
        mutex_.lock();
        scheduler::maybe_yield();
    }

    void unlock() {
        scheduler::maybe_yield();
        mutex_.unlock();
        scheduler::maybe_yield();
    }

private:
    Mutex mutex_;
};

using yielding_mutex = yielding<std::mutex>;

struct yielding_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<yielding_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() {
        scheduler::maybe_yield();
        const time_point read = time_point(duration(current));
        scheduler::maybe_yield();
        return read;
    }

    static inline std::atomic<std::int64_t> current = 1000;
};

/// A number in two halves, to detect a copy that was made while another thread was writing.
class yielding_number {
public:
    yielding_number(std::int64_t n) : first_(n), second_(n) {}
    yielding_number(const yielding_number& other) : yielding_number(0) { *this = other; }
    yielding_number(yielding_number&& other) noexcept : yielding_number(0) {
        *this = std::move(other);
    }
    yielding_number& operator=(const yielding_number& other) {
        first_ = other.first_;
        scheduler::maybe_yield();
        second_ = other.second_;
        return *this;
    }
    yielding_number& operator=(yielding_number&& other) noexcept {
        first_ = std::exchange(other.first_, moved_from);
        scheduler::maybe_yield();
        second_ = std::exchange(other.second_, moved_from);
        return *this;
    }
    ~yielding_number() { scheduler::maybe_yield(); }

    void add(std::int64_t n) {
        first_ += n;
        scheduler::maybe_yield();
        second_ += n;
    }

    /// The number or, if the halves differ, a value that is no result in any history.
    std::int64_t get() const { return first_ == second_ ? first_ : torn; }

private:
    static constexpr std::int64_t moved_from = -3;
    static constexpr std::int64_t torn = -4;

    std::int64_t first_;
    std::int64_t second_;
};

} // namespace support

#endif
