// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_SLOT_OWNERS_HPP
#define CACHETORY_DETAIL_REDIS_SLOT_OWNERS_HPP

#include "../../version.hpp"
#include "address.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "connection.hpp"
#include "options.hpp"
#include "server.hpp"
#include "slots.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// A server of a cluster.
struct node {
    node(const redis_address& where, const redis_options& options)
        : address(where), connections([where, options] { return connection(where, options); }) {}

    redis_address address;
    server connections;
    std::atomic<bool> is_broken = false; // did it fail when it was last used?
};
using node_pointer = std::shared_ptr<node>;

/// Which server has which slots. Safe to share between threads. The lock is not held while anything
/// is sent, read, opened or closed.
///
/// The servers are asked when a slot is first needed. Their answer is kept until distrust() is
/// called: then the next call asks again, while concurrent calls use the old answer.
class slot_owners {
public:
    explicit slot_owners(redis_options options) : options_(std::move(options)) {
        for (const redis_address& seed : options_.cluster) {
            nodes_.emplace(seed, std::make_shared<node>(seed, options_));
        }
    }

    /// Returns the owner of each of the `wanted` slots. Throws `backend_error` if one has none.
    [[nodiscard]] std::vector<node_pointer> of(const std::vector<std::size_t>& wanted) {
        bool is_new = false;
        if (is_distrusted_.exchange(false)) {
            ask();
            is_new = true;
        }
        for (;;) {
            std::vector<node_pointer> owners = look_up(wanted);
            const auto missing = std::find(owners.begin(), owners.end(), nullptr);
            if (missing == owners.end()) {
                return owners;
            }
            if (is_new) {
                distrust();
                const std::size_t slot = wanted[static_cast<std::size_t>(missing - owners.begin())];
                throw backend_error("cachetory: redis cluster: no server has slot " +
                                    std::to_string(slot));
            }
            ask();
            is_new = true;
        }
    }

    /// Asks the servers again and returns the owners of all slots, each owner once.
    [[nodiscard]] std::vector<node_pointer> all() {
        ask();
        std::vector<node_pointer> owners;
        {
            const std::lock_guard lock(mutex_);
            owners = owners_;
        }
        std::sort(owners.begin(), owners.end());
        owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
        std::erase(owners, nullptr);
        return owners;
    }

    /// Returns the server at `address`.
    [[nodiscard]] node_pointer at(const redis_address& address) {
        const std::lock_guard lock(mutex_);
        return find_or_add(address);
    }

    /// Records that the server at `address` has `slot`, and returns that server.
    node_pointer move(std::size_t slot, const redis_address& address) {
        const std::lock_guard lock(mutex_);
        return owners_[slot] = find_or_add(address);
    }

    /// Makes the next call ask the servers again.
    void distrust() noexcept { is_distrusted_ = true; }

private:
    [[nodiscard]] std::vector<node_pointer> look_up(const std::vector<std::size_t>& wanted) {
        std::vector<node_pointer> owners;
        owners.reserve(wanted.size());
        const std::lock_guard lock(mutex_);
        for (const std::size_t slot : wanted) {
            owners.push_back(owners_[slot]);
        }
        return owners;
    }

    /// Asks one server after another until one says which server has which slots.
    void ask() {
        batch question;
        question.add(is_slot_map, {"CLUSTER", "SLOTS"});
        std::string failures;
        for (const node_pointer& each : candidates()) {
            try {
                const std::vector<answer> answers = each->connections.exchange(question);
                replace(slot_map_of(answers.front().value(), each->address));
                each->is_broken = false;
                return;
            } catch (const backend_error& error) {
                each->is_broken = true;
                add_failure(failures, error);
            }
        }
        distrust();
        throw backend_error("cachetory: redis cluster: no server returned the slot map: " +
                            failures);
    }

    /// Returns all servers in the order in which to ask them. Each time another one comes first,
    /// because a server that has lost contact with the others still believes its old map. Those
    /// that failed when they were last used come last.
    [[nodiscard]] std::vector<node_pointer> candidates() {
        std::vector<node_pointer> all;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [address, each] : nodes_) {
                all.push_back(each);
            }
        }
        const std::size_t first = asked_++ % all.size();
        std::rotate(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
        // Not std::stable_partition: clang++ 19 warns about the one of libstdc++.
        std::vector<node_pointer> working;
        std::vector<node_pointer> broken;
        for (const node_pointer& each : all) {
            (each->is_broken ? broken : working).push_back(each);
        }
        working.insert(working.end(), broken.begin(), broken.end());
        return working;
    }

    /// Replaces the slot map by `ranges`. Forgets servers without slots, except those that the
    /// options name.
    void replace(const std::vector<slot_range>& ranges) {
        std::vector<node_pointer> owners(slot_count);
        std::map<redis_address, node_pointer> nodes;
        const std::lock_guard lock(mutex_); // forgotten servers are closed after unlocking
        for (const redis_address& seed : options_.cluster) {
            nodes[seed] = find_or_add(seed);
        }
        for (const slot_range& range : ranges) {
            const node_pointer owner = find_or_add(range.owner);
            nodes[range.owner] = owner;
            std::fill(owners.begin() + static_cast<std::ptrdiff_t>(range.first),
                      owners.begin() + static_cast<std::ptrdiff_t>(range.last) + 1, owner);
        }
        owners_.swap(owners);
        nodes_.swap(nodes);
    }

    /// The lock must be held.
    node_pointer find_or_add(const redis_address& address) {
        node_pointer& found = nodes_[address];
        if (found == nullptr) {
            found = std::make_shared<node>(address, options_);
        }
        return found;
    }

    redis_options options_;
    std::atomic<bool> is_distrusted_ = true; // nothing is known at first
    std::atomic<std::size_t> asked_ = 0;
    std::mutex mutex_ = {};
    std::vector<node_pointer> owners_ = std::vector<node_pointer>(slot_count); // null: unknown
    std::map<redis_address, node_pointer> nodes_ = {};
};

} // namespace cachetory::detail::redis

#endif
