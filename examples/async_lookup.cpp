// SPDX-License-Identifier: MIT
//
// A cache in asynchronous code: a coroutine awaits the results, and code written for std::future
// takes them as they are. The cache does its work in the call, so nothing ever waits.
#include <algorithm>
#include <cachetory/async_backend.hpp>
#include <coroutine>
#include <exception>
#include <fmt/core.h>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using user_cache = cachetory::async_memory_backend<std::string>;

struct task { // the minimum that makes a function a coroutine
    struct promise_type {
        static task get_return_object() noexcept { return {}; }

        static std::suspend_never initial_suspend() noexcept { return {}; }

        static std::suspend_never final_suspend() noexcept { return {}; }

        static void return_void() noexcept {}

        static void unhandled_exception() noexcept { std::terminate(); }
    };
};

task greet(user_cache& users, std::string_view key) { // NOLINT(*-through-instance)
    try {
        const std::string& name = co_await users.get(key); // the stored value, not a copy
        fmt::print("Hello, {}!\n", name);
    } catch (const cachetory::key_error& error) { // the future held it
        fmt::print("Who is {}?\n", error.key());
    }
}

/// Knows nothing of cachetory.
auto count_successes(std::vector<std::future<bool>> results) {
    return std::ranges::count_if(results, [](auto& result) { return result.get(); });
}

} // namespace

int main() {
    user_cache users;
    std::vector<std::future<bool>> stored;
    stored.push_back(users.set("user:1", "Ada"));
    stored.push_back(users.set("user:2", "Grace"));
    stored.push_back(users.set("user:1", "Mallory", {.if_not_exists = true}));
    fmt::print("{} of 3 stored\n", count_successes(std::move(stored)));

    greet(users, "user:1");
    greet(users, "user:3");
}
