// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_URL_HPP
#define CACHETORY_DETAIL_REDIS_URL_HPP

#include "../../version.hpp"
#include "address.hpp"
#include "options.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// Why a URL is refused.
struct bad_url {
    const char* reason;
};

[[noreturn]] inline void refuse_url(const char* reason) { throw bad_url{reason}; }

/// Returns `url` with dots where there may be a password, even one that is in the wrong place:
/// before the last @ or, if there is none, after the first colon; and in a query. A scheme, which
/// has none of these characters, is shown.
inline std::string without_password(std::string_view url) {
    const std::string_view scheme = url.substr(0, url.find_first_of(":@/?"));
    const bool has_scheme = url.substr(scheme.size()).starts_with("://");
    const std::size_t begin = has_scheme ? scheme.size() + 3 : 0;
    std::string shown(url.substr(0, begin));
    std::string_view rest = url.substr(begin);
    const std::size_t at = rest.rfind('@');
    if (at != std::string_view::npos) {
        shown += "...";
        rest.remove_prefix(at);
    }
    const std::size_t end = rest.find_first_of(at != std::string_view::npos ? "?" : ":?");
    shown += rest.substr(0, end);
    return end < rest.size() ? shown + rest[end] + "..." : shown;
}

/// Removes from `text` the part before the first of `separators`, and returns that part; the whole
/// text if there is no separator. The separator stays.
inline std::string_view cut_before(std::string_view& text, std::string_view separators) {
    const std::string_view head = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(head.size());
    return head;
}

/// Removes `begin` from the beginning of `text`. Returns whether it was there.
inline bool cut_off(std::string_view& text, std::string_view begin) {
    if (!text.starts_with(begin)) {
        return false;
    }
    text.remove_prefix(begin.size());
    return true;
}

/// Returns `text` with each %XX replaced by the byte it stands for.
inline std::string percent_decoded(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        decoded += cut_before(text, "%");
        if (text.empty()) {
            break;
        }
        const std::string_view digits = text.substr(1, 2);
        unsigned char byte = 0;
        const char* const end = digits.data() + digits.size();
        const auto [stopped, error] = std::from_chars(digits.data(), end, byte, 16);
        if (digits.size() != 2 || error != std::errc() || stopped != end) {
            refuse_url("a % is not followed by two hexadecimal digits");
        }
        decoded += static_cast<char>(byte);
        text.remove_prefix(3);
    }
    return decoded;
}

inline int parse_database(std::string_view text) {
    const std::optional<int> number = parse_number(text);
    if (!number) {
        refuse_url("the database is not a number of 0 or more");
    }
    return *number;
}

/// Reads `host` or `host:port`.
inline redis_address parse_address(std::string_view text, int default_port) {
    std::string_view host;
    if (cut_off(text, "[")) {
        host = cut_before(text, "]");
        if (!cut_off(text, "]")) {
            refuse_url("a [ has no ]");
        }
    } else {
        host = cut_before(text, ":");
    }
    redis_address address{percent_decoded(host), default_port};
    if (!is_host(address.host)) {
        refuse_url("the host is missing");
    }
    if (is_socket(address)) {
        refuse_url("the URL of a Unix socket begins with redis+unix://");
    }
    if (!text.empty()) {
        const std::optional<int> port = cut_off(text, ":") ? parse_port(text) : std::nullopt;
        if (!port) {
            refuse_url("the port is not a number from 1 to 65535");
        }
        address.port = *port;
    }
    return address;
}

/// Reads `host:port,host:port`.
inline std::vector<redis_address> parse_addresses(std::string_view text, int default_port) {
    std::vector<redis_address> addresses;
    do {
        addresses.push_back(parse_address(cut_before(text, ","), default_port));
    } while (cut_off(text, ","));
    return addresses;
}

/// Reads `user:password@`.
inline void parse_login(std::string_view login, redis_options& options) {
    options.user = percent_decoded(cut_before(login, ":"));
    if (!cut_off(login, ":")) {
        refuse_url("there is no : between the user and the password");
    }
    options.password = percent_decoded(login);
}

/// Reads `name=value&name=value`.
inline void parse_query(std::string_view query, bool with_database, redis_options& options) {
    bool has_timeout = false;
    bool has_database = false;
    do {
        std::string_view value = cut_before(query, "&");
        const std::string_view name = cut_before(value, "=");
        cut_off(value, "=");
        if (name == "timeout" && !std::exchange(has_timeout, true)) {
            const std::optional<int> number = parse_number(value);
            if (!number || *number == 0) {
                refuse_url("the timeout is not a number of 1 or more");
            }
            options.timeout = std::chrono::milliseconds(*number);
        } else if (with_database && name == "db" && !std::exchange(has_database, true)) {
            options.database = parse_database(value);
        } else {
            refuse_url("the query has an unknown or a repeated parameter");
        }
    } while (cut_off(query, "&"));
}

inline redis_options read_url(std::string_view url) {
    if (url.starts_with("rediss")) {
        refuse_url("TLS is not supported: run stunnel, and connect to that");
    }
    if (url.find('#') != std::string_view::npos) {
        refuse_url("it has a fragment: a # in a password is written %23");
    }
    const std::string_view scheme = cut_before(url, ":");
    if (!cut_off(url, "://")) {
        refuse_url("it has no ://");
    }
    redis_options options;
    std::string_view authority = cut_before(url, "/?");
    if (const auto at = authority.find('@'); at != std::string_view::npos) {
        parse_login(authority.substr(0, at), options);
        authority.remove_prefix(at + 1);
        if (authority.find('@') != std::string_view::npos) {
            refuse_url("it has two @: one in a password is written %40");
        }
    }
    std::string_view path = cut_before(url, "?");
    if (cut_off(url, "?")) {
        parse_query(url, scheme == "redis+unix", options);
    }

    if (scheme == "redis+unix") {
        options.host = percent_decoded(path);
        if (!authority.empty() || path.size() < 2 || !is_host(options.host)) {
            refuse_url("the path of a Unix socket must be absolute");
        }
        return options;
    }
    cut_off(path, "/");
    if (scheme == "redis") {
        const redis_address address = parse_address(authority, 6379);
        options.host = address.host;
        options.port = address.port;
    } else if (scheme == "redis+sentinel") {
        options.sentinels = parse_addresses(authority, 26379);
        options.service = percent_decoded(cut_before(path, "/"));
        cut_off(path, "/");
        if (options.service.empty()) {
            refuse_url("the name of the service is missing");
        }
    } else if (scheme == "redis+cluster") {
        options.cluster = parse_addresses(authority, 6379);
    } else {
        refuse_url("the scheme is unknown");
    }
    if (!path.empty()) {
        options.database = parse_database(path);
    }
    if (!options.cluster.empty() && options.database != 0) {
        refuse_url("a cluster has database 0 only");
    }
    return options;
}

} // namespace cachetory::detail::redis

inline cachetory::redis_options cachetory::redis_options::from_url(std::string_view url) {
    try {
        return detail::redis::read_url(url);
    } catch (const detail::redis::bad_url& bad) {
        throw std::invalid_argument(
            "cachetory: not the URL of a Redis backend "
            "(redis://[[user]:password@]host[:port][/database][?timeout=milliseconds], or one that "
            "begins with redis+unix://, redis+sentinel:// or redis+cluster://): \"" +
            detail::redis::without_password(url) + "\": " + bad.reason);
    }
}

#endif
