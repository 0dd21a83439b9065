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

/// Follows an address in a URL, so that no call times out on a busy machine.
inline constexpr const char* long_timeout = "?timeout=20000";

/// Asks `done` every few milliseconds until it returns true. Throws if that takes too long.
template <class Done>
void wait_until(Done done,
                const std::string& what,
                std::chrono::milliseconds longest = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) {
            throw std::runtime_error("waited too long: " + what);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

/// A Redis or Valkey server on 127.0.0.1 and on a Unix socket. It has a port and a folder of its
/// own, writes no data to disk, and ends with the object.
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
    std::string url(const std::string& rest = long_timeout) const {
        return "redis://" + address() + rest;
    }

    /// Kills it with SIGKILL.
    void kill() { process_.kill(); }

    /// Starts it again on the same port, without data.
    void start() {
        if (!try_to_start()) {
            throw std::runtime_error("the server does not start again; its log: " + log());
        }
    }

    void restart() {
        kill();
        start();
    }

    /// Stops it until `resume`: it neither answers nor closes anything. The kernel still accepts
    /// connections.
    void pause() const { process_.signal(SIGSTOP); }

    void resume() const { process_.signal(SIGCONT); }

    /// Adds lines to the configuration, for the next start.
    void add_options(const std::vector<std::string>& lines) const {
        std::ofstream file(configuration(), std::ios::app);
        for (const std::string& line : lines) {
            file << line << '\n';
        }
    }

    /// Sends one command without the code under test. Returns the answer as text: an array as a
    /// line for each element, nil as "(nil)", an error as its message.
    ///
    /// Each command uses a new connection: writing to one that the server has closed meanwhile
    /// would raise SIGPIPE.
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

    /// The text after `name:` in the lines of `text`.
    static std::string field(const std::string& text, const std::string& name) {
        const std::string lines = "\r\n" + text;
        const std::size_t found = lines.find("\r\n" + name + ":");
        if (found == std::string::npos) {
            return {};
        }
        const std::size_t begin = found + 2 + name.size() + 1;
        return lines.substr(begin, lines.find("\r\n", begin) - begin);
    }

    /// The lines of CLIENT LIST about clients that are connected to its port.
    std::vector<std::string> clients() const {
        std::istringstream list(command({"CLIENT", "LIST", "TYPE", "normal"}));
        std::vector<std::string> all;
        for (std::string line; std::getline(list, line);) {
            if (line.find("flags=U") == std::string::npos) { // `command` uses a Unix socket
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

    // The Unix socket proves that this server is ready. The port might belong to another.
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

/// A server that all tests of this program share, as the last test has left it.
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
