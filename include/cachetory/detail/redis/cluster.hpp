// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_CLUSTER_HPP
#define CACHETORY_DETAIL_REDIS_CLUSTER_HPP

#include "../../version.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "options.hpp"
#include "server.hpp"
#include "slot_owners.hpp"
#include "slots.hpp"
#include "transport.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// The servers of a cluster. Each part of a batch goes to the server that has the slot of its key.
/// All parts are sent before any answer is read.
///
/// A part is sent again only if the answer was MOVED or ASK, which means that it must go to another
/// server. Such an answer proves that nothing was done.
class cluster final : public transport {
public:
    explicit cluster(redis_options options) : owners_(std::move(options)) {}

    [[nodiscard]] std::vector<answer> exchange(const batch& commands) override {
        std::vector<answer> answers(commands.parts().size());
        std::vector<routed_part> left = routed(commands);
        for (int hops = 0; !left.empty(); ++hops) {
            left = run(commands, left, hops < most_hops, answers);
        }
        return answers;
    }

    [[nodiscard]] std::vector<std::shared_ptr<server>> primaries() override {
        std::vector<std::shared_ptr<server>> servers;
        for (const node_pointer& each : owners_.all()) {
            servers.emplace_back(each, &each->connections);
        }
        return servers;
    }

private:
    /// How often a part may be redirected. Two redirections can happen while slots move. Without a
    /// limit, servers that redirect to each other would never stop.
    static constexpr int most_hops = 5;

    /// A part of a batch, and the server to send it to.
    struct routed_part {
        std::size_t index;
        node_pointer to;
        bool asking; // ASKING precedes it
    };

    /// The parts to one server.
    struct group {
        node_pointer to;
        std::vector<std::size_t> indices = {};
        batch own = {}; // the commands, unless they are the whole given batch
        std::optional<server::call> begun = {};
        std::vector<answer> answers = {};
    };

    [[nodiscard]] std::vector<routed_part> routed(const batch& commands) {
        std::vector<std::size_t> wanted;
        wanted.reserve(commands.parts().size());
        for (const batch::part& part : commands.parts()) {
            wanted.push_back(slot_of(commands.key_of(part)));
        }
        std::vector<node_pointer> owners = owners_.of(wanted);
        std::vector<routed_part> parts;
        parts.reserve(owners.size());
        for (std::size_t i = 0; i != owners.size(); ++i) {
            parts.push_back({i, std::move(owners[i]), false});
        }
        return parts;
    }

    /// Sends `parts` and puts their answers into `answers`. If `may_redirect`, returns the
    /// parts that have to go to another server instead.
    std::vector<routed_part> run(const batch& commands,
                                 const std::vector<routed_part>& parts,
                                 bool may_redirect,
                                 std::vector<answer>& answers) {
        std::vector<group> groups = grouped(commands, parts);
        exchange(commands, groups);
        std::vector<routed_part> left;
        for (group& each : groups) {
            for (std::size_t i = 0; i != each.answers.size(); ++i) {
                answer& given = each.answers[i];
                const auto elsewhere = redirection_of(given, each.to->address);
                if (elsewhere && may_redirect) {
                    const node_pointer to = elsewhere->ask
                                                ? owners_.at(elsewhere->to)
                                                : owners_.move(elsewhere->slot, elsewhere->to);
                    left.push_back({each.indices[i], to, elsewhere->ask});
                    continue;
                }
                if (given.is_error("CLUSTERDOWN") || given.is_error("READONLY")) {
                    owners_.distrust();
                }
                answers[each.indices[i]] = std::move(given);
            }
        }
        std::sort(left.begin(), left.end(), // commands of one key stay in their order
                  [](const routed_part& a, const routed_part& b) { return a.index < b.index; });
        return left;
    }

    static std::vector<group> grouped(const batch& commands,
                                      const std::vector<routed_part>& parts) {
        const bool is_whole = parts.size() == commands.parts().size() &&
                              std::all_of(parts.begin(), parts.end(), [&](const routed_part& each) {
                                  return each.to == parts.front().to && !each.asking;
                              });
        std::vector<group> groups;
        for (const routed_part& each : parts) {
            auto place = std::find_if(groups.begin(), groups.end(),
                                      [&](const group& one) { return one.to == each.to; });
            if (place == groups.end()) {
                place = groups.insert(groups.end(), group{each.to});
            }
            place->indices.push_back(each.index);
            if (!is_whole) {
                place->own.add(commands, commands.parts()[each.index], each.asking ? "ASKING" : "");
            }
        }
        return groups;
    }

    /// Sends to all servers, then reads from all. If one fails, the answers of the others are still
    /// read, so that their connections stay usable; then the first failure is thrown.
    void exchange(const batch& given, std::vector<group>& groups) {
        std::exception_ptr failure;
        const auto attempt = [&](group& each, auto operation) {
            try {
                operation(each.own.empty() ? given : each.own);
                each.to->is_broken = false;
            } catch (...) {
                each.to->is_broken = true;
                owners_.distrust();
                failure = failure ? failure : std::current_exception();
            }
        };
        for (group& each : groups) {
            attempt(each, [&](const batch& commands) {
                each.begun.emplace(each.to->connections.send(commands));
            });
        }
        for (group& each : groups) {
            if (each.begun) {
                attempt(each, [&](const batch& commands) {
                    each.answers = each.to->connections.receive(*std::move(each.begun), commands);
                });
            }
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    slot_owners owners_;
};

} // namespace cachetory::detail::redis

#endif
