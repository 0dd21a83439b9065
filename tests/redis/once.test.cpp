// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_verbs.hpp"
#include "../support/scripted_server.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using support::words;

namespace {

support::scripted_server::script always(support::scripted_answer answer) {
    return [answer](const words&) { return answer; };
}

} // namespace

TEST_CASE("nothing is ever sent twice, however the server fails", "[redis]") {
    support::scripted_server server(always(""));
    for (const support::redis_verb& verb : support::redis_verbs()) {
        for (const support::scripted_answer& answer :
             {support::and_close(""), support::and_close("$"), support::and_close("+OK\r"),
              support::and_close("*"), support::scripted_answer("-LOADING wait\r\n"),
              support::scripted_answer("-READONLY no\r\n"),
              support::scripted_answer("-TRYAGAIN\r\n"),
              support::scripted_answer("-CLUSTERDOWN\r\n"), support::scripted_answer("?\r\n"),
              support::scripted_answer("-MOVED 1 127.0.0.1:1\r\n")}) {
            auto cache = cachetory::redis_backend::from_url(server.url());
            INFO(verb.name << " is answered '" << answer.bytes << "'");
            server.play(always("$2\r\nok\r\n"));
            CHECK(cache.get("warm") == "ok"); // so that there is an idle connection
            server.play(always(answer));
            CHECK_THROWS_AS(verb.call(cache), cachetory::backend_error);
            CHECK(server.received().size() >= 1);
            CHECK(support::repeated(server.received()) == 0);
            CHECK(server.accepted() == 0); // nor did it connect again
        }
    }
}

TEST_CASE("nothing is sent twice after a timeout", "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=30"));
    for (const support::redis_verb& verb : support::redis_verbs()) {
        server.play(always(""));
        INFO(verb.name);
        CHECK_THROWS_WITH(verb.call(cache), support::contains("timed out"));
        CHECK(support::repeated(server.received()) == 0);
        CHECK(server.accepted() == 1);
    }
}

TEST_CASE("an idle connection that the server has closed is replaced before anything is sent",
          "[redis]") {
    support::scripted_server server(always(support::and_close("$2\r\nok\r\n")));
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (std::size_t i = 1; i <= 20; ++i) {
        CHECK(cache.get(std::to_string(i)) == "ok");
        CHECK(server.received("GET") == i);
        CHECK(server.accepted() == i);
        server.wait_until_closed();
    }
}

TEST_CASE("each verb sends its commands in one batch", "[redis]") {
    support::scripted_server server(always("-ERR\r\n"));
    auto cache = cachetory::redis_backend::from_url(server.url()).under("p:");
    const auto sent = [&](auto call) {
        server.play(always("-ERR\r\n"));
        CHECK_THROWS_AS(call(), cachetory::backend_error);
        return server.received();
    };
    using commands = std::vector<words>;
    CHECK(sent([&] { return cache.find("k"); }) == commands{{"GET", "p:k"}});
    CHECK(sent([&] { return cache.contains("k"); }) == commands{{"EXISTS", "p:k"}});
    CHECK(sent([&] { return cache.take("k"); }) == commands{{"GETDEL", "p:k"}});
    CHECK(sent([&] { return cache.erase("k"); }) == commands{{"UNLINK", "p:k"}});
    CHECK(sent([&] { return cache.deadline("k"); }) == commands{{"PEXPIRETIME", "p:k"}});
    CHECK(sent([&] { return cache.set("k", "v"); }) == commands{{"SET", "p:k", "v"}});
    CHECK(sent([&] { return cache.set("k", "v", {.time_to_live = 1'500'001ns}); }) ==
          commands{{"SET", "p:k", "v", "PX", "2"}});
    CHECK(sent([&] { return cache.set("k", "v", {.if_not_exists = true}); }) ==
          commands{{"SET", "p:k", "v", "NX"}});
    CHECK(sent([&] { return cache.set("k", "v", {.time_to_live = 0s}); }) ==
          commands{{"UNLINK", "p:k"}});
    CHECK(sent([&] { return cache.set("k", "v", {.time_to_live = -1s, .if_not_exists = true}); }) ==
          commands{{"EXISTS", "p:k"}});
    CHECK(sent([&] { return cache.touch("k", 1ns); }) == commands{{"GETEX", "p:k", "PX", "1"}});
    CHECK(sent([&] { return cache.touch("k", std::nullopt); }) ==
          commands{{"GETEX", "p:k", "PERSIST"}});
    CHECK(sent([&] { return cache.touch("k", 0s); }) == commands{{"GETDEL", "p:k"}});
    CHECK(sent([&] { return cache.expire_in("k", 2ms); }) == commands{{"PEXPIRE", "p:k", "2"}});
    CHECK(sent([&] { return cache.expire_in("k", 1s + 1ns); }) ==
          commands{{"PEXPIRE", "p:k", "1001"}});
    CHECK(sent([&] { return cache.expire_in("k", std::nullopt); }) ==
          commands{{"MULTI"}, {"PERSIST", "p:k"}, {"EXISTS", "p:k"}, {"EXEC"}});
    CHECK(sent([&] {
              return cache.get_many({"a", "b"});
          }) == commands{{"GET", "p:a"}, {"GET", "p:b"}});
    CHECK(sent([&] {
              return cache.erase_many({"a", "b"});
          }) == commands{{"UNLINK", "p:a"}, {"UNLINK", "p:b"}});
}

TEST_CASE("get_or_set asks once, and stores once in one command", "[redis]") {
    support::scripted_server server(always("$-1\r\n"));
    auto cache = cachetory::redis_backend::from_url(server.url());
    using options = std::set<std::string>;
    const auto stored_with = [&](auto factory, std::optional<cachetory::ttl> time_to_live) {
        server.play(always("$-1\r\n"));
        CHECK(cache.get_or_set("k", factory, time_to_live) == "v");
        const std::vector<words> sent = server.received();
        REQUIRE(sent.size() == 2);
        CHECK(sent[0] == words{"GET", "k"});
        REQUIRE(sent[1].size() > 3);
        CHECK(words(sent[1].begin(), sent[1].begin() + 3) == words{"SET", "k", "v"});
        return options(sent[1].begin() + 3, sent[1].end());
    };
    const auto plain = [] { return "v"; };
    CHECK(stored_with(plain, std::nullopt) == options{"NX", "GET"});
    CHECK(stored_with(plain, 1s) == options{"NX", "GET", "PX", "1000"});
    const auto for_a_time = [] { return cachetory::expiring<std::string>{"v", 2s}; };
    CHECK(stored_with(for_a_time, 1s) == options{"NX", "GET", "PX", "2000"});
    const auto endless = [] { return cachetory::expiring<std::string>{"v", std::nullopt}; };
    CHECK(stored_with(endless, 1s) == options{"NX", "GET"});
}
