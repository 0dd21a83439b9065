// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_CLEAR_HPP
#define CACHETORY_DETAIL_REDIS_CLEAR_HPP

#include "../../version.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "server.hpp"
#include "transport.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// Returns the pattern of SCAN for all names that begin with `prefix`, whatever characters it
/// contains.
inline std::string pattern_of_all_under(std::string_view prefix) {
    std::string pattern;
    for (const char c : prefix) {
        if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos) {
            pattern += '\\';
        }
        pattern += c;
    }
    return pattern + '*';
}

/// Erases the whole database.
inline void clear_database(transport& servers) {
    for (const std::shared_ptr<server>& primary : servers.primaries()) {
        batch command;
        command.add(is_ok, {"FLUSHDB", "ASYNC"});
        static_cast<void>(primary->exchange(command).front().value());
    }
}

/// Erases those of `names`, an array of texts, that begin with `prefix`. Sends the commands on
/// `line`, a connection to `primary`.
inline void erase_under(transport& servers,
                        server& primary,
                        server::call& line,
                        const redisReply& names,
                        std::string_view prefix) {
    batch unlink;
    for (std::size_t i = 0; i != names.elements; ++i) {
        const std::string_view name = text_of(*names.element[i]);
        if (name.starts_with(prefix)) { // even if the server ignores MATCH
            unlink.add(is_integer, "UNLINK", {{}, name});
        }
    }
    batch elsewhere; // in a cluster, their slots are moving to other servers
    const std::vector<answer> answers = primary.exchange_on(line, unlink);
    for (std::size_t i = 0; i != answers.size(); ++i) {
        if (answers[i].is_error("MOVED") || answers[i].is_error("ASK")) {
            elsewhere.add(unlink, unlink.parts()[i], {});
        } else {
            static_cast<void>(answers[i].value());
        }
    }
    if (!elsewhere.empty()) {
        for (const answer& each : servers.exchange(elsewhere)) {
            static_cast<void>(each.value());
        }
    }
}

/// Erases the keys that begin with `prefix`. Walks over all keys of the database to find them.
///
/// A cursor of SCAN has a meaning only for the server that returned it. After a failover, another
/// connection may lead to another server. So one connection serves the whole walk over a server's
/// keys, and its loss is an error.
inline void clear_under(transport& servers, std::string_view prefix) {
    const std::string pattern = pattern_of_all_under(prefix);
    for (const std::shared_ptr<server>& primary : servers.primaries()) {
        server::call line = primary->take();
        std::string cursor = "0";
        do {
            batch scan;
            scan.add(is_scan_page, {"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"});
            const std::vector<answer> page = primary->exchange_on(line, scan);
            const redisReply& reply = page.front().value();
            cursor = text_of(*reply.element[0]);
            erase_under(servers, *primary, line, *reply.element[1], prefix);
        } while (cursor != "0");
        primary->give_back(std::move(line));
    }
}

} // namespace cachetory::detail::redis

#endif
