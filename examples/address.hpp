// SPDX-License-Identifier: MIT
//
// The names of clients and servers in a log: IP addresses and host names.
#ifndef CACHETORY_EXAMPLES_ADDRESS_HPP
#define CACHETORY_EXAMPLES_ADDRESS_HPP

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fmt/core.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace access_log {

inline bool is_digit(char c) { return '0' <= c && c <= '9'; }

inline char lower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Returns the part of `rest` before the first `end`, and leaves in `rest` the part after it.
inline std::string_view cut(std::string_view& rest, std::string_view end) {
    const std::size_t at = std::min(rest.find(end), rest.size());
    const std::string_view before = rest.substr(0, at);
    rest.remove_prefix(std::min(at + end.size(), rest.size()));
    return before;
}

/// Returns the number that `text` is, if it has no more than `most_digits` digits.
inline std::optional<std::uint16_t>
parse_number(std::string_view text, int base, std::size_t most_digits) {
    std::uint16_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
    if (text.size() > most_digits || error != std::errc() || stopped != end) {
        return std::nullopt;
    }
    return number;
}

/// An IP address. One of version 4 is stored as `::ffff:192.0.2.1`.
using ip_address = std::array<std::uint16_t, 8>;

using address_groups = std::vector<std::uint16_t>;

/// Reads `192.0.2.1` as two groups. Refuses leading zeros, which some programs read as octal.
inline bool read_ipv4(std::string_view text, address_groups& groups) {
    std::array<unsigned, 4> bytes{};
    if (std::count(text.begin(), text.end(), '.') != 3) {
        return false;
    }
    for (unsigned& byte : bytes) {
        const std::string_view digits = cut(text, ".");
        const auto number = parse_number(digits, 10, 3);
        if (!number || *number > 255 || (digits.size() > 1 && digits.starts_with('0'))) {
            return false;
        }
        byte = *number;
    }
    groups.push_back(static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]));
    groups.push_back(static_cast<std::uint16_t>(bytes[2] << 8 | bytes[3]));
    return true;
}

/// Reads `2001:db8:1` as three groups. The last may be an address of version 4.
inline bool read_groups(std::string_view text, address_groups& groups) {
    while (text.find(':') != std::string_view::npos) {
        const auto group = parse_number(cut(text, ":"), 16, 4);
        if (!group) {
            return false;
        }
        groups.push_back(*group);
    }
    if (const auto last = parse_number(text, 16, 4)) {
        groups.push_back(*last);
        return true;
    }
    return read_ipv4(text, groups);
}

inline std::optional<ip_address> parse_ip(std::string_view text) {
    ip_address address{};
    address_groups front;
    address_groups back;
    if (text.find(':') == std::string_view::npos) {
        front = {0, 0, 0, 0, 0, 0xffff};
        if (!read_ipv4(text, back)) {
            return std::nullopt;
        }
    } else if (text.find("::") == std::string_view::npos) {
        if (!read_groups(text, back) || back.size() != address.size()) {
            return std::nullopt;
        }
    } else {
        const std::string_view before = cut(text, "::"); // "::" stands for one or more zeros
        if (!(before.empty() || read_groups(before, front)) ||
            !(text.empty() || read_groups(text, back)) ||
            front.size() + back.size() >= address.size() ||
            std::count(before.begin(), before.end(), '.') != 0) {
            return std::nullopt;
        }
    }
    std::copy(front.begin(), front.end(), address.begin());
    std::copy_backward(back.begin(), back.end(), address.end());
    return address;
}

/// Returns the spelling that RFC 5952 recommends. A mapped address is written as one of version 4.
inline std::string to_string(const ip_address& address) {
    constexpr std::array<std::uint16_t, 6> mapped = {0, 0, 0, 0, 0, 0xffff};
    if (std::equal(mapped.begin(), mapped.end(), address.begin())) {
        return fmt::format("{}.{}.{}.{}", address[6] >> 8, address[6] & 0xff, address[7] >> 8,
                           address[7] & 0xff);
    }
    auto zeros = address.end(); // the first of the longest runs
    std::ptrdiff_t length = 1;  // a single one is written out
    for (auto first = address.begin(); first != address.end(); ++first) {
        const auto last = std::find_if(first, address.end(), [](auto group) { return group != 0; });
        if (last - first > length) {
            zeros = first;
            length = last - first;
        }
    }
    std::string text;
    for (auto group = address.begin(); group != address.end(); ++group) {
        if (group == zeros) {
            text += "::";
            group += length - 1;
        } else {
            const bool separated = text.empty() || text.ends_with(':');
            text += fmt::format("{}{:x}", separated ? "" : ":", *group);
        }
    }
    return text;
}

struct host {
    std::string name; ///< In one spelling, without the port.
    bool is_ip = false;
    bool has_port = false;
};

/// Whether `text` may be a host name. Numbers are not, nor is `unknown`, which proxies write.
inline bool is_host_name(std::string_view text) {
    constexpr std::size_t longest = 255;
    const auto is_letter = [](char c) { return 'a' <= lower(c) && lower(c) <= 'z'; };
    const std::string_view top = text.substr(text.rfind('.') + 1); // npos + 1 is 0
    return text.size() <= longest && text != "unknown" &&
           std::any_of(top.begin(), top.end(), is_letter) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
           });
}

/// Reads an IP address or a host name, with or without a port: `192.0.2.1`, `192.0.2.1:443`,
/// `2001:db8::1`, `[2001:db8::1]:443`, `www.example.com:443`.
inline std::optional<host> parse_host(std::string_view text) {
    if (const auto address = parse_ip(text)) { // first, because an address may end like a port
        return host{to_string(*address), true, false};
    }
    const std::size_t colon = text.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && parse_number(text.substr(colon + 1), 10, 5);
    if (has_port) {
        text = text.substr(0, colon);
    }
    const bool in_brackets = text.starts_with('[') && text.ends_with(']');
    if (const auto address = parse_ip(in_brackets ? text.substr(1, text.size() - 2) : text)) {
        return host{to_string(*address), true, has_port};
    }
    if (!is_host_name(text)) {
        return std::nullopt;
    }
    host named{std::string(text), false, has_port};
    std::transform(text.begin(), text.end(), named.name.begin(), lower);
    return named;
}

} // namespace access_log

#endif
