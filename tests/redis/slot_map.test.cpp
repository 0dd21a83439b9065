// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_process.hpp"
#include "../support/scripted_cluster.hpp"

#include <string>
#include <utility>
#include <vector>

using support::bulk;
using support::contains;
using support::scripted_server;
using support::slot_map;
using support::words;

namespace {

const std::string good = "$2\r\nok\r\n";

/// Answers CLUSTER with `map`, and everything else with "ok".
scripted_server::script with_map(std::string map) {
    return [map = std::move(map)](const words& command) {
        return command[0] == "CLUSTER" ? map : good;
    };
}

std::string cluster_url(const scripted_server& server) {
    return "redis+cluster://" + server.address() + "?timeout=5000";
}

} // namespace

TEST_CASE("a server without a name in the slot map is the one that gave the map", "[redis]") {
    for (const std::string host : {"$-1", "$0\r\n", "$9\r\n127.0.0.1"}) {
        scripted_server server([](const words&) { return ""; });
        server.play(with_map(slot_map({{0, 16'383, host, server.port()}})));
        auto cache = cachetory::redis_backend::from_url(cluster_url(server));
        INFO(host);
        CHECK(cache.get("a") == "ok");
        CHECK(cache.get("b") == "ok");
        CHECK(server.received("CLUSTER") == 1);
    }
}

TEST_CASE("a slot that no server has is an error until a server has it", "[redis]") {
    scripted_server server([](const words&) { return ""; });
    server.play(with_map(slot_map({{0, 8'191, bulk("127.0.0.1"), server.port()}})));
    auto cache = cachetory::redis_backend::from_url(cluster_url(server));
    CHECK(cache.get("b") == "ok");
    CHECK(cache.get("c") == "ok");
    CHECK_THROWS_WITH(cache.get("a"), contains("15495"));
    CHECK_THROWS_AS(cache.get_many({"b", "a"}), cachetory::backend_error);
    CHECK(cache.get("b") == "ok");
    server.play(with_map(slot_map({{0, 16'383, bulk("127.0.0.1"), server.port()}})));
    CHECK(cache.get("a") == "ok");
    CHECK(cache.get_many({"b", "a"}).size() == 2);
}

TEST_CASE("an answer that is not a slot map is an error until there is one", "[redis]") {
    scripted_server server([](const words&) { return ""; });
    auto cache = cachetory::redis_backend::from_url(cluster_url(server));
    const std::string port = std::to_string(server.port());
    const std::string node = "*2\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n";
    for (const std::string& map : std::vector<std::string>{
             "*0\r\n",
             "*-1\r\n",
             "$-1\r\n",
             "+OK\r\n",
             ":1\r\n",
             "-ERR This instance has cluster support disabled\r\n",
             "-NOAUTH Authentication required.\r\n",
             "-MOVED 1 127.0.0.1:1\r\n",
             "*1\r\n*0\r\n",
             "*1\r\n*-1\r\n",
             "*1\r\n:1\r\n",
             "*1\r\n*2\r\n:0\r\n:16383\r\n",
             "*1\r\n*3\r\n:0\r\n:16384\r\n" + node,
             "*1\r\n*3\r\n:-1\r\n:16383\r\n" + node,
             "*1\r\n*3\r\n:2\r\n:1\r\n" + node,
             "*1\r\n*3\r\n:9223372036854775807\r\n:1\r\n" + node,
             "*1\r\n*3\r\n:0\r\n:9223372036854775807\r\n" + node,
             "*1\r\n*3\r\n$1\r\n0\r\n:16383\r\n" + node,
             "*1\r\n*3\r\n:0\r\n:16383\r\n*-1\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*0\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*1\r\n$9\r\n127.0.0.1\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n:1\r\n:1\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:0\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:65536\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n$4\r\n1234\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\n?\r\n:" + port + "\r\n",
             "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$3\r\n" + std::string("a\0b", 3) + "\r\n:1\r\n",
             "*2\r\n*3\r\n:0\r\n:16383\r\n" + node + ":1\r\n",
             "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
        server.play(with_map(map));
        INFO(map);
        CHECK_THROWS_AS(cache.find("a"), cachetory::backend_error);
        CHECK(server.received("GET") == 0);
    }
    server.play(with_map(slot_map({{0, 16'383, bulk("127.0.0.1"), server.port()}})));
    CHECK(cache.get("a") == "ok");
}

TEST_CASE("a cluster whose first server is dead is found by the second", "[redis]") {
    scripted_server server([](const words&) { return ""; });
    server.play(with_map(slot_map({{0, 16'383, bulk("127.0.0.1"), server.port()}})));
    const std::string dead = "127.0.0.1:" + std::to_string(support::free_port());
    auto cache =
        cachetory::redis_backend::from_url("redis+cluster://" + dead + ',' + server.address());
    CHECK(cache.get("a") == "ok");
    auto nobody = cachetory::redis_backend::from_url("redis+cluster://" + dead);
    CHECK_THROWS_WITH(nobody.find("a"), contains(dead));
}

TEST_CASE("the slot map is read again after a server has failed, and not before", "[redis]") {
    scripted_server old([](const words&) { return ""; });
    scripted_server next([](const words&) { return ""; });
    old.play(with_map(slot_map({{0, 16'383, bulk("127.0.0.1"), old.port()}})));
    auto cache = cachetory::redis_backend::from_url(cluster_url(old));
    for (int i = 0; i < 10; ++i) {
        CHECK(cache.get("a") == "ok");
    }
    CHECK(old.received("CLUSTER") == 1);
    const std::string map = slot_map({{0, 16'383, bulk("127.0.0.1"), next.port()}});
    old.play([=](const words& command) {
        return command[0] == "CLUSTER" ? support::scripted_answer(map) : support::and_close("");
    });
    next.play(with_map(map));
    CHECK_THROWS_AS(cache.get("a"), cachetory::backend_error);
    for (int i = 0; i < 10; ++i) {
        CHECK(cache.get("a") == "ok");
    }
    CHECK(old.received("CLUSTER") + next.received("CLUSTER") == 1);
    CHECK(next.received("GET") == 10);
    CHECK(old.received("GET") == 1);
}

TEST_CASE("clear reads the slot map, and goes to each primary once", "[redis]") {
    support::scripted_cluster cluster;
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    cluster.play([](const words&) { return "+OK\r\n"; });
    cache.clear();
    CHECK(cluster.low.received("FLUSHDB") == 1);
    CHECK(cluster.high.received("FLUSHDB") == 1);
    cache.clear();
    CHECK(cluster.low.received("FLUSHDB") == 2);
    CHECK(cluster.low.received("CLUSTER") + cluster.high.received("CLUSTER") == 2);
}
