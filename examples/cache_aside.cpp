// SPDX-License-Identifier: MIT
//
// A cache beside something slow, here a database: what is missing is loaded and kept for a minute.
// What nobody asks for again would stay in memory for good, so each request purges a little: a
// short pause each time, and no thread.
#include <algorithm>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <cstddef>
#include <fmt/core.h>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

/// Stands where it is put, so that this program prints the same each time.
struct manual_clock {
    using duration = std::chrono::seconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<manual_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() { return current; }

    static inline time_point current;
};

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
        pages.purge_expired(8); // visits no more entries than that
        most = std::max(most, pages.size());
        return pages.get_or_set(
            page, [&] { return slow.load(page); }, 1min);
    };

    for (int visitor = 0; visitor != 3600; ++visitor) { // one a second, for an hour
        serve("home");
        serve(fmt::format("visitor {}", visitor));
        manual_clock::current += 1s;
    }
    fmt::print("7200 pages served, {} loaded\n", slow.loads);
    fmt::print("never more than 80 in memory: {}\n", most <= 80); // 62, and those not yet purged
}
