// SPDX-License-Identifier: MIT
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <iostream>
#include <string>

int main() {
    using namespace std::chrono_literals;
    cachetory::memory_backend<std::string> cache;

    cache.set("user:42", "Ada", 30min);
    if (auto name = cache.find("user:42")) {
        const auto greet = [&] { return "Hello, " + *name + '!'; };
        std::cout << cache.get_or_set("page:42", greet, 5min) << '\n';
    }
}
