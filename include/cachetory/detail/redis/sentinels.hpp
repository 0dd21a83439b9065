// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_SENTINELS_HPP
#define CACHETORY_DETAIL_REDIS_SENTINELS_HPP

#include "../../version.hpp"
#include "address.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "connection.hpp"
#include "options.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// Whether `reply` answers SENTINEL GET-MASTER-ADDR-BY-NAME: a host and a port, or nil.
inline bool is_address_or_nil(const redisReply& reply) {
    return is_nil(reply) ||
           (is_array_of(is_text, reply) && reply.elements == 2 &&
            parse_port(text_of(*reply.element[1])) && is_remote_host(text_of(*reply.element[0])));
}

/// Whether `reply` answers ROLE: the role, followed by details.
inline bool is_role(const redisReply& reply) {
    return is_array(reply, 1) && is_text(*reply.element[0]);
}

/// The Sentinels that know where the primary of a service is. They are asked before each new
/// connection, so that connections made after a failover lead to the new primary.
class sentinels {
public:
    explicit sentinels(redis_options options)
        : options_(std::move(options)), without_login_(options_) {
        without_login_.user.clear();
        without_login_.password.clear();
        without_login_.database = 0;
    }

    /// Connects to the primary. Throws `backend_error` if no Sentinel leads to it.
    [[nodiscard]] connection connect() {
        const std::vector<redis_address>& all = options_.sentinels;
        const std::size_t first = first_;
        std::vector<redis_address> tried = {}; // a dead primary costs one timeout, not several
        std::string failures;
        for (std::size_t i = 0; i != all.size(); ++i) {
            const std::size_t current = (first + i) % all.size();
            try {
                const redis_address primary = ask(all[current]);
                if (std::find(tried.begin(), tried.end(), primary) == tried.end()) {
                    tried.push_back(primary);
                    connection line(primary, options_);
                    check_role(line);
                    first_ = current;
                    return line;
                }
            } catch (const backend_error& error) {
                add_failure(failures, error);
            }
        }
        throw backend_error("cachetory: redis: no Sentinel leads to a primary: " + failures);
    }

private:
    /// Returns the address of the primary according to the Sentinel at `address`.
    redis_address ask(const redis_address& address) const {
        connection sentinel(address, without_login_);
        batch question;
        question.add(is_address_or_nil, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.service});
        const std::vector<answer> answers = sentinel.exchange(question);
        const redisReply& reply = answers.front().value();
        if (is_nil(reply)) {
            throw backend_error("cachetory: redis server " + sentinel.name() +
                                ": this Sentinel does not know the service \"" + options_.service +
                                '"');
        }
        return {std::string(text_of(*reply.element[0])), *parse_port(text_of(*reply.element[1]))};
    }

    /// Throws if `line` leads to a replica, because a Sentinel may be out of date. If the server
    /// refuses to tell its role, trusts the Sentinel.
    static void check_role(connection& line) {
        batch question;
        question.add(is_role, {"ROLE"});
        const std::vector<answer> answers = line.exchange(question);
        if (!answers.front().is_error() &&
            text_of(*answers.front().value().element[0]) != "master") {
            throw backend_error("cachetory: redis server " + line.name() + ": not the primary");
        }
    }

    redis_options options_;
    redis_options without_login_;        // Sentinels have their own users
    std::atomic<std::size_t> first_ = 0; // the one that last led to the primary
};

} // namespace cachetory::detail::redis

#endif
