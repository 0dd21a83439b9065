// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REDIS_CLUSTER_HPP
#define CACHETORY_TESTS_SUPPORT_REDIS_CLUSTER_HPP

#include "redis_server.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// A Redis Cluster of three primaries and a replica of each, all on 127.0.0.1.
class redis_cluster {
public:
    static constexpr std::size_t primaries = 3;
    static constexpr std::size_t nodes = 6;

    redis_cluster() {
        for (std::size_t i = 0; i < nodes; ++i) {
            nodes_.emplace_back(std::vector<std::string>{
                "cluster-enabled yes", "cluster-node-timeout 1000",
                "cluster-replica-validity-factor 0", "cluster-allow-replica-migration no",
                "repl-diskless-sync yes", "repl-diskless-sync-delay 0"});
            nodes_[i].command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
            ids_.push_back(nodes_[i].command({"CLUSTER", "MYID"}));
        }
        for (std::size_t i = 0; i < primaries; ++i) {
            nodes_[i].command({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first_slot(i)),
                               std::to_string(first_slot(i + 1) - 1)});
        }
        for (std::size_t i = 0; i < nodes; ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                nodes_[i].command(
                    {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[j].port())});
            }
        }
        wait_until([&] { return all([](redis_server& n) { return known_nodes(n) == nodes; }); },
                   "for the nodes to know each other");
        for (std::size_t i = primaries; i < nodes; ++i) {
            const std::string& primary = ids_[i - primaries];
            wait_until(
                [&] {
                    return nodes_[i].command({"CLUSTER", "REPLICATE", primary}) == "OK";
                },
                "for a replica to take its primary");
        }
        wait_until_whole();
    }

    redis_server& node(std::size_t i) { return nodes_.at(i); }

    /// A URL with the addresses of the first two nodes, followed by `rest`.
    std::string url(const std::string& rest = long_timeout) const {
        return "redis+cluster://" + nodes_[0].address() + ',' + nodes_[1].address() + rest;
    }

    bool is_primary(std::size_t i) { return nodes_.at(i).info("role") == "master"; }

    std::string slot_of(const std::string& key) {
        return nodes_[0].command({"CLUSTER", "KEYSLOT", key});
    }

    /// Moves `slot`, with the keys in it, from one primary to another.
    void move_slot(std::size_t slot, std::size_t from, std::size_t to) {
        const std::string number = std::to_string(slot);
        const std::string& target = ids_[to];
        expect_ok(to, {"CLUSTER", "SETSLOT", number, "IMPORTING", ids_[from]});
        expect_ok(from, {"CLUSTER", "SETSLOT", number, "MIGRATING", target});
        for (bool more = true; more;) {
            std::istringstream keys(
                nodes_[from].command({"CLUSTER", "GETKEYSINSLOT", number, "10"}));
            std::vector<std::string> migrate{
                "MIGRATE", "127.0.0.1", std::to_string(nodes_[to].port()), "", "0", "5000", "KEYS"};
            const std::size_t words = migrate.size();
            for (std::string key; std::getline(keys, key);) {
                migrate.push_back(key);
            }
            more = migrate.size() > words;
            if (more) {
                nodes_[from].command(migrate);
            }
        }
        expect_ok(to, {"CLUSTER", "SETSLOT", number, "NODE", target});
        expect_ok(from, {"CLUSTER", "SETSLOT", number, "NODE", target});
    }

    /// Makes the replica `i` a primary while the old primary still answers.
    void fail_over_to(std::size_t i) {
        expect_ok(i, {"CLUSTER", "FAILOVER"});
        wait_until([&] { return is_primary(i); }, "for a planned failover");
        wait_until_whole();
    }

    /// Makes the first three nodes the primaries again, if they are not.
    void restore_roles() {
        for (std::size_t i = 0; i < primaries; ++i) {
            if (!is_primary(i)) {
                fail_over_to(i);
            }
        }
    }

    /// Waits until every node sees that a primary and an up-to-date replica serve each slot.
    void wait_until_whole() {
        wait_until([&] { return all(is_whole); }, "for the cluster to be whole");
    }

    static std::size_t first_slot(std::size_t primary) { return 16'384 * primary / primaries; }

private:
    template <class Predicate>
    bool all(Predicate predicate) {
        return std::all_of(nodes_.begin(), nodes_.end(), predicate);
    }

    static std::size_t known_nodes(redis_server& node) {
        const std::string list = node.command({"CLUSTER", "NODES"});
        return list.find("handshake") != std::string::npos
                   ? 0
                   : static_cast<std::size_t>(std::count(list.begin(), list.end(), '\n'));
    }

    static bool is_whole(redis_server& node) {
        if (redis_server::field(node.command({"CLUSTER", "INFO"}), "cluster_state") != "ok") {
            return false;
        }
        std::istringstream list(node.command({"CLUSTER", "NODES"}));
        std::size_t replicas = 0;
        for (std::string line; std::getline(list, line);) {
            replicas += line.find("slave") != std::string::npos ? 1U : 0U;
            if (line.find("fail") != std::string::npos) {
                return false;
            }
        }
        const std::string replication = node.command({"INFO", "replication"});
        return replicas == nodes - primaries &&
               (redis_server::field(replication, "role") == "master" ||
                redis_server::field(replication, "master_link_status") == "up");
    }

    void expect_ok(std::size_t i, const std::vector<std::string>& command) {
        const std::string answer = nodes_.at(i).command(command);
        if (answer != "OK") {
            throw std::runtime_error(command[0] + ' ' + command[1] + ": " + answer);
        }
    }

    std::deque<redis_server> nodes_;
    std::vector<std::string> ids_;
};

/// A cluster that all tests of this program share. The first three nodes are the primaries, and
/// there are no entries; otherwise it is as the last test has left it.
inline redis_cluster& shared_redis_cluster() {
    static redis_cluster cluster;
    cluster.restore_roles();
    for (std::size_t i = 0; i < redis_cluster::primaries; ++i) {
        cluster.node(i).command({"FLUSHALL"});
    }
    return cluster;
}

} // namespace support

#endif
