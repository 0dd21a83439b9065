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

    /// A URL with the addresses of all sentinels, followed by `rest`.
    std::string url(const std::string& rest = long_timeout) const {
        std::string addresses;
        for (const redis_server& sentinel : sentinels_) {
            addresses += (addresses.empty() ? "" : ",") + sentinel.address();
        }
        return "redis+sentinel://" + addresses + "/main" + rest;
    }

    /// The index of the server that is the primary according to the first sentinel.
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

    /// Makes another server the primary while this one still answers. Returns its index.
    std::size_t fail_over() {
        const std::size_t before = primary();
        wait_until(
            [&] {
                return sentinels_[0].command({"SENTINEL", "FAILOVER", "main"}) == "OK";
            },
            "for a sentinel to begin a failover");
        wait_until([&] { return primary() != before; }, "for a planned failover");
        follow_primary(before);
        return primary();
    }

    /// Starts a server again that was the primary before.
    void restart(std::size_t i) {
        servers_.at(i).start();
        follow_primary(i);
    }

    /// Waits until every sentinel knows the others, all servers and the same primary, and considers
    /// none of them down, and until the primary has both replicas. Only then can another failover
    /// succeed.
    void wait_until_whole() {
        wait_until(
            [&] {
                const std::string address = ",address=" + servers_[primary()].address();
                return servers_[primary()].replicas_online() == count - 1 &&
                       std::all_of(sentinels_.begin(), sentinels_.end(), [&](redis_server& one) {
                           const std::string status = one.command({"INFO", "sentinel"});
                           return status.find("status=ok" + address + ",slaves=2,sentinels=3") !=
                                  std::string::npos;
                       });
            },
            "for the sentinels to know each other");
    }

private:
    /// The sentinels would also tell the server to do this, but only after some seconds.
    void follow_primary(std::size_t i) {
        servers_[i].command({"REPLICAOF", "127.0.0.1", std::to_string(servers_[primary()].port())});
    }

    std::deque<redis_server> servers_;
    std::deque<redis_server> sentinels_;
};

/// Sentinels that all tests of this program share, as the last test has left them.
inline redis_sentinels& shared_redis_sentinels() {
    static redis_sentinels sentinels;
    return sentinels;
}

} // namespace support

#endif
