// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_verbs.hpp"
#include "../support/scripted_cluster.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using support::commands_of;
using support::contains;
using support::scripted_cluster;
using support::scripted_server;
using support::words;

namespace {

using commands = std::vector<words>;
using pairs = std::vector<std::pair<std::string, std::string>>;

const std::string good = "$2\r\nok\r\n";

support::scripted_server::script always(support::scripted_answer answer) {
    return [answer](const words&) { return answer; };
}

} // namespace

TEST_CASE("MOVED sends a command to another server, and its slot from then on", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    cluster.play(cluster.low, [&](const words& command) {
        return command.at(1) == "b" ? scripted_cluster::moved(cluster.high, 3'300) : good;
    });
    CHECK(cache.get("b") == "ok");
    CHECK(commands_of(cluster.low) == commands{{"GET", "b"}});
    CHECK(commands_of(cluster.high) == commands{{"GET", "b"}});
    CHECK(cache.get("b") == "ok");
    CHECK(cache.get("c") == "ok"); // another slot of the same server
    CHECK(commands_of(cluster.low) == commands{{"GET", "b"}, {"GET", "c"}});
    CHECK(commands_of(cluster.high) == commands{{"GET", "b"}, {"GET", "b"}});
    CHECK(cluster.low.received("CLUSTER") + cluster.high.received("CLUSTER") == 1);
}

TEST_CASE("ASK sends a command to another server this time only", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    cluster.play(cluster.low, always(scripted_cluster::ask(cluster.high, 3'300)));
    cluster.play(cluster.high,
                 [](const words& command) { return command[0] == "ASKING" ? "+OK\r\n" : good; });
    CHECK(cache.get("b") == "ok");
    CHECK(cache.get("b") == "ok");
    CHECK(commands_of(cluster.low) == commands{{"GET", "b"}, {"GET", "b"}});
    CHECK(commands_of(cluster.high) ==
          commands{{"ASKING"}, {"GET", "b"}, {"ASKING"}, {"GET", "b"}});
}

TEST_CASE("a transaction is sent elsewhere as a whole", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const commands whole{{"MULTI"}, {"PERSIST", "b"}, {"EXISTS", "b"}, {"EXEC"}};
    commands asked = whole;
    asked.insert(asked.begin(), {"ASKING"});
    const auto transaction = [](const words& command) {
        return command[0] == "EXEC"                              ? "*2\r\n:0\r\n:1\r\n"
               : command[0] == "MULTI" || command[0] == "ASKING" ? "+OK\r\n"
                                                                 : "+QUEUED\r\n";
    };
    for (const bool is_ask : {true, false}) {
        for (const bool at_exec : {true, false}) {
            const std::string elsewhere = is_ask ? scripted_cluster::ask(cluster.high, 3'300)
                                                 : scripted_cluster::moved(cluster.high, 3'300);
            cache = cachetory::redis_backend::from_url(cluster.url());
            cluster.play(cluster.low, [=](const words& command) -> std::string {
                if (command[0] == "MULTI") {
                    return "+OK\r\n";
                }
                if (command[0] == "EXEC") {
                    return at_exec ? elsewhere : "-EXECABORT discarded\r\n";
                }
                return at_exec ? "+QUEUED\r\n" : elsewhere;
            });
            cluster.play(cluster.high, transaction);
            CHECK(cache.expire_in("b", std::nullopt));
            CHECK(commands_of(cluster.low) == whole);
            CHECK(commands_of(cluster.high) == (is_ask ? asked : whole));
        }
    }
}

TEST_CASE("only the redirected commands of a bulk verb are sent again", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const auto echo = [](const words& command) {
        return support::bulk("of " + command.at(1)) + "\r\n";
    };
    cluster.play(cluster.low, [&](const words& command) {
        return command.at(1) == "b" ? scripted_cluster::moved(cluster.high, 3'300) : echo(command);
    });
    cluster.play(cluster.high, [&](const words& command) {
        return command.at(1) == "d" ? scripted_cluster::moved(cluster.low, 11'298) : echo(command);
    });
    CHECK(pairs(cache.get_many({"a", "b", "c", "d", "a"})) ==
          pairs{{"a", "of a"}, {"b", "of b"}, {"c", "of c"}, {"d", "of d"}, {"a", "of a"}});
    CHECK(commands_of(cluster.low) == commands{{"GET", "b"}, {"GET", "c"}, {"GET", "d"}});
    CHECK(commands_of(cluster.high) ==
          commands{{"GET", "a"}, {"GET", "d"}, {"GET", "a"}, {"GET", "b"}});
}

TEST_CASE("servers that redirect a command to each other endlessly are an error", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const auto send_to = [](const std::string& elsewhere) {
        return [=](const words& command) { return command[0] == "ASKING" ? "+OK\r\n" : elsewhere; };
    };
    for (const auto redirect : {scripted_cluster::moved, scripted_cluster::ask}) {
        cluster.play(cluster.low, send_to(redirect(cluster.high, 3'300)));
        cluster.play(cluster.high, send_to(redirect(cluster.low, 3'300)));
        CHECK_THROWS_WITH(cache.get("b"), contains("3300 127.0.0.1"));
        CHECK_THROWS_AS(cache.get("b"), cachetory::backend_error);
        CHECK_THROWS_AS(cache.get_many({"b", "b"}), cachetory::backend_error);
        CHECK(cluster.low.received().size() + cluster.high.received().size() < 100);
        cluster.play(always(good));
        CHECK(cache.get("b") == "ok");
    }
}

TEST_CASE("a redirection without a host leads to the host that answered", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const std::string port = std::to_string(cluster.high.port());
    cluster.play(cluster.low, always("-MOVED 3300 :" + port + "\r\n"));
    CHECK(cache.get("b") == "ok");
    CHECK(commands_of(cluster.high) == commands{{"GET", "b"}});
    cluster.play(cluster.low, always("-ASK 7365 :" + port + "\r\n"));
    cluster.play(cluster.high,
                 [](const words& command) { return command[0] == "ASKING" ? "+OK\r\n" : good; });
    CHECK(cache.get("c") == "ok");
    CHECK(commands_of(cluster.high) == commands{{"ASKING"}, {"GET", "c"}});
}

TEST_CASE("a redirection that makes no sense is an error in the server's words", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    for (const std::string what :
         {"MOVED", "MOVED ", "MOVED 1", "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1",
          "MOVED -1 127.0.0.1:1", "MOVED 99999999999999999999 127.0.0.1:1", "MOVED 1 127.0.0.1",
          "MOVED 1 127.0.0.1:", "MOVED 1 127.0.0.1:0", "MOVED 1 127.0.0.1:65536", "MOVED 1 :x",
          "MOVED 1127.0.0.1:1", "ASK", "ASK 1", "ASK 1 :", "ASK  127.0.0.1:1",
          "MOVED 1 /socket:1"}) {
        cluster.play(always('-' + what + "\r\n"));
        CHECK_THROWS_WITH(cache.get("b"), contains(what));
        CHECK_THROWS_AS(cache.get_many({"a", "b"}), cachetory::backend_error);
        CHECK_THROWS_AS(cache.expire_in("b", std::nullopt), cachetory::backend_error);
        cluster.play(always(good));
        CHECK(cache.get("b") == "ok");
    }
}

TEST_CASE("a batch is sent to all servers of a cluster before one of them answers", "[redis]") {
    scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    CHECK(cache.get("a") == "ok");
    CHECK(cache.get("b") == "ok");
    // Answers when the other has received its command.
    const auto after = [](const scripted_server& other) -> scripted_server::script {
        return [&other](const words&) {
            for (int i = 0; i < 4'000 && other.received("GET") == 0; ++i) {
                std::this_thread::sleep_for(1ms);
            }
            return other.received("GET") == 0 ? "-ERR one after the other\r\n" : good;
        };
    };
    for (const bool low_first : {true, false}) {
        cluster.play(always(good));
        cluster.play(cluster.low, low_first ? after(cluster.high) : always(good));
        cluster.play(cluster.high, low_first ? always(good) : after(cluster.low));
        CHECK(cache.get_many({"a", "b"}).size() == 2);
    }
}

TEST_CASE("nothing is sent twice in a cluster, however its servers fail", "[redis]") {
    for (const support::redis_verb& verb : support::redis_verbs()) {
        for (const support::scripted_answer& answer :
             {support::and_close(""), support::and_close("$"),
              support::scripted_answer("-CLUSTERDOWN Hash slot not served\r\n"),
              support::scripted_answer("-TRYAGAIN\r\n"), support::scripted_answer("?\r\n")}) {
            scripted_cluster cluster;
            auto cache = cachetory::redis_backend::from_url(cluster.url());
            INFO(verb.name << " is answered '" << answer.bytes << "'");
            CHECK(cache.get("a") == "ok");
            CHECK(cache.get("b") == "ok");
            cluster.play(always(answer));
            CHECK_THROWS_AS(verb.call(cache), cachetory::backend_error);
            for (const scripted_server* const server : {&cluster.low, &cluster.high}) {
                const commands sent = commands_of(*server);
                CHECK(support::repeated(sent) == 0);
            }
            cluster.play(always(good));
            CHECK(cache.get("a") == "ok");
            CHECK(cache.get("b") == "ok");
        }
    }
}
