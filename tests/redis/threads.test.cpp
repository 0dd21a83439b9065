// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"
#include "../support/threads.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int threads = 8;

} // namespace

TEST_CASE("one of eight threads that store if_not_exists stores, and one of those that take gets "
          "the value",
          "[redis]") {
    support::redis_server& server = support::empty_redis_server();
    auto cache = cachetory::redis_backend::from_url(server.url());
    constexpr std::size_t keys = 300;
    std::vector<std::atomic<int>> stored(keys);
    std::vector<std::atomic<int>> taken(keys);
    support::watch_together(threads, [&](int i) {
        for (std::size_t key = 0; key < keys; ++key) {
            const std::string value = std::to_string(i);
            stored[key] += cache.set(std::to_string(key), value, {.if_not_exists = true}) ? 1 : 0;
        }
    });
    support::watch_together(threads, [&](int) {
        cachetory::redis_backend copy = cache;
        for (std::size_t key = 0; key < keys; ++key) {
            taken[key] += copy.take(std::to_string(key)) ? 1 : 0;
        }
    });
    std::size_t wrong = 0;
    for (std::size_t key = 0; key < keys; ++key) {
        wrong += stored[key] == 1 && taken[key] == 1 ? 0U : 1U;
    }
    CHECK(wrong == 0);
    CHECK(server.connections() <= std::size_t(threads));
}

TEST_CASE("every thread gets the answers to its own questions", "[redis]") {
    support::redis_server& server = support::empty_redis_server();
    auto cache = cachetory::redis_backend::from_url(server.url());
    std::atomic<int> wrong = 0;
    support::watch_together(threads, [&](int i) {
        const std::string own = "thread " + std::to_string(i) + ' ';
        for (int round = 0; round < 300; ++round) {
            const std::string key = own + std::to_string(round % 7);
            const std::string value = own + std::to_string(round);
            cache.set(key, value, {.time_to_live = 100s});
            wrong += cache.get(key) == value ? 0 : 1;
            wrong += cache.find(own + "missing") ? 1 : 0;
            const auto both = cache.get_many({key, key});
            wrong += both.size() == 2 && both[1].second == value ? 0 : 1;
            wrong += cache.deadline(key) ? 0 : 1;
        }
    });
    CHECK(wrong == 0);
    CHECK(server.connections() <= std::size_t(threads));
}

TEST_CASE("all threads that get_or_set one key get one value", "[redis]") {
    auto cache = cachetory::redis_backend::from_url(support::empty_redis_server().url());
    constexpr std::size_t rounds = 100;
    std::vector<std::vector<std::string>> seen(threads, std::vector<std::string>(rounds));
    support::watch_together(threads, [&](int i) {
        for (std::size_t round = 0; round < rounds; ++round) {
            seen[std::size_t(i)][round] = cache.get_or_set(
                std::to_string(round), [&] { return "made by " + std::to_string(i); });
        }
    });
    for (const std::vector<std::string>& one : seen) {
        CHECK(one == seen[0]);
    }
}

TEST_CASE("connections that are closed under many threads lead to errors or right answers",
          "[redis]") {
    support::redis_server& server = support::empty_redis_server();
    auto cache = cachetory::redis_backend::from_url(server.url());
    std::atomic<int> wrong = 0;
    std::atomic<int> done = 0;
    for (int i = 0; i < threads; ++i) {
        cache.set(std::to_string(i), "value of " + std::to_string(i));
    }
    std::thread closer([&] {
        while (done < threads) {
            server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
            std::this_thread::sleep_for(2ms);
        }
    });
    std::atomic<int> right = 0;
    support::watch_together(threads, [&](int i) {
        for (int round = 0; round < 300; ++round) {
            try {
                const bool good = cache.get(std::to_string(i)) == "value of " + std::to_string(i);
                ++(good ? right : wrong);
            } catch (const cachetory::backend_error&) { // closed in the middle
            }
        }
        ++done;
    });
    closer.join();
    CHECK(wrong == 0);
    CHECK(right > 0);
}

TEST_CASE("after a timeout of one thread, no other thread gets its answer", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=30"));
    for (int i = 0; i < threads; ++i) {
        server.command({"SET", std::to_string(i), "value of " + std::to_string(i)});
    }
    std::atomic<int> wrong = 0;
    std::atomic<int> errors = 0;
    std::atomic<int> done = 0;
    std::thread pauser([&] {
        while (done < threads) {
            server.pause();
            std::this_thread::sleep_for(45ms);
            server.resume();
            std::this_thread::sleep_for(15ms);
        }
    });
    support::watch_together(threads, [&](int i) {
        const auto end = std::chrono::steady_clock::now() + 500ms;
        while (std::chrono::steady_clock::now() < end) {
            try {
                wrong += cache.get(std::to_string(i)) == "value of " + std::to_string(i) ? 0 : 1;
            } catch (const cachetory::backend_error&) {
                ++errors;
            }
        }
        ++done;
    });
    pauser.join();
    CHECK(wrong == 0);
    CHECK(errors > 0); // otherwise nothing was tested
}
