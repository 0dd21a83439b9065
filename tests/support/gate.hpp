// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_GATE_HPP
#define CACHETORY_TESTS_SUPPORT_GATE_HPP

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace support {

/// Where threads wait for each other, again and again. (`std::barrier` would do, but not every
/// library that has it can wait in it, and not every one has it.)
class gate {
public:
    /// Opens when so many threads wait.
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
