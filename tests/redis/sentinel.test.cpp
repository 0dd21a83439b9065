// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_sentinels.hpp"
#include "../support/redis_traffic.hpp"
#include "../support/redis_verbs.hpp"
#include "../support/scripted_cluster.hpp"

#include <cstddef>
#include <string>
#include <vector>

using support::bulk;
using support::contains;
using support::redis_sentinels;
using support::redis_traffic;
using support::scripted_server;
using support::shared_redis_sentinels;
using support::words;

namespace {

const std::vector<std::vector<std::string>> keys{{"a", "b", "c"}, {"d", "e"}, {"f", "g"}};

std::string sentinel_url(const scripted_server& server) {
    return "redis+sentinel://" + server.address() + "/main?timeout=5000";
}

std::string address_of(const scripted_server& server) {
    return "*2\r\n" + bulk("127.0.0.1") + "\r\n" + bulk(std::to_string(server.port())) + "\r\n";
}

/// A script for a server with data that answers ROLE with `name`. Scripted sentinels name it as the
/// primary.
scripted_server::script role(const std::string& name) {
    return [=](const words& command) -> std::string {
        if (command[0] == "ROLE") {
            return "*3\r\n" + bulk(name) + "\r\n:0\r\n*0\r\n";
        }
        return command[0] == "GET" ? "$2\r\nok\r\n" : "+OK\r\n";
    };
}

} // namespace

TEST_CASE("every verb works on the primary that the sentinels name", "[sentinel]") {
    redis_sentinels& all = shared_redis_sentinels();
    auto cache =
        cachetory::redis_backend::from_url(all.url(std::string("/2") + support::long_timeout));
    for (const support::redis_verb& verb : support::redis_verbs()) {
        INFO(verb.name);
        cache.set("key", "value");
        CHECK_NOTHROW(verb.call(cache));
    }
    cache.set("key", "value");
    support::redis_server& primary = all.server(all.primary());
    CHECK(primary.command({"INFO", "keyspace"}).find("db2:keys=") != std::string::npos);
    CHECK(primary.connections() == 1 + redis_sentinels::count);
}

TEST_CASE("a service that no sentinel knows is an error that names it", "[sentinel]") {
    redis_sentinels& all = shared_redis_sentinels();
    const std::string url = all.url("");
    auto cache = cachetory::redis_backend::from_url(url.substr(0, url.size() - 4) + "another");
    CHECK_THROWS_WITH(cache.find("key"), contains("another"));
    CHECK_THROWS_AS(cache.set("key", "value"), cachetory::backend_error);
}

TEST_CASE("after a planned failover by sentinels, the same object works again", "[sentinel]") {
    redis_sentinels& all = shared_redis_sentinels();
    auto cache = cachetory::redis_backend::from_url(all.url());
    redis_traffic traffic(cache, keys, support::writes::may_be_lost);
    traffic.wait_for_rounds(100);
    const std::size_t primary = all.fail_over();
    all.wait_until_whole();
    traffic.wait_for_rounds(300);
    const std::size_t errors = traffic.errors();
    traffic.wait_for_rounds(500);
    traffic.stop();
    INFO(traffic.last_error());
    CHECK(traffic.errors() == errors);
    CHECK(errors > 0); // otherwise nobody noticed the failover
    CHECK(traffic.wrong_answers() == 0);
    cache.set("key", "value");
    CHECK(all.server(primary).command({"GET", "key"}) == "value");
}

TEST_CASE("after a primary has been killed, the same object works again", "[sentinel]") {
    redis_sentinels& all = shared_redis_sentinels();
    auto cache = cachetory::redis_backend::from_url(all.url());
    const std::size_t descriptors = support::open_descriptors();
    {
        redis_traffic traffic(cache, keys, support::writes::may_be_lost);
        traffic.wait_for_rounds(100);
        const std::size_t before = all.primary();
        all.server(before).kill();
        support::wait_until([&] { return all.primary() != before; }, "for a failover");
        traffic.wait_for_calm(100); // before the old primary is back
        all.restart(before);
        all.wait_until_whole();
        traffic.wait_for_rounds(300);
        const std::size_t errors = traffic.errors();
        traffic.wait_for_rounds(500);
        traffic.stop();
        INFO(traffic.last_error());
        CHECK(traffic.errors() == errors);
        CHECK(errors > 0);
        CHECK(traffic.wrong_answers() == 0);
    }
    cache = cachetory::redis_backend();
    CHECK(support::open_descriptors() == descriptors);
}

TEST_CASE("dead sentinels are skipped, and it is an error if all are dead", "[sentinel]") {
    redis_sentinels& all = shared_redis_sentinels();
    const std::string dead = "127.0.0.1:" + std::to_string(support::free_port());
    const std::string alive = all.sentinel(2).address();
    auto cache =
        cachetory::redis_backend::from_url("redis+sentinel://" + dead + ',' + alive + "/main");
    CHECK(cache.set("key", "value"));
    auto nobody = cachetory::redis_backend::from_url("redis+sentinel://" + dead + "/main");
    CHECK_THROWS_WITH(nobody.find("key"), contains(dead));
}

TEST_CASE("the password is for the servers and not for the sentinels", "[redis]") {
    scripted_server primary(role("master"));
    scripted_server sentinel([&](const words&) { return address_of(primary); });
    auto cache = cachetory::redis_backend::from_url("redis+sentinel://user:s3cret@" +
                                                    sentinel.address() + "/my%2Fmain/3");
    CHECK(cache.get("key") == "ok");
    CHECK(sentinel.received() ==
          std::vector<words>{{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "my/main"}});
    CHECK(primary.received().at(0) == words{"AUTH", "user", "s3cret"});
    CHECK(primary.received().at(1) == words{"SELECT", "3"});
    CHECK(primary.received().back() == words{"GET", "key"});
}

TEST_CASE("nothing is sent to a replica that a sentinel takes for the primary", "[redis]") {
    scripted_server replica(role("slave"));
    scripted_server primary(role("master"));
    scripted_server behind([&](const words&) { return address_of(replica); });
    scripted_server sentinel([&](const words&) { return address_of(primary); });
    auto wrong = cachetory::redis_backend::from_url(sentinel_url(behind));
    CHECK_THROWS_WITH(wrong.set("key", "value"), contains(replica.address()));
    CHECK(replica.received("SET") == 0);
    auto cache = cachetory::redis_backend::from_url("redis+sentinel://" + behind.address() + ',' +
                                                    sentinel.address() + "/main");
    CHECK(cache.set("key", "value"));
    CHECK(replica.received("SET") == 0);
    CHECK(primary.received("SET") == 1);
}

TEST_CASE("an answer that is not the address of a primary is an error", "[redis]") {
    scripted_server primary(role("master"));
    scripted_server sentinel([](const words&) { return ""; });
    auto cache = cachetory::redis_backend::from_url(sentinel_url(sentinel));
    const std::string host = bulk("127.0.0.1") + "\r\n";
    for (const std::string& answer : std::vector<std::string>{
             "*-1\r\n", "$-1\r\n", "*0\r\n", "*1\r\n" + host, "*3\r\n" + host + host + host,
             "*2\r\n" + host + ":1\r\n", "*2\r\n" + host + "$1\r\n0\r\n",
             "*2\r\n" + host + "$5\r\n65536\r\n", "*2\r\n" + host + "$2\r\n1x\r\n",
             "*2\r\n" + host + "$-1\r\n", "*2\r\n$0\r\n\r\n$1\r\n1\r\n", "*2\r\n:1\r\n:1\r\n",
             "*2\r\n*0\r\n*0\r\n", "+OK\r\n", "-ERR no\r\n", "-NOAUTH\r\n", "?\r\n",
             "*2\r\n$7\r\n/socket\r\n$1\r\n1\r\n"}) {
        sentinel.play([=](const words&) { return answer; });
        INFO(answer);
        CHECK_THROWS_WITH(cache.find("key"), contains(sentinel.address()));
    }
    for (const std::string answer : {"*-1\r\n", "*0\r\n", "*1\r\n:1\r\n", "*1\r\n$-1\r\n",
                                     "+master\r\n", "$6\r\nmaster\r\n"}) {
        sentinel.play([&](const words&) { return address_of(primary); });
        primary.play([=](const words&) { return answer; });
        INFO("ROLE is answered " << answer);
        CHECK_THROWS_WITH(cache.find("key"), contains(primary.address()));
        CHECK(primary.received("GET") == 0);
    }
    primary.play(role("master"));
    CHECK(cache.get("key") == "ok");
}

TEST_CASE("after READONLY the sentinels are asked again", "[redis]") {
    scripted_server old(role("master"));
    scripted_server next(role("master"));
    scripted_server sentinel([&](const words&) { return address_of(old); });
    auto cache = cachetory::redis_backend::from_url(sentinel_url(sentinel));
    CHECK(cache.set("key", "value"));
    CHECK(cache.set("key", "value"));
    CHECK(sentinel.received("SENTINEL") == 1);
    old.play(
        [](const words&) { return "-READONLY You can't write against a read only replica.\r\n"; });
    sentinel.play([&](const words&) { return address_of(next); });
    CHECK_THROWS_WITH(cache.set("key", "value"), contains("READONLY"));
    CHECK(next.received("SET") == 0); // the command is not sent again
    CHECK(cache.set("key", "value"));
    CHECK(next.received("SET") == 1);
}
