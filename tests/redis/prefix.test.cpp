// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"
#include "../support/scripted_cluster.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

cachetory::redis_backend make_cache() {
    return cachetory::redis_backend::from_url(support::empty_redis_server().url());
}

std::string ask(const std::vector<std::string>& words) {
    return support::shared_redis_server().command(words);
}

/// An answer to SCAN.
std::string page(const std::string& cursor, const std::vector<std::string>& names) {
    std::string text = "*2\r\n" + support::bulk(cursor) + "\r\n*" + std::to_string(names.size());
    for (const std::string& name : names) {
        text += "\r\n" + support::bulk(name);
    }
    return text + "\r\n";
}

} // namespace

TEST_CASE("a prefix precedes the name of every entry, and appears in no result", "[redis]") {
    cachetory::redis_backend all = make_cache();
    cachetory::redis_backend part = all.under("part:");
    CHECK(part.set("a", "1"));
    CHECK(part.set_many(pairs{{"b", "2"}, {"c", "3"}}) == 2);
    CHECK(part.get_or_set("d", [] { return "4"; }) == "4");
    CHECK(ask({"MGET", "part:a", "part:b", "part:c", "part:d"}) == "1\n2\n3\n4\n");
    CHECK(ask({"DBSIZE"}) == "4");

    CHECK(part.get("a") == "1");
    CHECK(part.find("b") == "2");
    CHECK(part.contains("c"));
    CHECK(pairs(part.get_many({"a", "d", "missing"})) == pairs{{"a", "1"}, {"d", "4"}});
    CHECK(part.expire_in("a", 10s));
    CHECK(part.expire_at("b", std::optional(std::chrono::system_clock::now() + 1h)));
    CHECK(part.deadline("b").has_value());
    CHECK(part.touch("c", 10s) == "3");
    CHECK(part.take("a") == "1");
    CHECK(part.erase("b"));
    CHECK(part.erase_many({"c", "d"}) == 2);
    CHECK(ask({"DBSIZE"}) == "0");
}

TEST_CASE("prefixes add up, and their backends share the connections", "[redis]") {
    cachetory::redis_backend all = make_cache();
    cachetory::redis_backend part = all.under("a:").under("b:");
    part.set("key", "value");
    CHECK(all.get("a:b:key") == "value");
    CHECK(all.under("").get("a:b:key") == "value");
    CHECK(support::shared_redis_server().connections() == 1);
}

TEST_CASE("characters of patterns in prefixes match only themselves", "[redis]") {
    cachetory::redis_backend all = make_cache();
    const std::vector<std::string> prefixes{
        "*",        "?",    "[",   "]",     "[a-z]",
        "[^a]",     "\\",   "\\*", "a*",    "a?",
        "a[b]c",    "abc:", "a",   "ab",    "^",
        "-",        "a-z",  "{x}", "[*]",   "**",
        "\n",       "\r\n", "\\[", "[\\]]", std::string("\0", 1),
        "\xff\xfe", "x*x*", "[]",  "[^]"};
    for (const std::string& prefix : prefixes) {
        all.clear();
        for (const std::string& other : prefixes) {
            all.under(other).set("key", other);
        }
        all.under(prefix).clear();
        for (const std::string& other : prefixes) {
            INFO("after clear under '" << prefix << "': '" << other << "'");
            CHECK(all.under(other).contains("key") != (other + "key").starts_with(prefix));
        }
    }
}

TEST_CASE("clear with a prefix erases all keys that have it, of every type and however many",
          "[redis]") {
    cachetory::redis_backend all = make_cache();
    cachetory::redis_backend part = all.under("part:");
    std::vector<std::pair<std::string, std::string>> items;
    for (std::size_t i = 0; i < 3'000; ++i) {
        items.emplace_back(std::to_string(i), "value");
    }
    CHECK(part.set_many(items) == items.size());
    CHECK(all.under("other:").set_many(items) == items.size());
    ask({"LPUSH", "part:list", "element"});
    ask({"SET", "part", "no colon"});
    part.clear();
    CHECK(ask({"DBSIZE"}) == "3001");
    CHECK(all.get("part") == "no colon");
    part.clear(); // nothing
    CHECK(ask({"DBSIZE"}) == "3001");
}

TEST_CASE("clear with a prefix throws if it loses its connection to the server that it scans",
          "[redis]") {
    // A cursor means nothing to the server that another connection may lead to.
    std::atomic<bool> loses = true;
    support::scripted_server server([&](const support::words& command) -> support::scripted_answer {
        if (command[0] == "SCAN") {
            return command[1] == "0" ? page("7", {"part:a"}) : page("0", {"part:b"});
        }
        return loses ? support::and_close(":1\r\n") : ":1\r\n";
    });
    auto part = cachetory::redis_backend::from_url(server.url()).under("part:");
    CHECK_THROWS_AS(part.clear(), cachetory::backend_error);
    CHECK(server.received("SCAN") == 1);
    CHECK(server.accepted() == 1);
    loses = false;
    CHECK_NOTHROW(part.clear());
    CHECK_NOTHROW(part.clear());
    CHECK(server.accepted() == 2); // idle connections are used again
}

TEST_CASE("clear with a prefix scans one server on one connection, and keeps it", "[redis]") {
    support::redis_server server;
    auto all = cachetory::redis_backend::from_url(server.url());
    std::vector<std::pair<std::string, std::string>> items;
    for (std::size_t i = 0; i < 3'000; ++i) {
        items.emplace_back(std::to_string(i), "value");
    }
    all.under("part:").set_many(items);
    all.under("part:").clear();
    CHECK(server.command({"DBSIZE"}) == "0");
    CHECK(server.connections() == 1);
}

TEST_CASE("clear with a prefix follows keys whose slots move to another server of a cluster",
          "[redis]") {
    using cluster = support::scripted_cluster;
    cluster servers;
    auto all = cachetory::redis_backend::from_url(servers.url());
    servers.play(servers.low, [&](const support::words& command) -> std::string {
        if (command[0] == "SCAN") {
            return page("0", {cluster::low_key, cluster::other_low_key});
        }
        return command[1] == cluster::low_key ? cluster::moved(servers.high, 3'300) : ":1\r\n";
    });
    servers.play(servers.high, [&](const support::words& command) {
        return command[0] == "SCAN" ? page("0", {}) : ":1\r\n";
    });
    for (const std::string prefix : {cluster::low_key, cluster::other_low_key}) {
        CHECK_NOTHROW(all.under(prefix).clear());
    }
    CHECK(servers.low.received("SCAN") == 2);
    CHECK(servers.high.received("SCAN") == 2);
    const std::vector<support::words> at_high = support::commands_of(servers.high);
    CHECK(std::count(at_high.begin(), at_high.end(), support::words{"UNLINK", cluster::low_key}) ==
          1);
    CHECK(servers.high.received("UNLINK") == 1);
}
