// SPDX-License-Identifier: MIT
//
// A small pool of workers that share one cache: a page that one of them has fetched is there for
// all, and the cache itself counts how often each page is viewed.
#include <cachetory/concurrent_memory_backend.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <fmt/core.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct page {
    std::string text;
    int views = 0;
};

/// Stands for something slow. The cache calls it without a lock, so other workers do not wait.
page fetch(std::string_view name) { return {"<h1>" + std::string(name) + "</h1>"}; }

constexpr std::array<std::string_view, 6> requests = {"home",  "news", "home",
                                                      "about", "home", "news"};

} // namespace

int main() {
    cachetory::concurrent_memory_backend<page> pages;
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> bytes_sent = 0;

    const auto work = [&] {
        for (std::size_t i = next++; i < 1000 * requests.size(); i = next++) {
            const std::string_view name = requests[i % requests.size()];
            // A copy: it stays valid whatever the other workers do to the entry.
            const page found = pages.get_or_set(name, [&] { return fetch(name); });
            bytes_sent += found.text.size();
            // A get and a set would lose what another worker counts in between.
            pages.visit(name, [](page& stored) { ++stored.views; });
        }
    };

    std::vector<std::thread> pool;
    for (int i = 0; i != 4; ++i) {
        pool.emplace_back(work);
    }
    for (std::thread& worker : pool) {
        worker.join();
    }

    for (const auto& [name, stored] : pages.get_many({"home", "news", "about"})) {
        fmt::print("{:>5} views of {}\n", stored.views, name);
    }
    fmt::print("{} bytes sent\n", bytes_sent.load());
}
