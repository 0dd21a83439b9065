// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"
#include "../support/redis_verbs.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using support::contains;

namespace {

/// The text of the `backend_error` that `call` throws, "" if it throws none.
template <class Call>
std::string error_of(Call call) {
    try {
        static_cast<void>(call());
        return {};
    } catch (const cachetory::backend_error& error) {
        return error.what();
    }
}

} // namespace

TEST_CASE("a password opens a server", "[redis]") {
    support::redis_server server({"requirepass an:odd@pass/word%"});
    auto cache = cachetory::redis_backend::from_url("redis://:an%3Aodd%40pass%2Fword%25@" +
                                                    server.address() + "/1");
    CHECK(cache.set("key", "value"));
    CHECK(cache.get("key") == "value");
    cachetory::redis_options options;
    options.port = server.port();
    options.password = "an:odd@pass/word%";
    options.database = 1;
    CHECK(cachetory::redis_backend(options).get("key") == "value");
}

TEST_CASE("a wrong password, or none, is an error with the server's words and without the password",
          "[redis]") {
    support::redis_server server({"requirepass right"});
    auto wrong = cachetory::redis_backend::from_url("redis://:s3cret@" + server.address());
    auto none = cachetory::redis_backend::from_url(server.url());
    for (const support::redis_verb& verb : support::redis_verbs()) {
        INFO(verb.name);
        const std::string said = error_of([&] { verb.call(wrong); });
        CHECK(said.starts_with("cachetory: redis server " + server.address() + ": "));
        CHECK_THAT(said, contains("WRONGPASS"));
        CHECK_THAT(said, contains(server.address()));
        CHECK_THAT(said, !contains("s3cret"));
        CHECK_THAT(error_of([&] { verb.call(none); }), contains("NOAUTH"));
    }
}

TEST_CASE("no part of a password is shown when the server does not know AUTH", "[redis]") {
    support::redis_server server(
        {"rename-command AUTH \"\""}); // it repeats the arguments, cut short
    for (const std::string& password :
         {"s3cret" + std::string(150, 'x'), std::string("s3cret\nline"), std::string("s3cret")}) {
        for (const std::string user : {"", "alice"}) {
            cachetory::redis_options options;
            options.port = server.port();
            options.user = user;
            options.password = password;
            cachetory::redis_backend cache(options);
            const std::string said = error_of([&] { return cache.find("key"); });
            CHECK_THAT(said, contains(server.address() + ": ERR: the login failed"));
            CHECK_THAT(said, !contains("s3cret"));
        }
    }
}

TEST_CASE("a server's words about a login are shown even if the password occurs in them",
          "[redis]") {
    support::redis_server open;
    support::redis_server closed({"requirepass right"});
    auto without_user = cachetory::redis_backend::from_url("redis://:password@" + open.address());
    CHECK_THAT(error_of([&] { return without_user.find("key"); }),
               contains("called without any password configured"));
    auto wrong = cachetory::redis_backend::from_url("redis://default:password@" + closed.address());
    CHECK_THAT(error_of([&] { return wrong.find("key"); }), contains("WRONGPASS invalid username"));
    auto database =
        cachetory::redis_backend::from_url("redis://:right@" + closed.address() + "/1000");
    CHECK_THAT(error_of([&] { return database.find("key"); }), contains("out of range"));
}

TEST_CASE("a user of the access control list can log in, and do only what is permitted",
          "[redis]") {
    support::redis_server server;
    server.command({"ACL", "SETUSER", "alice", "on", ">pa:ss", "~alice:*", "+@all"});
    server.command({"ACL", "SETUSER", "default", "on", "nopass"});
    auto cache = cachetory::redis_backend::from_url("redis://alice:pa%3Ass@" + server.address());
    CHECK(cache.under("alice:").set("key", "value"));
    CHECK(cache.under("alice:").get("key") == "value");
    CHECK_THAT(error_of([&] { cache.set("bob", "value"); }), contains("NOPERM"));
    CHECK(cache.under("alice:").get("key") == "value");
    CHECK(server.connections() == 1);
    auto wrong = cachetory::redis_backend::from_url("redis://alice:s3cret@" + server.address());
    CHECK_THAT(error_of([&] { return wrong.find("key"); }), contains("WRONGPASS"));
    CHECK_THAT(error_of([&] { return wrong.find("key"); }), !contains("s3cret"));
}

TEST_CASE("a user who may not begin a transaction is told so, and the connections stay",
          "[redis]") {
    support::redis_server server;
    server.command({"ACL", "SETUSER", "alice", "on", ">pass", "~*", "+@all", "-multi"});
    auto cache = cachetory::redis_backend::from_url("redis://alice:pass@" + server.address());
    cache.set("key", "value", 1h);
    const std::string client = server.clients().at(0);
    for (const std::string key : {"key", "missing"}) {
        const std::string said = error_of([&] { return cache.expire_in(key, std::nullopt); });
        CHECK_THAT(said, contains("NOPERM"));
        CHECK_THAT(said, contains("multi"));
    }
    CHECK_FALSE(cache.deadline("key").has_value()); // the server has executed PERSIST
    REQUIRE(server.connections() == 1);
    const std::string number = client.substr(0, client.find(' '));
    CHECK(server.clients()[0].starts_with(number + ' ')); // the same connection
}

TEST_CASE("a database that the server does not have is an error", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url("/1000"));
    CHECK_THAT(error_of([&] { return cache.find("key"); }), contains("out of range"));
    CHECK_THAT(error_of([&] { cache.set("key", "value"); }), contains("out of range"));
    CHECK(server.command({"DBSIZE"}) == "0");
}

TEST_CASE("a full server refuses new values, and still returns the old ones", "[redis]") {
    support::redis_server server({"maxmemory-policy noeviction"});
    auto cache = cachetory::redis_backend::from_url(server.url());
    cache.set("key", "value");
    server.command({"CONFIG", "SET", "maxmemory", "1"});
    CHECK_THAT(error_of([&] { cache.set("other", "value"); }), contains("OOM"));
    CHECK_THAT(error_of([&] { cache.get_or_set("other", [] { return "value"; }); }),
               contains("OOM"));
    CHECK(cache.get("key") == "value");
    CHECK(cache.erase("key"));
    CHECK(server.connections() == 1);
}

TEST_CASE("a replica refuses to write, and its idle connections are dropped", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    cache.set("key", "value");
    server.command({"REPLICAOF", "127.0.0.1", "1"});
    CHECK_THAT(error_of([&] { cache.set("key", "other"); }), contains("READONLY"));
    support::wait_until([&] { return server.connections() == 0; }, "for connections to be dropped");
    CHECK(cache.get("key") == "value");
    server.command({"REPLICAOF", "NO", "ONE"});
    CHECK(cache.set("key", "other"));
}

TEST_CASE("a server that is still loading says so", "[redis]") {
    support::redis_server server({"rdbcompression no"});
    auto cache = cachetory::redis_backend::from_url(server.url());
    std::vector<std::pair<std::string, std::string>> items;
    for (std::size_t i = 0; i < 200; ++i) {
        items.emplace_back(std::to_string(i), std::string(4'096, 'x'));
    }
    CHECK(cache.set_many(items) == items.size());
    CHECK(server.command({"SAVE"}) == "OK");
    server.kill();
    // 10 ms for each entry, and between them it serves others.
    server.add_options({"key-load-delay 10000", "loading-process-events-interval-bytes 1024"});
    server.start();
    CHECK_THAT(error_of([&] { return cache.get("1"); }), contains("LOADING"));
    server.command({"CONFIG", "SET", "key-load-delay", "0"});
    support::wait_until([&] { return server.info("loading") == "0"; }, "for the server to load");
    CHECK(cache.get("1") == std::string(4'096, 'x'));
}

TEST_CASE("a connection that the server closes in the middle is an error, not a signal",
          "[redis]") {
    std::signal(SIGPIPE, SIG_DFL);
    support::redis_server server({"proto-max-bulk-len 1mb"});
    // Without protection, each would raise SIGPIPE on a Unix socket, but few on TCP.
    for (const std::string& url : {"redis+unix://" + server.socket(), server.url()}) {
        auto cache = cachetory::redis_backend::from_url(url);
        cache.set("key", "value");
        for (int i = 0; i < 3; ++i) {
            CHECK(error_of([&] { return cache.set("big", std::string(20'000'000, 'x')); }) != "");
            CHECK(cache.get("key") == "value");
            CHECK_FALSE(cache.contains("big"));
        }
        std::vector<std::pair<std::string, std::string>> items(
            50, {"big", std::string(2'000'000, 'x')});
        CHECK(error_of([&] { return cache.set_many(items); }) != "");
        CHECK(cache.get("key") == "value");
    }
}
