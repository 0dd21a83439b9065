// SPDX-License-Identifier: MIT
//
// Counts the visits in a web server's log: a client that has made no request for half an hour is
// gone, and its next request begins a new session. The bookkeeping is one cache entry for each
// client, which expires when the client is gone.
//
// The clock shows the time of the line being read. It goes back when the log does: servers write a
// line when a request ends, with the time at which it began. Lines that are late by less than the
// idle time are counted as if the log were in order. Lines that are later than that may be counted
// or skipped: a line that does not touch its client's latest session is skipped.
#include "log_program.hpp"

#include <algorithm>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <cstddef>
#include <fmt/core.h>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using cachetory::manual_clock;

/// From its earliest request until the idle time after its latest. These need not be the first and
/// the last that were read.
struct session {
    manual_clock::time_point earliest;
    manual_clock::time_point latest;
};

struct visitor {
    std::vector<session> sessions; // in order of time
    std::size_t requests = 0;
};

class session_counter {
public:
    explicit session_counter(std::chrono::minutes idle) : idle_(idle) {}

    /// Returns whether it could count the request: not if it is too late.
    bool add(const access_log::request& request) {
        const manual_clock::time_point time(request.time.time_since_epoch());
        manual_clock::set(time);
        auto& [sessions, requests] = visitors_[request.client];
        if (live_.set(request.client, true, {.time_to_live = idle_, .if_not_exists = true})) {
            sessions.push_back({time, time});
        } else if (time + idle_ <= sessions.back().earliest) {
            return false;
        }
        ++requests;
        session& current = sessions.back();
        current.earliest = std::min(current.earliest, time);
        current.latest = std::max(current.latest, time);
        live_.expire_at(request.client, current.latest + idle_); // a late line does not shorten it
        join_last_two(sessions);
        return true;
    }

    std::size_t sessions() const {
        std::size_t sum = 0;
        for (const auto& [client, who] : visitors_) {
            sum += who.sessions.size();
        }
        return sum;
    }

    std::vector<log_program::client_count> sessions_of_each() const {
        std::vector<log_program::client_count> all;
        for (const auto& [client, who] : visitors_) {
            all.push_back({client, who.sessions.size(), who.requests});
        }
        return all;
    }

    std::ptrdiff_t most_open_at_once() const {
        std::vector<std::pair<manual_clock::time_point, std::ptrdiff_t>> changes;
        for (const auto& [client, who] : visitors_) {
            for (const auto& [earliest, latest] : who.sessions) {
                changes.emplace_back(earliest, +1);
                changes.emplace_back(latest + idle_, -1);
            }
        }
        std::sort(changes.begin(), changes.end()); // at one instant, what ends comes first
        std::ptrdiff_t open = 0;
        std::ptrdiff_t most = 0;
        for (const auto& [when, change] : changes) {
            open += change;
            most = std::max(most, open);
        }
        return most;
    }

private:
    /// Makes one of the last two sessions if a late line has closed the gap between them.
    void join_last_two(std::vector<session>& sessions) const {
        if (sessions.size() < 2) {
            return;
        }
        session& before = sessions.end()[-2];
        if (sessions.back().earliest < before.latest + idle_) {
            before.latest = sessions.back().latest;
            sessions.pop_back();
        }
    }

    std::chrono::minutes idle_;
    /// Has an entry for each client whose latest session is open. Nothing is purged: an entry that
    /// has expired is alive again when a later line goes back in time.
    cachetory::memory_backend<bool, manual_clock> live_;
    std::map<std::string, visitor> visitors_;
};

constexpr std::string_view usage =
    "usage: visitor_sessions [--idle MINUTES] [FILE]\n"
    "Counts the sessions in a web server's log, in Common or Combined Log Format,\n"
    "read from standard input if there is no FILE, or if it is -.\n"
    "  --idle MINUTES  how long a session lasts after each request (default: 30)\n"
    "Lines may be out of order by less than that.\n";

void report(log_program::request_reader log, std::chrono::minutes idle) {
    session_counter counter(idle);
    while (const auto request = log.next()) {
        if (!counter.add(*request)) {
            log.skip("is late by the idle time or more");
        }
    }
    fmt::print("{} requests, {} sessions, {} lines skipped\n", log.requests(), counter.sessions(),
               log.skipped());
    fmt::print("most sessions:\n");
    log_program::print_highest(counter.sessions_of_each(), "in");
    fmt::print("most sessions open at once: {}\n", counter.most_open_at_once());
}

} // namespace

int main(int argc, char** argv) {
    constexpr int year = 365 * 24 * 60; // whoever comes back after a year begins another visit
    int idle = 30;
    return log_program::run({"visitor_sessions", usage, {{"--idle", "minutes", year, idle}}}, argc,
                            argv, [&](log_program::request_reader log) {
                                report(std::move(log), std::chrono::minutes(idle));
                            });
}
