// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REDIS_TRAFFIC_HPP
#define CACHETORY_TESTS_SUPPORT_REDIS_TRAFFIC_HPP

#include "redis_server.hpp"

#include <cachetory/redis_backend.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace support {

/// Whether an acknowledged write may be lost, as in a failover.
enum class writes { are_kept, may_be_lost };

/// Threads that store and look up values through one backend until they are told to stop. Each has
/// keys of its own, so it knows what it must get.
class redis_traffic {
public:
    /// Each element of `keys_of_threads` has the keys of one thread.
    redis_traffic(cachetory::redis_backend cache,
                  std::vector<std::vector<std::string>> keys_of_threads,
                  writes expected) {
        for (std::vector<std::string>& keys : keys_of_threads) {
            threads_.emplace_back([this, cache, expected, own = std::move(keys)]() mutable {
                run(cache, own, expected);
            });
        }
    }

    redis_traffic(const redis_traffic&) = delete;
    redis_traffic& operator=(const redis_traffic&) = delete;

    ~redis_traffic() { stop(); }

    void stop() {
        stopped_ = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

    /// How many times each key has been used without an error.
    std::size_t rounds() const { return rounds_; }
    std::size_t errors() const { return errors_; }
    std::size_t wrong_answers() const { return wrong_; }

    /// Waits until `count` more rounds have been made, by any thread.
    void wait_for_rounds(std::size_t count) const {
        const std::size_t end = rounds_ + count;
        while (rounds_ < end) {
            std::this_thread::yield();
        }
    }

    /// Waits until `count` rounds in a row have been made without an error.
    void wait_for_calm(std::size_t count) const {
        wait_until(
            [&] {
                const std::size_t before = errors_;
                wait_for_rounds(count);
                return errors_ == before;
            },
            "for rounds without an error");
    }

    /// The text of the last error, and the last wrong value with the expected one.
    std::string last_error() const {
        const std::lock_guard lock(mutex_);
        return words_;
    }

private:
    void
    run(cachetory::redis_backend& cache, const std::vector<std::string>& keys, writes expected) {
        std::vector<std::string> stored(keys.size());
        for (std::size_t number = 0; !stopped_; ++number) {
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const auto check = [&](const std::string& got) {
                    const std::string begin = "value of " + keys[i] + ' ';
                    if (expected == writes::are_kept ? got != stored[i] : !got.starts_with(begin)) {
                        ++wrong_;
                        say("'" + got + "' instead of '" + stored[i] + "'");
                    }
                };
                try {
                    stored[i] = "value of " + keys[i] + ' ' + std::to_string(number);
                    cache.set(keys[i], stored[i]);
                    check(cache.get_or_set(keys[i], [&] { return stored[i]; }));
                    if (const auto found = cache.find(keys[i]);
                        found || expected == writes::are_kept) {
                        check(found.value_or("nothing"));
                    }
                    if (!cache.expire_in(keys[i], std::nullopt) && expected == writes::are_kept) {
                        check("an entry without a deadline is missing");
                    }
                    const std::string& next = keys[(i + 1) % keys.size()];
                    for (const auto& [key, value] : cache.get_many({keys[i], next, keys[i]})) {
                        if (key == keys[i]) {
                            check(value);
                        }
                    }
                    ++rounds_;
                } catch (const cachetory::backend_error& error) {
                    ++errors_;
                    say(error.what());
                } catch (const std::exception& error) {
                    ++wrong_;
                    say(error.what());
                }
            }
        }
    }

    void say(const std::string& words) {
        const std::lock_guard lock(mutex_);
        words_ = words;
    }

    std::atomic<bool> stopped_ = false;
    std::atomic<std::size_t> rounds_ = 0;
    std::atomic<std::size_t> errors_ = 0;
    std::atomic<std::size_t> wrong_ = 0;
    mutable std::mutex mutex_;
    std::string words_;
    std::vector<std::thread> threads_;
};

} // namespace support

#endif
