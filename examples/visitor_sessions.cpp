// SPDX-License-Identifier: MIT
//
// Counts the visits in a web server's log: a client that has made no request for half an hour is
// gone, and its next request begins a new session. The bookkeeping is one cache entry for each
// client, which expires when the client is gone.
#include "access_log.hpp"

#include <algorithm>
#include <cachetory/memory_backend.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <iostream>
#include <istream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace {

/// A clock that stands at the time of the line being read. It goes backwards where the log does:
/// servers write a line when a request ends, with the time at which it began.
struct log_clock {
    using duration = std::chrono::seconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::sys_seconds;
    [[maybe_unused]] static constexpr bool is_steady = false; // every clock has it

    static time_point now() { return current; }

    static inline time_point current;
};

struct visitor {
    std::size_t sessions = 0;
    std::size_t requests = 0;
};

/// From its earliest request until it has been idle since its latest. These need not be the first
/// and the last that were read.
struct session {
    log_clock::time_point earliest;
    log_clock::time_point latest;
};

class session_counter {
public:
    explicit session_counter(std::chrono::minutes idle) : idle_(idle) {}

    void add(const access_log::request& request) {
        log_clock::current = request.time;
        visitor& who = visitors_[std::string(request.address)];
        ++who.requests;

        const auto open_session = [&] {
            ++who.sessions;
            sessions_.push_back({request.time, request.time});
            return sessions_.size() - 1;
        };
        session& current = sessions_[live_.get_or_set(request.address, open_session)];
        live_.expire_in(request.address, idle_); // counts from this line, even if it is a late one

        current.earliest = std::min(current.earliest, request.time);
        current.latest = std::max(current.latest, request.time);
    }

    std::size_t sessions() const { return sessions_.size(); }

    /// Returns the `count` visitors with the most sessions, or all if there are fewer.
    std::vector<std::pair<std::string, visitor>> most_frequent(std::size_t count) const {
        std::vector<std::pair<std::string, visitor>> all(visitors_.begin(), visitors_.end());
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
            return std::tie(b.second.sessions, b.second.requests, a.first) <
                   std::tie(a.second.sessions, a.second.requests, b.first);
        });
        all.resize(std::min(count, all.size()));
        return all;
    }

    std::ptrdiff_t most_open_at_once() const {
        std::vector<std::pair<log_clock::time_point, std::ptrdiff_t>> changes;
        for (const auto& [earliest, latest] : sessions_) {
            changes.emplace_back(earliest, +1);
            changes.emplace_back(latest + idle_, -1);
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
    std::chrono::minutes idle_;
    /// Where in `sessions_` the session of each address is. Nothing is purged: an entry that has
    /// expired is alive again when a later line goes back in time.
    cachetory::memory_backend<std::size_t, log_clock> live_;
    std::vector<session> sessions_;
    std::map<std::string, visitor> visitors_;
};

/// The beginning of a line, fit to be shown on a terminal whatever it is made of.
std::string printable(std::string_view line) {
    constexpr std::size_t most = 100;
    std::string shown;
    for (const char c : line.substr(0, most)) {
        const bool plain = ' ' <= c && c <= '~';
        shown +=
            plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return line.size() > most ? shown + "..." : shown;
}

struct options {
    std::chrono::minutes idle{30};
    std::string file = "-";
};

void report(std::istream& log, const options& chosen) {
    session_counter counter(chosen.idle);
    std::size_t requests = 0;
    std::size_t skipped = 0;
    for (std::string line; std::getline(log, line);) {
        if (const auto request = access_log::parse_line(line)) {
            ++requests;
            counter.add(*request);
        } else if (++skipped == 1) {
            fmt::print(stderr,
                       "visitor_sessions: line {} is the first that cannot be read: \"{}\"\n",
                       requests + 1, printable(line));
        }
    }
    if (log.bad()) {
        throw std::runtime_error(fmt::format("cannot read \"{}\" to its end", chosen.file));
    }

    fmt::print("{} requests, {} sessions, {} lines skipped\n", requests, counter.sessions(),
               skipped);
    fmt::print("most sessions:\n");
    for (const auto& [address, who] : counter.most_frequent(5)) {
        fmt::print("{:>6} in {:>6} requests  {}\n", who.sessions, who.requests, address);
    }
    fmt::print("most sessions open at once: {}\n", counter.most_open_at_once());
}

void run(const options& chosen) {
    if (chosen.file == "-") {
        std::ios::sync_with_stdio(false); // else std::cin takes an error for the end
        return report(std::cin, chosen);
    }
    if (std::error_code ignored; std::filesystem::is_directory(chosen.file, ignored)) {
        throw std::runtime_error(fmt::format("\"{}\" is a directory", chosen.file));
    }
    std::ifstream log(chosen.file, std::ios::binary);
    if (!log) {
        const std::string reason = std::generic_category().message(errno);
        throw std::runtime_error(fmt::format("cannot open \"{}\": {}", chosen.file, reason));
    }
    report(log, chosen);
}

constexpr std::string_view usage =
    "usage: visitor_sessions [--idle MINUTES] [FILE]\n"
    "Counts the sessions in a web server's log, in Common or Combined Log Format,\n"
    "read from standard input if there is no FILE, or if it is -.\n"
    "  --idle MINUTES  how long a session lasts after each request (default: 30)\n";

struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::chrono::minutes parse_idle(std::string_view text) {
    constexpr int year = 365 * 24 * 60; // who comes back after a year is on another visit
    int minutes = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, minutes);
    if (error != std::errc() || stopped != end || minutes < 1 || minutes > year) {
        throw usage_error(
            fmt::format("--idle takes a number of minutes from 1 to {}, not \"{}\"", year, text));
    }
    return std::chrono::minutes(minutes);
}

/// Returns `std::nullopt` if help is asked for.
std::optional<options> parse_options(const std::vector<std::string_view>& arguments) {
    options chosen;
    bool has_file = false;
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
        if (*argument == "--help") {
            return std::nullopt;
        }
        if (*argument == "--idle") {
            if (++argument == arguments.end()) {
                throw usage_error("--idle takes a number of minutes, but nothing follows it");
            }
            chosen.idle = parse_idle(*argument);
        } else if (argument->starts_with('-') && *argument != "-") {
            throw usage_error(fmt::format("unknown option \"{}\"", *argument));
        } else if (std::exchange(has_file, true)) {
            throw usage_error(fmt::format("one FILE is read, so not \"{}\" as well", *argument));
        } else {
            chosen.file = *argument;
        }
    }
    return chosen;
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (const auto chosen = parse_options({argv + 1, argv + argc})) {
            run(*chosen);
        } else {
            fmt::print("{}", usage);
        }
        return 0;
    } catch (const usage_error& error) {
        fmt::print(stderr, "visitor_sessions: {}\n{}", error.what(), usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "visitor_sessions: {}\n", error.what());
        return 1;
    }
}
