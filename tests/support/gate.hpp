// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_GATE_HPP
#define CACHETORY_TESTS_SUPPORT_GATE_HPP

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace support {

/// A barrier at which threads wait for each other, any number of times. (Not every library has a
/// `std::barrier`, and not every one that has it works.)
class gate {
public:
    /// Opens when `threads` threads wait.
    explicit gate(std::size_t threads) : threads_(threads) {}

    void arrive_and_wait() {
        std::unique_lock lock(mutex_);
        const std::size_t round = round_;
        if (++waiting_ == threads_) {
            waiting_ = 0;
            ++round_;
            opened_.notify_all();
        } else {
            opened_.wait(lock, [&] { return round != round_; });
        }
    }

private:
    const std::size_t threads_;
    std::mutex mutex_;
    std::condition_variable opened_;
    std::size_t waiting_ = 0;
    std::size_t round_ = 0;
};

} // namespace support

#endif
