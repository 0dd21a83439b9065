// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_SCRIPTED_SERVER_HPP
#define CACHETORY_TESTS_SUPPORT_SCRIPTED_SERVER_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace support {

/// The words of a command, as a server receives them.
using words = std::vector<std::string>;

/// What a scripted server answers to one command: any bytes, or none.
struct scripted_answer {
    scripted_answer(const char* text) : bytes(text) {}
    scripted_answer(std::string text, bool then_close = false, bool byte_by_byte = false)
        : bytes(std::move(text)), close(then_close), slow(byte_by_byte) {}

    std::string bytes;
    bool close = false;
    bool slow = false;
};

/// How many of `commands` are the same as one before them.
inline std::size_t repeated(const std::vector<words>& commands) {
    return commands.size() - std::set<words>(commands.begin(), commands.end()).size();
}

/// Sends `text` and closes the connection. Whoever has received the last byte
/// can see that it is closed.
inline scripted_answer and_close(std::string text) { return {std::move(text), true}; }

/// Sends `text` one byte at a time.
inline scripted_answer slowly(std::string text) { return {std::move(text), false, true}; }

/// A server on 127.0.0.1 that calls a function to answer each command. It does things that a real
/// server does not do on demand, and it remembers every command that it has received.
class scripted_server {
public:
    using script = std::function<scripted_answer(const words&)>;

    explicit scripted_server(script answers) : answers_(std::move(answers)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(listener_, any, size) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, any, &size) != 0 || ::pipe(wake_) != 0) {
            throw std::runtime_error("no scripted server");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }

    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    ~scripted_server() {
        ::close(wake_[1]);
        thread_.join();
        ::close(wake_[0]);
        ::close(listener_);
    }

    int port() const { return port_; }

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    /// The long timeout prevents time-outs on a busy machine.
    std::string url(const std::string& rest = "?timeout=20000") const {
        return "redis://" + address() + rest;
    }

    /// Changes the script and forgets what has been received. Connections stay open.
    void play(script answers) {
        const std::lock_guard playing(script_mutex_);
        const std::lock_guard lock(mutex_);
        answers_ = std::move(answers);
        received_.clear();
        accepted_ = 0;
    }

    std::vector<words> received() const {
        const std::lock_guard lock(mutex_);
        return received_;
    }

    /// How often the command `name` has been received.
    std::size_t received(const std::string& name) const {
        const std::vector<words> all = received();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const words& w) { return w.at(0) == name; }));
    }

    /// How many connections have been accepted.
    std::size_t accepted() const {
        const std::lock_guard lock(mutex_);
        return accepted_;
    }

    /// Waits until the server has closed all connections, as after `and_close`.
    void wait_until_closed() const {
        while (open() != 0) {
            std::this_thread::yield();
        }
    }

private:
    std::size_t open() const {
        const std::lock_guard lock(mutex_);
        return open_;
    }

    void run() {
        std::map<int, std::string> unread; // of each connection
        for (;;) {
            std::vector<pollfd> waiting{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
            for (const auto& [connection, bytes] : unread) {
                waiting.push_back({connection, POLLIN, 0});
            }
            ::poll(waiting.data(), static_cast<nfds_t>(waiting.size()), -1);
            if (waiting[0].revents != 0) {
                break;
            }
            if (waiting[1].revents != 0) {
                const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
                const int yes = 1;
                ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                unread[connection];
                const std::lock_guard lock(mutex_);
                ++accepted_;
                ++open_;
            }
            for (std::size_t i = 2; i < waiting.size(); ++i) {
                if (waiting[i].revents != 0 && !serve(waiting[i].fd, unread[waiting[i].fd])) {
                    ::close(waiting[i].fd);
                    unread.erase(waiting[i].fd);
                    const std::lock_guard lock(mutex_);
                    --open_;
                }
            }
        }
        for (const auto& [connection, bytes] : unread) {
            ::close(connection);
        }
    }

    // Returns whether the connection stays open.
    bool serve(int connection, std::string& unread) {
        std::string part(65'536, '\0');
        const ssize_t size = ::recv(connection, part.data(), part.size(), 0);
        if (size <= 0) {
            return false;
        }
        unread.append(part, 0, static_cast<std::size_t>(size));
        for (words command; next(unread, command);) {
            scripted_answer answer("");
            {
                const std::lock_guard playing(script_mutex_);
                {
                    const std::lock_guard lock(mutex_); // not while the script asks other servers
                    received_.push_back(command);
                }
                answer = answers_(command);
            }
            const int flags = MSG_NOSIGNAL | (answer.close ? MSG_MORE : 0); // close() then sends it
            const std::size_t step = answer.slow ? 1 : answer.bytes.size();
            for (std::size_t sent = 0; sent < answer.bytes.size(); sent += step) {
                ::send(connection, answer.bytes.data() + sent, step, flags);
                std::this_thread::sleep_for(std::chrono::microseconds(answer.slow ? 500 : 0));
            }
            if (answer.close) {
                return false;
            }
        }
        return true;
    }

    // Takes a whole command out of `unread`, if there is one.
    static bool next(std::string& unread, words& command) {
        std::size_t at = 0;
        const auto number = [&] { // after '*' or '$'; -1 if it has not been received yet
            const std::size_t end = unread.find("\r\n", at);
            const long value =
                end == std::string::npos ? -1 : std::stol(unread.substr(at + 1, end - at - 1));
            at = end + 2;
            return value;
        };
        command.clear();
        const long count = number();
        for (long i = 0; i < count; ++i) {
            const long size = number();
            if (size < 0 || unread.size() < at + static_cast<std::size_t>(size) + 2) {
                return false;
            }
            command.push_back(unread.substr(at, static_cast<std::size_t>(size)));
            at += static_cast<std::size_t>(size) + 2;
        }
        if (count > 0) {
            unread.erase(0, at);
        }
        return count > 0;
    }

    int listener_ = -1;
    int wake_[2] = {-1, -1};
    int port_ = 0;
    std::mutex script_mutex_; // locked before mutex_
    script answers_;
    mutable std::mutex mutex_; // the rest
    std::vector<words> received_;
    std::size_t accepted_ = 0;
    std::size_t open_ = 0;
    std::thread thread_;
};

} // namespace support

#endif
