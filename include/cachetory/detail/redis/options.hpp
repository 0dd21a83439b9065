// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_OPTIONS_HPP
#define CACHETORY_DETAIL_REDIS_OPTIONS_HPP

#include "../../version.hpp"
#include "address.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cachetory {

/// Where the data is, and how to log in there.
///
/// By default, the data is on the server at `host` and `port`. If there are `sentinels`, it is on
/// the primary that they name for `service`. If `cluster` has servers, it is on the cluster that
/// they belong to.
struct redis_options {
    std::string host = "127.0.0.1"; ///< As in `redis_address`.
    int port = 6379;
    std::string user = {};     ///< Empty: the server's default user.
    std::string password = {}; ///< If this and `user` are empty, connections do not log in.
    int database = 0;
    /// How long connecting may take, and how long a server may be silent in the middle of a call:
    /// at least 1 ms. More than 24 hours count as 24 hours.
    std::chrono::milliseconds timeout{1000};

    std::vector<redis_address> sentinels = {};
    std::string service = {};                ///< The name by which the Sentinels know the primary.
    std::vector<redis_address> cluster = {}; ///< Some of its servers. They name the others.

    /// Reads one of the URLs
    ///
    ///     redis://[[user]:password@]host[:port][/database][?timeout=milliseconds]
    ///     redis+unix://[[user]:password@]/path[?db=database][&timeout=milliseconds]
    ///     redis+sentinel://[[user]:password@]host[:port],.../service[/database][?timeout=...]
    ///     redis+cluster://[[user]:password@]host[:port],...[?timeout=...]
    ///
    /// Each part may be percent-encoded; an IPv6 address is put in brackets. Throws
    /// `std::invalid_argument` for anything else. The exception names the URL, without what may be
    /// a password.
    [[nodiscard]] static redis_options from_url(std::string_view url);

    friend bool operator==(const redis_options&, const redis_options&) = default;
};

namespace detail::redis {

/// No object of this type can be made, so a list of them is empty.
struct no_option {
    no_option(const no_option&) = delete;
};

inline void check_address(const redis_address& address) {
    if (!is_host(address.host)) {
        throw std::invalid_argument("cachetory: a Redis server's host must be a name, an address "
                                    "or the path of a socket");
    }
    if (!is_port(address.port)) {
        throw std::invalid_argument(
            "cachetory: a Redis server's port must be a number from 1 to 65535");
    }
}

/// Returns `options`. Throws `std::invalid_argument` if they are out of range or contradict each
/// other.
inline redis_options checked(redis_options options) {
    using namespace std::chrono_literals;
    check_address({options.host, options.port});
    for (const redis_address& address : options.sentinels) {
        check_address(address);
    }
    for (const redis_address& address : options.cluster) {
        check_address(address);
    }
    if (options.database < 0) {
        throw std::invalid_argument("cachetory: the number of a Redis database cannot be negative");
    }
    if (options.timeout < 1ms) {
        throw std::invalid_argument("cachetory: a timeout must be at least 1 ms");
    }
    if (options.sentinels.empty() != options.service.empty()) {
        throw std::invalid_argument("cachetory: Sentinels need the name of a service, and a "
                                    "service needs Sentinels");
    }
    if (!options.sentinels.empty() && !options.cluster.empty()) {
        throw std::invalid_argument("cachetory: give either Sentinels or a cluster, not both");
    }
    if (!options.cluster.empty() && options.database != 0) {
        throw std::invalid_argument("cachetory: a Redis cluster has database 0 only");
    }
    return options;
}

} // namespace detail::redis
} // namespace cachetory

#endif
