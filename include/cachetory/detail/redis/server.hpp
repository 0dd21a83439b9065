// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_SERVER_HPP
#define CACHETORY_DETAIL_REDIS_SERVER_HPP

#include "../../version.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "connection.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// A server and the connections to it, as many as there have been simultaneous calls. Safe to share
/// between threads. No lock is held while anything is sent, read, opened or closed.
///
/// Nothing is sent twice. So an idle connection is checked before it is used: if the server has
/// closed it in the meantime, another takes its place, and no call fails because of that. A
/// connection becomes idle again only if all answers have been read and were of the expected kind.
/// When a connection breaks, the idle ones are closed, because they are probably broken.
class server {
public:
    /// `connect` makes a connection when one is needed.
    explicit server(std::function<connection()> connect) : connect_(std::move(connect)) {}

    /// A connection that is in use. If it is destroyed, the connection is closed.
    struct call {
        connection line;
        std::size_t generation;
    };

    /// Sends `commands` and returns their answers.
    [[nodiscard]] std::vector<answer> exchange(const batch& commands) {
        return receive(send(commands), commands);
    }

    /// Takes a connection and sends `commands`.
    [[nodiscard]] call send(const batch& commands) {
        call begun = take();
        send_on(begun, commands);
        return begun;
    }

    /// Reads the answers to `commands`, which were sent on `begun`, and gives the connection back.
    [[nodiscard]] std::vector<answer> receive(call begun, const batch& commands) {
        std::vector<answer> answers = receive_on(begun, commands);
        give_back(std::move(begun));
        return answers;
    }

    /// Takes a connection, for batches that must not go to different ones.
    [[nodiscard]] call take() {
        for (;;) {
            std::unique_lock lock(mutex_);
            const std::size_t generation = generation_;
            if (idle_.empty()) {
                lock.unlock();
                return {connect_(), generation};
            }
            connection newest = std::move(idle_.back());
            idle_.pop_back();
            lock.unlock();
            if (newest.is_usable()) {
                return {std::move(newest), generation};
            }
        }
    }

    /// Sends `commands` on a connection that was taken, and returns their answers.
    [[nodiscard]] std::vector<answer> exchange_on(call& taken, const batch& commands) {
        send_on(taken, commands);
        return receive_on(taken, commands);
    }

    /// Makes a connection idle again. All answers must have been read.
    void give_back(call done) {
        const std::lock_guard lock(mutex_);
        if (done.generation == generation_) {
            idle_.push_back(std::move(done.line));
        }
    }

private:
    void send_on(call& taken, const batch& commands) {
        try {
            taken.line.send(commands.bytes());
        } catch (...) {
            drop_idle();
            throw;
        }
    }

    std::vector<answer> receive_on(call& taken, const batch& commands) {
        try {
            std::vector<answer> answers = taken.line.receive(commands);
            const bool is_replica =
                std::any_of(answers.begin(), answers.end(),
                            [](const answer& each) { return each.is_error("READONLY"); });
            if (is_replica) { // the next call reconnects, and Sentinels then name the primary
                drop_idle();
            }
            return answers;
        } catch (...) {
            drop_idle();
            throw;
        }
    }

    void drop_idle() {
        std::vector<connection> dropped; // closed after unlocking
        const std::lock_guard lock(mutex_);
        ++generation_; // those in use will not become idle again
        dropped.swap(idle_);
    }

    std::function<connection()> connect_;
    std::mutex mutex_ = {};
    std::vector<connection> idle_ = {};
    std::size_t generation_ = 0;
};

} // namespace cachetory::detail::redis

#endif
