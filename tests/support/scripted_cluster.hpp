// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_SCRIPTED_CLUSTER_HPP
#define CACHETORY_TESTS_SUPPORT_SCRIPTED_CLUSTER_HPP

#include "scripted_server.hpp"

#include <string>
#include <utility>
#include <vector>

namespace support {

/// One of the answers to CLUSTER SLOTS: the server at `host` and `port` has these slots.
struct scripted_range {
    int first;
    int last;
    std::string host; ///< In the form of the protocol: "$-1" is nil, "$0\r\n" is empty.
    int port;
};

inline std::string bulk(const std::string& text) {
    return '$' + std::to_string(text.size()) + "\r\n" + text;
}

/// An answer to CLUSTER SLOTS.
inline std::string slot_map(const std::vector<scripted_range>& ranges) {
    std::string text = '*' + std::to_string(ranges.size()) + "\r\n";
    for (const scripted_range& range : ranges) {
        text += "*3\r\n:" + std::to_string(range.first) + "\r\n:" + std::to_string(range.last) +
                "\r\n*3\r\n" + range.host + "\r\n:" + std::to_string(range.port) +
                "\r\n$2\r\nid\r\n";
    }
    return text;
}

/// Two scripted servers that pretend to be a cluster: `low` has the slots below 8192, `high` the
/// others. Scripts answer all commands except CLUSTER.
class scripted_cluster {
public:
    // Their slots: 3300, 7365; 15495, 11298.
    static constexpr const char* low_key = "b";
    static constexpr const char* other_low_key = "c";
    static constexpr const char* high_key = "a";
    static constexpr const char* other_high_key = "d";

    scripted_cluster() {
        play([](const words&) { return "$2\r\nok\r\n"; });
    }

    /// Gives both the same script.
    void play(const scripted_server::script& answers) {
        play(low, answers);
        play(high, answers);
    }

    void play(scripted_server& server, scripted_server::script answers) {
        server.play([this, all = std::move(answers)](const words& command) {
            return command[0] == "CLUSTER" ? scripted_answer(whole_map()) : all(command);
        });
    }

    std::string whole_map() const {
        return slot_map({{0, 8'191, bulk("127.0.0.1"), low.port()},
                         {8'192, 16'383, bulk("127.0.0.1"), high.port()}});
    }

    /// A URL that names only the first server.
    std::string url() const { return "redis+cluster://" + low.address() + "?timeout=5000"; }

    /// An error that sends the command elsewhere.
    static std::string moved(const scripted_server& to, int slot) {
        return "-MOVED " + std::to_string(slot) + ' ' + to.address() + "\r\n";
    }

    static std::string ask(const scripted_server& to, int slot) {
        return "-ASK " + std::to_string(slot) + ' ' + to.address() + "\r\n";
    }

    scripted_server low{[](const words&) { return ""; }};
    scripted_server high{[](const words&) { return ""; }};
};

/// The commands that `server` has received, without CLUSTER.
inline std::vector<words> commands_of(const scripted_server& server) {
    std::vector<words> commands = server.received();
    std::erase_if(commands, [](const words& command) { return command[0] == "CLUSTER"; });
    return commands;
}

} // namespace support

#endif
