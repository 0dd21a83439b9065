// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_ADDRESS_HPP
#define CACHETORY_DETAIL_REDIS_ADDRESS_HPP

#include "../../version.hpp"

#include <charconv>
#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace cachetory {

/// Where a server listens.
struct redis_address {
    std::string host; ///< A name, an IP address, or the path of a Unix socket, if it begins with /.
    int port = 6379;  ///< Not used for a Unix socket.

    friend auto operator<=>(const redis_address&, const redis_address&) = default;
};

namespace detail::redis {

/// Whether `host` can be a host. It must have no NUL byte, because the system would end it there.
inline bool is_host(std::string_view host) noexcept {
    return !host.empty() && host.find('\0') == std::string_view::npos;
}

/// The same for a host that a server names: that must not be a Unix socket of this machine.
inline bool is_remote_host(std::string_view host) noexcept {
    return is_host(host) && host.front() != '/';
}

inline bool is_socket(const redis_address& address) noexcept {
    return address.host.starts_with('/');
}

inline bool is_port(long long number) noexcept { return 0 < number && number < 65536; }

/// Returns the number, without a sign, that the whole of `text` is.
inline std::optional<int> parse_number(std::string_view text) noexcept {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    const bool is_good = error == std::errc() && stopped == end && text.front() != '-';
    return is_good ? std::optional<int>(number) : std::nullopt;
}

/// Returns the port if the whole of `text` is one.
inline std::optional<int> parse_port(std::string_view text) noexcept {
    const std::optional<int> number = parse_number(text);
    return number && is_port(*number) ? number : std::nullopt;
}

/// The address as error messages show it.
inline std::string to_string(const redis_address& address) {
    return is_socket(address) ? address.host : address.host + ':' + std::to_string(address.port);
}

} // namespace detail::redis
} // namespace cachetory

#endif
