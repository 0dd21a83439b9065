// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_CONNECTION_HPP
#define CACHETORY_DETAIL_REDIS_CONNECTION_HPP

#include "../../version.hpp"
#include "address.hpp"
#include "answer.hpp"
#include "batch.hpp"
#include "options.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cachetory::detail::redis {

/// One connection to one server. It belongs to the process that made it: a child of that process
/// sends nothing through it and only closes it.
///
/// After an exception its state is unknown, and it must be closed.
class connection {
public:
    /// Connects and logs in. Throws `backend_error` if it can't.
    connection(const redis_address& address, const redis_options& options)
        : name_(to_string(address)),
          timeout_(std::min<std::chrono::milliseconds>(options.timeout, std::chrono::hours(24))) {
        connect(address);
        log_in(options);
    }

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// Whether something may be sent: this is the process that connected, the server has not closed
    /// the connection, and it has sent nothing without being asked.
    [[nodiscard]] bool is_usable() const noexcept {
        if (owner_ != ::getpid() || has_unread()) {
            return false;
        }
        char next = 0;
        const ssize_t got = ::recv(context_->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
        return got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }

    /// Sends `commands` and reads their answers.
    [[nodiscard]] std::vector<answer> exchange(const batch& commands) {
        send(commands.bytes());
        return receive(commands);
    }

    /// Sends `bytes`. hiredis would use write(), which raises SIGPIPE if the server has closed.
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(context_->fd, bytes.data(), bytes.size(), send_flags);
            if (sent >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                fail_timed_out();
            } else if (errno != EINTR) {
                fail(std::generic_category().message(errno));
            }
        }
    }

    /// Reads the answers of all `commands`, one for each part.
    [[nodiscard]] std::vector<answer> receive(const batch& commands) {
        std::vector<answer> answers;
        answers.reserve(commands.parts().size());
        for (const batch::part& part : commands.parts()) {
            answers.push_back(receive(part));
        }
        return answers;
    }

private:
    struct free_context {
        void operator()(redisContext* context) const noexcept { ::redisFree(context); }
    };

#ifdef MSG_NOSIGNAL
    static constexpr int send_flags = MSG_NOSIGNAL;
#else
    static constexpr int send_flags = 0; // connect() sets SO_NOSIGPIPE
#endif

    void connect(const redis_address& address) {
        using namespace std::chrono_literals;
        const std::chrono::seconds whole = std::chrono::floor<std::chrono::seconds>(timeout_);
        timeval limit{};
        limit.tv_sec = static_cast<decltype(limit.tv_sec)>(whole.count());
        limit.tv_usec = static_cast<decltype(limit.tv_usec)>((timeout_ - whole) / 1us);
        if (!is_socket(address)) {
            context_.reset(::redisConnectWithTimeout(address.host.c_str(), address.port, limit));
        } else if (address.host.size() < sizeof(sockaddr_un::sun_path)) { // else it is truncated
            context_.reset(::redisConnectUnixWithTimeout(address.host.c_str(), limit));
        } else {
            fail("the path is too long for a socket");
        }
        if (context_ == nullptr || context_->err != 0 ||
            ::redisSetTimeout(context_.get(), limit) != REDIS_OK) {
            fail_as_hiredis_says();
        }
        ::fcntl(context_->fd, F_SETFD, FD_CLOEXEC); // closed in programs that this one executes
#ifndef MSG_NOSIGNAL
        const int on = 1;
        ::setsockopt(context_->fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    }

    void log_in(const redis_options& options) {
        batch commands;
        if (!options.user.empty()) {
            commands.add(is_ok, {"AUTH", options.user, options.password});
        } else if (!options.password.empty()) {
            commands.add(is_ok, {"AUTH", options.password});
        }
        if (options.database != 0) {
            commands.add(is_ok, {"SELECT", std::to_string(options.database)});
        }
        for (const answer& answer : exchange(commands)) {
            if (answer.is_error() && !options.password.empty() && !is_safe_to_show(answer)) {
                const std::string code(answer.code());
                fail(code + (code.empty() ? "" : ": ") +
                     "the login failed; the server's words are not shown, because they may "
                     "contain the password");
            }
            static_cast<void>(answer.value());
        }
    }

    /// Whether the words of `error`, an answer during a login, cannot contain the password. Servers
    /// and proxies repeat the words of a command that they do not know, cut short or with other
    /// line ends, so searching for the password does not find it.
    static bool is_safe_to_show(const answer& error) noexcept {
        const auto has = [&](std::string_view code) { return error.code() == code; };
        const auto begins = [&](std::string_view text) { return error.error().starts_with(text); };
        return has("WRONGPASS") || has("NOPERM") || has("NOAUTH") || has("LOADING") ||
               begins("ERR AUTH <password> called without any password configured") ||
               begins("ERR DB index is out of range") ||
               begins("ERR SELECT is not allowed in cluster mode") ||
               begins("ERR max number of clients reached");
    }

    /// Once a command of a part has failed, the others may be answered with anything: a server that
    /// refuses MULTI executes what follows at once.
    answer receive(const batch::part& part) {
        std::optional<answer> first_error;
        for (std::size_t left = part.commands; left != 1; --left) {
            answer before = receive(first_error ? is_any : is_status);
            if (before.is_error() && !first_error) {
                first_error.emplace(std::move(before));
            }
        }
        answer last = receive(first_error ? is_any : part.expected);
        return first_error ? *std::move(first_error) : std::move(last);
    }

    answer receive(expectation expected) {
        void* next = nullptr;
        errno = 0;
        if (::redisGetReply(context_.get(), &next) != REDIS_OK || next == nullptr) {
            fail_as_hiredis_says();
        }
        reply_pointer reply(static_cast<redisReply*>(next));
        if (reply->type != REDIS_REPLY_ERROR && !expected(*reply)) {
            fail("the answer is of a kind that does not belong to the command");
        }
        return {std::move(reply), name_};
    }

    /// Whether more bytes have been received than the answers have.
    [[nodiscard]] bool has_unread() const noexcept {
        return context_->reader->pos != context_->reader->len;
    }

    [[noreturn]] void fail(const std::string& reason) const {
        throw backend_error("cachetory: redis server " + name_ + ": " + reason);
    }

    [[noreturn]] void fail_timed_out() const {
        fail("timed out after " + std::to_string(timeout_.count()) + " ms");
    }

    /// Without a context, memory has run out.
    [[noreturn]] void fail_as_hiredis_says() const {
        const int number = errno;
        const int error = context_ != nullptr ? context_->err : REDIS_ERR_OOM;
        bool timed_out = error == REDIS_ERR_IO &&
                         (number == EAGAIN || number == EWOULDBLOCK || number == ETIMEDOUT);
#ifdef REDIS_ERR_TIMEOUT
        timed_out = timed_out || error == REDIS_ERR_TIMEOUT;
#endif
        if (timed_out) {
            fail_timed_out();
        }
        fail(context_ != nullptr ? context_->errstr : "out of memory");
    }

    std::string name_;
    std::chrono::milliseconds timeout_;
    std::unique_ptr<redisContext, free_context> context_ = {};
    pid_t owner_ = ::getpid();
};

} // namespace cachetory::detail::redis

#endif
