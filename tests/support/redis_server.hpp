// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REDIS_SERVER_HPP
#define CACHETORY_TESTS_SUPPORT_REDIS_SERVER_HPP

#include "redis_process.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <hiredis/hiredis.h>

namespace support {

/// What follows an address in a URL, so that a busy machine makes no call time out.
inline constexpr const char* patience = "?timeout=20000";

/// Asks `done` every few milliseconds until it returns true. Throws if that takes too long.
template <class Done>
void wait_until(Done done,
                const std::string& what,
                std::chrono::milliseconds longest = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) {
            throw std::runtime_error("waited in vain: " + what);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

/// A server of Redis or Valkey on 127.0.0.1 and on a Unix socket. It has a port and a folder of its
/// own, writes nothing to disk, and ends with the object.
///
/// It must be made by a thread that outlives it.
class redis_server {
public:
    /// Each of `options` is a line of the configuration file.
    explicit redis_server(std::vector<std::string> options = {}, bool sentinel = false)
        : options_(std::move(options)), sentinel_(sentinel) {
        for (int attempt = 0; attempt < 10; ++attempt) {
            port_ = free_port();
            write_configuration();
            if (try_to_start()) {
                return;
            }
        }
        throw std::runtime_error("the server does not start; its log: " + log());
    }

    int port() const { return port_; }

    std::string socket() const { return (folder_.path() / "s").string(); }

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    /// `redis://127.0.0.1:<port>` and then `rest`.
    std::string url(const std::string& rest = patience) const {
        return "redis://" + address() + rest;
    }

    /// Kills it with SIGKILL.
    void kill() { process_.kill(); }

    /// Starts it again on the same port, without what it held.
    void start() {
        if (!try_to_start()) {
            throw std::runtime_error("the server does not start again; its log: " + log());
        }
    }

    void restart() {
        kill();
        start();
    }

    /// Lets it neither answer nor close anything until `resume`. Connections are still accepted, by
    /// the kernel.
    void pause() const { process_.signal(SIGSTOP); }

    void resume() const { process_.signal(SIGCONT); }

    /// Adds lines to the configuration with which it starts the next time.
    void add_options(const std::vector<std::string>& lines) const {
        std::ofstream file(configuration(), std::ios::app);
        for (const std::string& line : lines) {
            file << line << '\n';
        }
    }

    /// Sends one command past the code under test. Returns its answer as text: an array as its
    /// elements' lines, nil as "(nil)", an error as the server's words.
    ///
    /// Each uses a connection of its own: writing to one that the server has closed meanwhile would
    /// raise SIGPIPE.
    std::string command(const std::vector<std::string>& words) const {
        const context control = connect();
        const reply answer = send(*control, words);
        if (!answer) {
            throw std::runtime_error(address() + ": " + control->errstr);
        }
        return text_of(*answer);
    }

    /// The field `name` of INFO, "" if there is none.
    std::string info(const std::string& name) const {
        return field(command({"INFO", "everything"}), name);
    }

    /// What follows `name:` in the lines of `text`.
    static std::string field(const std::string& text, const std::string& name) {
        const std::string lines = "\r\n" + text;
        const std::size_t found = lines.find("\r\n" + name + ":");
        if (found == std::string::npos) {
            return {};
        }
        const std::size_t begin = found + 2 + name.size() + 1;
        return lines.substr(begin, lines.find("\r\n", begin) - begin);
    }

    /// The lines of CLIENT LIST about those who have connected to its port.
    std::vector<std::string> clients() const {
        std::istringstream list(command({"CLIENT", "LIST", "TYPE", "normal"}));
        std::vector<std::string> all;
        for (std::string line; std::getline(list, line);) {
            if (line.find("flags=U") == std::string::npos) { // which `command` is: a Unix socket
                all.push_back(line);
            }
        }
        return all;
    }

    std::size_t connections() const { return clients().size(); }

    /// How many replicas have all that this one has.
    std::size_t replicas_online() const {
        const std::string lines = command({"INFO", "replication"});
        std::size_t online = 0;
        for (std::size_t at = 0; (at = lines.find("state=online", at)) != std::string::npos; ++at) {
            ++online;
        }
        return online;
    }

    std::string log() const {
        std::ostringstream text;
        text << std::ifstream(folder_.path() / "log").rdbuf();
        return text.str();
    }

private:
    struct free_context {
        void operator()(redisContext* context) const { ::redisFree(context); }
    };

    struct free_reply {
        void operator()(redisReply* reply) const { ::freeReplyObject(reply); }
    };

    using context = std::unique_ptr<redisContext, free_context>;
    using reply = std::unique_ptr<redisReply, free_reply>;

    std::filesystem::path configuration() const { return folder_.path() / "conf"; }

    void write_configuration() const {
        std::ofstream file(configuration());
        file << "bind 127.0.0.1\nport " << port_ << "\nunixsocket " << socket() << "\ndir "
             << folder_.path().string() << "\nlogfile " << (folder_.path() / "log").string()
             << '\n';
        if (!sentinel_) {
            file << "save \"\"\nappendonly no\n";
        }
        file.close();
        add_options(options_);
    }

    // The Unix socket shows that it is this very server that is ready: the port might be another's.
    bool try_to_start() {
        std::filesystem::remove(socket());
        std::vector<std::string> arguments{configuration().string()};
        if (sentinel_) {
            arguments.emplace_back("--sentinel");
        }
        process_ = child_process({"redis-server", "valkey-server"}, std::move(arguments));
        bool ready = false;
        wait_until(
            [&] {
                ready = std::filesystem::exists(socket()) && connect()->err == 0;
                return ready || !process_.running();
            },
            "the start of " + address());
        return ready;
    }

    context connect() const {
        context made(::redisConnectUnixWithTimeout(socket().c_str(), timeval{5, 0}));
        ::redisSetTimeout(made.get(), timeval{10, 0});
        for (const std::string& option : options_) {
            if (option.starts_with("requirepass ") && made->err == 0) {
                send(*made, {"AUTH", option.substr(option.find(' ') + 1)});
            }
        }
        return made;
    }

    static reply send(redisContext& to, const std::vector<std::string>& words) {
        std::vector<const char*> data;
        std::vector<std::size_t> sizes;
        for (const std::string& word : words) {
            data.push_back(word.data());
            sizes.push_back(word.size());
        }
        const auto count = static_cast<int>(words.size());
        return reply(
            static_cast<redisReply*>(::redisCommandArgv(&to, count, data.data(), sizes.data())));
    }

    static std::string text_of(const redisReply& answer) {
        if (answer.type == REDIS_REPLY_ARRAY) {
            std::string all;
            for (std::size_t i = 0; i < answer.elements; ++i) {
                all += text_of(*answer.element[i]) + '\n';
            }
            return all;
        }
        if (answer.type == REDIS_REPLY_INTEGER) {
            return std::to_string(answer.integer);
        }
        return answer.type == REDIS_REPLY_NIL
                   ? "(nil)"
                   : std::string(answer.str, static_cast<std::size_t>(answer.len));
    }

    std::vector<std::string> options_;
    bool sentinel_;
    int port_ = 0;
    temporary_folder folder_;
    child_process process_;
};

/// A server that all tests of this program share, as the last of them has left it.
inline redis_server& shared_redis_server() {
    static redis_server server;
    return server;
}

/// The shared server, with empty databases and without other connections.
inline redis_server& empty_redis_server() {
    redis_server& server = shared_redis_server();
    server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    server.command({"FLUSHALL"});
    return server;
}

} // namespace support

#endif
