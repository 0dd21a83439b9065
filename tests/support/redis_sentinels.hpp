// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REDIS_SENTINELS_HPP
#define CACHETORY_TESTS_SUPPORT_REDIS_SENTINELS_HPP

#include "redis_server.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

namespace support {

/// A primary, two replicas of it, and three sentinels that watch them by the name "main".
class redis_sentinels {
public:
    static constexpr std::size_t count = 3;

    redis_sentinels() {
        const std::vector<std::string> quickly{"repl-diskless-sync yes",
                                               "repl-diskless-sync-delay 0"};
        servers_.emplace_back(quickly);
        for (std::size_t i = 1; i < count; ++i) {
            servers_.emplace_back(quickly).command(
                {"REPLICAOF", "127.0.0.1", std::to_string(servers_[0].port())});
        }
        wait_until([&] { return servers_[0].info("connected_slaves") == "2"; }, "for the replicas");
        for (std::size_t i = 0; i < count; ++i) {
            sentinels_.emplace_back(
                std::vector<std::string>{"sentinel monitor main 127.0.0.1 " +
                                             std::to_string(servers_[0].port()) + " 2",
                                         "sentinel down-after-milliseconds main 500",
                                         "sentinel failover-timeout main 4000"},
                true);
        }
        wait_until_whole();
    }

    redis_server& server(std::size_t i) { return servers_.at(i); }
    redis_server& sentinel(std::size_t i) { return sentinels_.at(i); }

    /// With the addresses of all sentinels, and then `rest`.
    std::string url(const std::string& rest = patience) const {
        std::string addresses;
        for (const redis_server& sentinel : sentinels_) {
            addresses += (addresses.empty() ? "" : ",") + sentinel.address();
        }
        return "redis+sentinel://" + addresses + "/main" + rest;
    }

    /// Which server the first sentinel takes for the primary.
    std::size_t primary() {
        const std::string address =
            sentinels_[0].command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"});
        for (std::size_t i = 0; i < count; ++i) {
            if (address == "127.0.0.1\n" + std::to_string(servers_[i].port()) + '\n') {
                return i;
            }
        }
        throw std::runtime_error("an unknown primary: " + address);
    }

    /// Makes another server the primary, while this one still answers. Returns which.
    std::size_t fail_over() {
        const std::size_t before = primary();
        wait_until(
            [&] {
                return sentinels_[0].command({"SENTINEL", "FAILOVER", "main"}) == "OK";
            },
            "for a sentinel to begin a failover");
        wait_until([&] { return primary() != before; }, "for a planned failover");
        const std::size_t after = primary();
        // The sentinels tell the old one, too, but only after some seconds.
        servers_[before].command(
            {"REPLICAOF", "127.0.0.1", std::to_string(servers_[after].port())});
        return after;
    }

    /// Waits until every sentinel knows the others and all servers, and sees none of them down.
    void wait_until_whole() {
        wait_until(
            [&] {
                return std::all_of(sentinels_.begin(), sentinels_.end(), [](redis_server& one) {
                    const std::string status = one.command({"INFO", "sentinel"});
                    return status.find("status=ok") != std::string::npos &&
                           status.find("slaves=2,sentinels=3") != std::string::npos;
                });
            },
            "for the sentinels to know each other");
    }

private:
    std::deque<redis_server> servers_;
    std::deque<redis_server> sentinels_;
};

/// Sentinels that all tests of this program share, as the last of them has left them.
inline redis_sentinels& shared_redis_sentinels() {
    static redis_sentinels sentinels;
    return sentinels;
}

} // namespace support

#endif
