// SPDX-License-Identifier: MIT
//
// One line of a web server's log, in Common or Combined Log Format.
#ifndef CACHETORY_EXAMPLES_ACCESS_LOG_HPP
#define CACHETORY_EXAMPLES_ACCESS_LOG_HPP

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace access_log {

struct request {
    std::string_view address; // of the client; views the line
    std::chrono::sys_seconds time;
};

inline bool is_digit(char c) { return '0' <= c && c <= '9'; }

/// Asks for no more than that an address can be printed: it goes from the log to a terminal.
inline bool is_address(std::string_view text) {
    constexpr std::size_t longest_host_name = 255;
    return !text.empty() && text.size() <= longest_host_name &&
           std::all_of(text.begin(), text.end(), [](char c) { return '!' <= c && c <= '~'; });
}

/// Whether `text` looks like `17/May/2015:10:05:03 +0200`, but for the name of the month.
inline bool has_shape_of_time(std::string_view text) {
    constexpr std::string_view shape = "00/Mmm/0000:00:00:00 +0000";
    return std::equal(text.begin(), text.end(), shape.begin(), shape.end(), [](char c, char like) {
        switch (like) {
        case '0':
            return is_digit(c);
        case '+':
            return c == '+' || c == '-';
        case 'M':
        case 'm':
            return true;
        default:
            return c == like;
        }
    });
}

inline std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
    using namespace std::chrono;
    if (!has_shape_of_time(text)) {
        return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        std::from_chars(text.data() + at, text.data() + at + digits, value);
        return value;
    };
    constexpr std::array<std::string_view, 12> names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto index = std::find(names.begin(), names.end(), text.substr(3, 3)) - names.begin();
    const month named(static_cast<unsigned>(index) + 1); // 13 if there is no such name: not ok()
    const day numbered(static_cast<unsigned>(number(0, 2)));
    const year_month_day date(year(number(7, 4)), named, numbered);

    const hours hour(number(12, 2));
    const minutes minute(number(15, 2));
    const seconds second(number(18, 2));
    const hours zone_hours(number(22, 2));
    const minutes zone_minutes(number(24, 2));
    if (!date.ok() || hour > 23h || minute > 59min || second > 60s || // there are leap seconds
        zone_hours > 23h || zone_minutes > 59min) {
        return std::nullopt;
    }
    const sys_seconds local = sys_days(date) + hour + minute + second;
    const seconds east = zone_hours + zone_minutes;
    return text[21] == '+' ? local - east : local + east;
}

/// Returns what is before the first `end` in `rest`, and leaves in `rest` what is after it.
inline std::string_view cut(std::string_view& rest, std::string_view end) {
    const std::size_t at = std::min(rest.find(end), rest.size());
    const std::string_view before = rest.substr(0, at);
    rest.remove_prefix(std::min(at + end.size(), rest.size()));
    return before;
}

/// Returns what follows the first quote in `text` that has no backslash before it.
inline std::string_view after_quote(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            return text.substr(i + 1);
        }
    }
    return {};
}

inline bool begins_with_status(std::string_view text) {
    return text.size() >= 4 && text[0] == ' ' && is_digit(text[1]) && is_digit(text[2]) &&
           is_digit(text[3]) && (text.size() == 4 || text[4] == ' ');
}

/// Reads `address ident user [time] "request" status`. What follows, in either format, is not
/// looked at: a line whose end was cut off is a request all the same.
inline std::optional<request> parse_line(std::string_view line) {
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    const std::string_view address = cut(line, " ");
    const std::string_view ident = cut(line, " ");
    const std::string_view user = cut(line, " ["); // there are user names with spaces
    const auto time = parse_time(cut(line, "] \""));
    if (!is_address(address) || ident.empty() || user.empty() || !time ||
        !begins_with_status(after_quote(line))) {
        return std::nullopt;
    }
    return request{address, *time};
}

} // namespace access_log

#endif
