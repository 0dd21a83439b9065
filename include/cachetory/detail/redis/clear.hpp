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
#include <vector>

namespace cachetory::detail::redis {

/// Returns the pattern of SCAN for all names that begin with `prefix`, whatever it is made of.
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

/// Erases the keys that begin with `prefix`. Walks over all keys of the database to find them.
inline void clear_under(transport& servers, std::string_view prefix) {
    const std::string pattern = pattern_of_all_under(prefix);
    for (const std::shared_ptr<server>& primary : servers.primaries()) {
        std::string cursor = "0";
        do {
            batch scan;
            scan.add(is_scan_page, {"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"});
            const std::vector<answer> page = primary->exchange(scan);
            const redisReply& reply = page.front().value();
            cursor = text_of(*reply.element[0]);
            const redisReply& names = *reply.element[1];
            batch unlink;
            for (std::size_t i = 0; i != names.elements; ++i) {
                const std::string_view name = text_of(*names.element[i]);
                if (name.starts_with(prefix)) { // even if the server ignores MATCH
                    unlink.add(is_integer, "UNLINK", {{}, name});
                }
            }
            if (!unlink.empty()) {
                for (const answer& each : servers.exchange(unlink)) {
                    static_cast<void>(each.value());
                }
            }
        } while (cursor != "0");
    }
}

} // namespace cachetory::detail::redis

#endif
