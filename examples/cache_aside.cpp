// SPDX-License-Identifier: MIT
//
// A cache in front of something slow, here a database: a page that is missing is loaded, and kept
// for a minute. Pages that nobody asks for again would stay in memory, so each request also erases
// a few of those that have expired. That takes no thread, and no request waits long.
#include <algorithm>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <cstddef>
#include <fmt/core.h>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using cachetory::manual_clock; // so that this program always prints the same

struct database {
    std::string load(std::string_view page) {
        ++loads;
        return fmt::format("<h1>{}</h1>", page);
    }

    int loads = 0;
};

} // namespace

int main() {
    database slow;
    cachetory::memory_backend<std::string, manual_clock> pages;
    std::size_t most = 0;
    const auto serve = [&](std::string_view page) -> const std::string& {
        pages.purge_expired(8); // looks at no more than eight entries
        most = std::max(most, pages.size());
        return pages.get_or_set(
            page, [&] { return slow.load(page); }, 1min);
    };

    for (int visitor = 0; visitor != 3600; ++visitor) { // one a second, for an hour
        serve("home");
        serve(fmt::format("visitor {}", visitor));
        manual_clock::advance(1s);
    }
    fmt::print("7200 pages served, {} loaded\n", slow.loads);
    fmt::print("never more than 80 in memory: {}\n", most <= 80); // 62 are alive at most
}
