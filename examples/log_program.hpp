// SPDX-License-Identifier: MIT
//
// What programs that read one log have in common: options with a number, at most one file, messages
// about skipped lines, and the exit status.
#ifndef CACHETORY_EXAMPLES_LOG_PROGRAM_HPP
#define CACHETORY_EXAMPLES_LOG_PROGRAM_HPP

#include "access_log.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <iostream>
#include <istream>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace log_program {

struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct option {
    std::string_view name;
    std::string_view unit; // in which its number is given
    int most;
    int& value; // first the default, then what the user chose
};

struct program {
    std::string_view name;
    std::string_view usage;
    std::vector<option> options;
    std::string file = "-";
};

/// The beginning of a line, made safe to print on a terminal.
inline std::string printable(std::string_view line) {
    constexpr std::size_t most = 100;
    std::string shown;
    for (const char c : line.substr(0, most)) {
        const bool plain = ' ' <= c && c <= '~';
        shown +=
            plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return line.size() > most ? shown + "..." : shown;
}

/// The requests of a log.
class request_reader {
public:
    request_reader(const program& reader, std::istream& log) : program_(reader), log_(log) {}

    /// Returns the next request, or `std::nullopt` at the end. Skips lines that are not requests.
    std::optional<access_log::request> next() {
        while (std::getline(log_, line_)) {
            ++lines_;
            if (auto request = access_log::parse_line(line_)) {
                return request;
            }
            skip("cannot be read");
        }
        if (log_.bad()) {
            throw std::runtime_error(fmt::format("cannot read \"{}\" to its end", program_.file));
        }
        return std::nullopt;
    }

    /// Skips the line just read. Prints a message if it is the first that is skipped for this
    /// reason.
    void skip(std::string_view reason) {
        ++skipped_;
        if (reasons_.insert(reason).second) {
            fmt::print(stderr, "{}: line {} is the first that {}: \"{}\"\n", program_.name, lines_,
                       reason, printable(line_));
        }
    }

    std::size_t requests() const { return lines_ - skipped_; }

    std::size_t skipped() const { return skipped_; }

private:
    const program& program_;
    std::istream& log_;
    std::string line_;
    std::size_t lines_ = 0;
    std::size_t skipped_ = 0;
    std::set<std::string_view> reasons_;
};

inline int parse_number(const option& chosen, std::string_view text) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stopped != end || number < 1 || number > chosen.most) {
        throw usage_error(fmt::format("{} takes a number of {} from 1 to {}, not \"{}\"",
                                      chosen.name, chosen.unit, chosen.most, text));
    }
    return number;
}

/// Sets the options and the file of `chosen`. Returns whether the program is to do its work: not if
/// the user asks for help.
inline bool parse_arguments(const std::vector<std::string_view>& arguments, program& chosen) {
    bool has_file = false;
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
        const auto known = std::find_if(chosen.options.begin(), chosen.options.end(),
                                        [&](const option& each) { return each.name == *argument; });
        if (*argument == "--help") {
            return false;
        }
        if (known != chosen.options.end()) {
            if (++argument == arguments.end()) {
                throw usage_error(fmt::format("{} takes a number of {}, but nothing follows it",
                                              known->name, known->unit));
            }
            known->value = parse_number(*known, *argument);
        } else if (argument->starts_with('-') && *argument != "-") {
            throw usage_error(fmt::format("unknown option \"{}\"", *argument));
        } else if (std::exchange(has_file, true)) {
            throw usage_error(fmt::format("only one FILE can be read, not also \"{}\"", *argument));
        } else {
            chosen.file = *argument;
        }
    }
    return true;
}

/// Calls `work(reader)` with a reader of the program's file.
template <class Work>
void open_log(const program& chosen, Work work) {
    if (chosen.file == "-") {
        std::ios::sync_with_stdio(false); // otherwise std::cin treats an error as the end
        return work(request_reader(chosen, std::cin));
    }
    if (std::error_code ignored; std::filesystem::is_directory(chosen.file, ignored)) {
        throw std::runtime_error(fmt::format("\"{}\" is a directory", chosen.file));
    }
    std::ifstream log(chosen.file, std::ios::binary);
    if (!log) {
        const std::string reason = std::generic_category().message(errno);
        throw std::runtime_error(fmt::format("cannot open \"{}\": {}", chosen.file, reason));
    }
    work(request_reader(chosen, log));
}

/// Sets the options and calls `work(reader)`. Returns the exit status: 2 if the arguments are
/// wrong, 1 for any other error.
template <class Work>
int run(program chosen, int argc, char** argv, Work work) {
    try {
        if (!parse_arguments({argv + std::min(argc, 1), argv + argc}, chosen)) {
            fmt::print("{}", chosen.usage);
        } else {
            open_log(chosen, work);
        }
        if (std::fflush(stdout) != 0) {
            throw std::runtime_error("cannot write the result");
        }
        return 0;
    } catch (const usage_error& error) {
        fmt::print(stderr, "{}: {}\n{}", chosen.name, error.what(), chosen.usage);
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", chosen.name, error.what());
        return 1;
    }
}

struct client_count {
    std::string client;
    std::size_t count;
    std::size_t requests;
};

/// Prints the five clients with the highest counts.
inline void print_highest(std::vector<client_count> all, std::string_view preposition) {
    std::sort(all.begin(), all.end(), [](const client_count& a, const client_count& b) {
        return std::tie(b.count, b.requests, a.client) < std::tie(a.count, a.requests, b.client);
    });
    for (const auto& [client, count, requests] :
         std::span(all).first(std::min<std::size_t>(5, all.size()))) {
        fmt::print("{:>6} {} {:>6} requests  {}\n", count, preposition, requests, client);
    }
}

} // namespace log_program

#endif
