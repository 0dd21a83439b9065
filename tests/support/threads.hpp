// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_THREADS_HPP
#define CACHETORY_TESTS_SUPPORT_THREADS_HPP

#include "gate.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace support {

/// Runs `work` in a new thread until it ends. A deadlock ends the program instead of hanging it.
template <class Work>
void watch(Work work) {
    std::future<void> done = std::async(std::launch::async, std::move(work));
    if (done.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
        std::fputs("a deadlock, or the machine has been suspended\n", stderr);
        std::abort();
    }
    done.get();
}

/// Runs work(0), ... work(count - 1) at the same time, and waits until all end.
template <class Work>
void watch_together(int count, Work work) {
    watch([&] {
        gate start(static_cast<std::size_t>(count));
        std::vector<std::thread> threads;
        for (int i = 0; i != count; ++i) {
            threads.emplace_back([&, i] {
                start.arrive_and_wait();
                work(i);
            });
        }
        for (std::thread& each : threads) {
            each.join();
        }
    });
}

/// Whether another thread can use `key`, that is, no lock has been kept.
template <class Cache>
bool others_get_through(Cache& cache, std::string_view key) {
    bool through = false;
    watch([&] {
        (void)cache.contains(key);
        through = true;
    });
    return through;
}

} // namespace support

#endif
