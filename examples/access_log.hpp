// SPDX-License-Identifier: MIT
//
// One line of a web server's log, in Common or Combined Log Format.
#ifndef CACHETORY_EXAMPLES_ACCESS_LOG_HPP
#define CACHETORY_EXAMPLES_ACCESS_LOG_HPP

#include "address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace access_log {

struct request {
    std::string client; // its address or host name, in one spelling
    std::chrono::sys_seconds time;
};

/// Whether `text` looks like `17/May/2015:10:05:03 +0200`, except for the name of the month.
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
    constexpr year first_server(1990);
    constexpr year last_server(2199); // a clock that counts nanoseconds ends in 2262

    const hours hour(number(12, 2));
    const minutes minute(number(15, 2));
    const seconds second(number(18, 2));
    const hours zone_hours(number(22, 2));
    const minutes zone_minutes(number(24, 2));
    if (!date.ok() || date.year() < first_server || date.year() > last_server || hour > 23h ||
        minute > 59min || second > 60s || // 60 in a leap second
        zone_hours > 23h || zone_minutes > 59min) {
        return std::nullopt;
    }
    const sys_seconds local = sys_days(date) + hour + minute + second;
    const seconds east = zone_hours + zone_minutes;
    return text[21] == '+' ? local - east : local + east;
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

/// Cuts the client off the front of a line: the first of `client, proxy, proxy`, as the header
/// X-Forwarded-For has it, or what follows a virtual host.
inline std::optional<std::string> cut_client(std::string_view& line) {
    std::string_view field = cut(line, " ");
    std::optional<host> client = parse_host(field.substr(0, field.find(',')));
    if (field.find(',') == std::string_view::npos) {
        const std::string_view next = line.substr(0, line.find_first_of(" ,"));
        std::optional<host> second = parse_host(next);
        const bool second_is_ip = second && second->is_ip; // an ident never is
        if (client && client->is_ip && !client->has_port && second_is_ip) {
            return std::nullopt; // ambiguous: a server and its client, or a client and its proxy
        }
        if (second_is_ip || (client && client->has_port && next != "-")) {
            client = std::move(second);
            field = cut(line, " ");
        }
    }
    while (field.ends_with(',')) {
        field = cut(line, " ");
    }
    return client ? std::optional(std::move(client->name)) : std::nullopt;
}

/// Whether `text` is a user name, or `-` where there is none. User names may have spaces. A `-`
/// that stands alone in one is an ident: then the line begins with fields of another format.
inline bool is_user(std::string_view text) {
    return text == "-" || !(text.empty() || text.starts_with("- ") || text.ends_with(" -") ||
                            text.find(" - ") != std::string_view::npos);
}

/// Reads `client ident user [time] "request" status`. In both formats, the rest of the line is
/// ignored: a line whose end was cut off is still a request.
inline std::optional<request> parse_line(std::string_view line) {
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    std::optional<std::string> client = cut_client(line);
    const std::string_view ident = cut(line, " ");
    const std::string_view user = cut(line, " [");
    const auto time = parse_time(cut(line, "] \""));
    if (!client || ident.empty() || !is_user(user) || !time ||
        !begins_with_status(after_quote(line))) {
        return std::nullopt;
    }
    return request{*std::move(client), *time};
}

} // namespace access_log

#endif
