// SPDX-License-Identifier: MIT
//
// Shows which requests in a web server's log a rate limiter would have refused. A client's first
// request opens a window of time in which a limited number of requests is allowed. The first
// request after its end opens the next window. The window is a cache entry that counts, and expires
// at its end.
#include "log_program.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fmt/core.h>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

/// Safe to use from several threads at once.
template <class Clock = std::chrono::steady_clock>
class rate_limiter {
public:
    rate_limiter(int limit, std::chrono::seconds window) : limit_(limit), window_(window) {}

    /// Counts a request of `client`. Returns whether it is allowed.
    bool allow(std::string_view client) {
        bool allowed = true;
        const auto count = [&](int& used) {
            allowed = used < limit_;
            used += allowed ? 1 : 0;
        };
        // One atomic step: a find and a set would forget what other threads count in between.
        used_.set_or_visit(client, 1, count, window_);
        return allowed;
    }

private:
    int limit_;
    std::chrono::seconds window_;
    /// How many requests of each client were allowed in its window. Nothing is purged, because the
    /// time of a log may go back. A server would also call `purge_expired(8)` for each request.
    cachetory::concurrent_memory_backend<int, Clock> used_;
};

struct client_log {
    std::size_t requests = 0;
    std::size_t refused = 0;
};

constexpr std::string_view usage =
    "usage: rate_limiter [--limit N] [--window SECONDS] [FILE]\n"
    "Counts the requests that a rate limiter would have refused, in a web server's log,\n"
    "in Common or Combined Log Format, read from standard input if there is no FILE,\n"
    "or if it is -.\n"
    "  --limit N         how many requests of a client are allowed in a window (default: 10)\n"
    "  --window SECONDS  how long a window lasts from its first request on (default: 60)\n";

void report(log_program::request_reader log, int limit, std::chrono::seconds window) {
    using cachetory::manual_clock;
    rate_limiter<manual_clock> limiter(limit, window);
    std::map<std::string, client_log> clients;
    std::size_t refused = 0;
    while (const auto request = log.next()) {
        manual_clock::set(manual_clock::time_point(request->time.time_since_epoch()));
        client_log& client = clients[request->client];
        ++client.requests;
        if (!limiter.allow(request->client)) {
            ++client.refused;
            ++refused;
        }
    }
    fmt::print("{} requests, {} allowed, {} refused\n", log.requests(), log.requests() - refused,
               refused);
    std::vector<log_program::client_count> refusals;
    for (const auto& [name, client] : clients) {
        if (client.refused != 0) {
            refusals.push_back({name, client.refused, client.requests});
        }
    }
    log_program::print_highest(std::move(refusals), "refused of");
    if (log.skipped() != 0) {
        fmt::print(stderr, "rate_limiter: {} lines skipped\n", log.skipped());
    }
}

} // namespace

int main(int argc, char** argv) {
    constexpr int most_requests = 1'000'000'000;
    constexpr int year = 365 * 24 * 60 * 60;
    int limit = 10;
    int window = 60;
    return log_program::run(
        {"rate_limiter",
         usage,
         {{"--limit", "requests", most_requests, limit}, {"--window", "seconds", year, window}}},
        argc, argv, [&](log_program::request_reader log) {
            report(std::move(log), limit, std::chrono::seconds(window));
        });
}
