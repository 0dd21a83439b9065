// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_TRANSPORT_HPP
#define CACHETORY_DETAIL_REDIS_TRANSPORT_HPP

#include "../../version.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "connection.hpp"
#include "server.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// Sends commands to the servers that have their keys, and returns the answers. The verbs know
/// nothing else about servers. Safe to share between threads.
class transport {
public:
    transport() = default;
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;
    virtual ~transport() = default;

    /// Sends `commands`, all of which have keys, and returns their answers, one for each part, in
    /// that order. Throws `backend_error` if one of the servers cannot be reached or does not
    /// answer. Then it is unknown which of the commands were executed.
    [[nodiscard]] virtual std::vector<answer> exchange(const batch& commands) = 0;

    /// Returns the servers that together have all keys.
    [[nodiscard]] virtual std::vector<std::shared_ptr<server>> primaries() = 0;
};

/// One server has all keys.
class single_server final : public transport {
public:
    explicit single_server(std::function<connection()> connect)
        : server_(std::make_shared<server>(std::move(connect))) {}

    [[nodiscard]] std::vector<answer> exchange(const batch& commands) override {
        return server_->exchange(commands);
    }

    [[nodiscard]] std::vector<std::shared_ptr<server>> primaries() override { return {server_}; }

private:
    std::shared_ptr<server> server_;
};

} // namespace cachetory::detail::redis

#endif
