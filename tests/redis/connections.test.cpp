// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"
#include "../support/redis_verbs.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using support::contains;

TEST_CASE(
    "a backend connects when it is first called, and calls one after another share a connection",
    "[redis]") {
    support::redis_server server;
    cachetory::redis_backend cache = cachetory::redis_backend::from_url(server.url());
    CHECK(server.connections() == 0);
    cache.set("key", "value");
    const std::string client = server.clients().at(0);
    cachetory::redis_backend copy = cache;
    cachetory::redis_backend part = copy.under("part:");
    for (int i = 0; i < 100; ++i) {
        CHECK(cache.get("key") == "value");
        CHECK(copy.get("key") == "value");
        part.set("key", "value");
    }
    REQUIRE(server.connections() == 1);
    const std::string number = client.substr(0, client.find(' '));
    CHECK(server.clients()[0].starts_with(number + ' ')); // the same connection
}

TEST_CASE("a Unix socket works like an address", "[redis]") {
    support::redis_server server;
    cachetory::redis_options options;
    options.host = server.socket();
    options.database = 2;
    cachetory::redis_backend cache(options);
    cache.set("key", "value");
    auto other = cachetory::redis_backend::from_url("redis+unix://" + server.socket() + "?db=2");
    CHECK(other.get("key") == "value");
    CHECK(server.command({"INFO", "keyspace"}).find("db2:keys=1") != std::string::npos);
}

TEST_CASE("the last copy closes the connections", "[redis]") {
    support::redis_server server;
    {
        cachetory::redis_backend copy;
        {
            auto cache = cachetory::redis_backend::from_url(server.url());
            cache.set("key", "value");
            copy = cache;
        }
        CHECK(server.connections() == 1);
        CHECK(copy.get("key") == "value");
    }
    support::wait_until([&] { return server.connections() == 0; }, "for the connection to close");
}

TEST_CASE("without a server, every verb throws an error that names the address", "[redis]") {
    const std::string address = "127.0.0.1:" + std::to_string(support::free_port());
    for (const support::redis_verb& verb : support::redis_verbs()) {
        INFO(verb.name);
        auto cache = cachetory::redis_backend::from_url("redis://" + address);
        CHECK_THROWS_AS(verb.call(cache), cachetory::backend_error);
        CHECK_THROWS_WITH(verb.call(cache), contains(address));
    }
    auto cache = cachetory::redis_backend::from_url("redis+unix:///nowhere/socket");
    CHECK_THROWS_WITH(cache.find("key"), contains("/nowhere/socket"));
    const std::string path = "/" + std::string(200, 'p');
    auto too_long = cachetory::redis_backend::from_url("redis+unix://" + path);
    CHECK_THROWS_WITH(too_long.find("key"), contains(path) && contains("too long"));
    auto unknown = cachetory::redis_backend::from_url("redis://name.invalid");
    CHECK_THROWS_WITH(unknown.find("key"), contains("name.invalid"));
}

TEST_CASE("a bulk verb of nothing needs no server", "[redis]") {
    auto cache = cachetory::redis_backend::from_url("redis://127.0.0.1:" +
                                                    std::to_string(support::free_port()));
    const std::vector<std::string> none;
    CHECK(cache.get_many(none).empty());
    CHECK(cache.erase_many(none) == 0);
    CHECK(cache.set_many(std::vector<std::pair<std::string, std::string>>()) == 0);
}

TEST_CASE("a server that restarts while its connections are idle costs no error", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (const support::redis_verb& verb : support::redis_verbs()) {
        cache.set("warm", "up");
        server.restart();
        INFO(verb.name);
        CHECK_NOTHROW(verb.call_on(cache, server));
    }
}

TEST_CASE("a server that closes idle connections costs no error", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (int i = 0; i < 20; ++i) {
        cache.set("key", std::to_string(i));
        server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        CHECK(cache.get("key") == std::to_string(i));
    }
}

TEST_CASE("a server that comes back is used again", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    cache.set("key", "value");
    server.kill();
    CHECK_THROWS_AS(cache.get("key"), cachetory::backend_error);
    CHECK_THROWS_AS(cache.set("key", "value"), cachetory::backend_error);
    server.start();
    CHECK(cache.find("key") == std::nullopt);
    CHECK(cache.set("key", "value"));
    CHECK(cache.get("key") == "value");
}

TEST_CASE("a server killed in the middle of a call soon causes an error", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    cache.set("key", "value");
    server.pause(); // so that the call has not ended when the server is killed
    std::string error;
    std::thread caller([&] {
        try {
            static_cast<void>(cache.get("key"));
        } catch (const cachetory::backend_error& e) {
            error = e.what();
        }
    });
    std::this_thread::sleep_for(50ms);
    server.kill();
    caller.join();
    CHECK_THAT(error, contains(server.address()));
    server.start();
    CHECK(cache.find("key") == std::nullopt);
}

TEST_CASE("a silent server is an error after the timeout, and its late answers reach nobody",
          "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=60"));
    const auto value = [&](int i) {
        return support::patiently([&] { return cache.get(std::to_string(i)); });
    };
    for (int i = 0; i < 10; ++i) {
        server.command({"SET", std::to_string(i), "value of " + std::to_string(i)});
    }
    for (int round = 0; round < 2; ++round) {
        CHECK(value(0) == "value of 0"); // so that there is an idle connection
        server.pause();
        CHECK_THROWS_WITH(cache.get("0"), contains("timed out"));
        CHECK_THROWS_WITH(cache.get_many({"1", "2", "3"}), contains("timed out"));
        CHECK_THROWS_WITH(cache.touch("4", 100s), contains("timed out"));
        CHECK_THROWS_WITH(cache.set("9", "late"), contains("timed out"));
        server.resume();
        for (int i = 0; i < 9; ++i) {
            CHECK(value(i) == "value of " + std::to_string(i));
        }
    }
    CHECK(support::patiently([&] { return cache.get_many({"5", "6", "7"}).size(); }) == 3);
}

TEST_CASE("a server that reads nothing is an error after the timeout", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=60"));
    support::patiently([&] { return cache.set("key", "value"); });
    server.pause();
    // More than the buffers of a connection hold.
    CHECK_THROWS_WITH(cache.set("key", std::string(64'000'000, 'v')), contains("timed out"));
    server.resume();
    CHECK(support::patiently([&] { return cache.get("key"); }) == "value");
}

TEST_CASE("a call waits for as long as the timeout", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=50"));
    support::patiently([&] { return cache.set("key", "value"); });
    server.pause();
    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(cache.get("key"), cachetory::backend_error); // the idle connection
    CHECK_THROWS_AS(cache.get("key"), cachetory::backend_error); // a new one
    CHECK(std::chrono::steady_clock::now() - begin >= 90ms);
    server.resume();
}

TEST_CASE("nothing leaks a descriptor", "[redis]") {
    support::redis_server server;
    server.command({"PING"});
    const std::size_t before = support::open_descriptors();
    {
        auto cache = cachetory::redis_backend::from_url(server.url());
        auto hasty = cachetory::redis_backend::from_url(server.url("?timeout=50"));
        auto nobody = cachetory::redis_backend::from_url("redis://127.0.0.1:" +
                                                         std::to_string(support::free_port()));
        auto wrong_password = cachetory::redis_backend::from_url(
            "redis://:wrong@" + server.address() + "?timeout=5000");
        auto outside = cachetory::redis_backend::from_url(server.url("/1000"));
        for (const support::redis_verb& verb : support::redis_verbs()) {
            CHECK_NOTHROW(verb.call_on(cache, server));
            CHECK_THROWS_AS(verb.call(nobody), cachetory::backend_error);
            CHECK_THROWS_AS(verb.call(wrong_password), cachetory::backend_error);
            CHECK_THROWS_AS(verb.call(outside), cachetory::backend_error);
        }
        server.pause();
        for (int i = 0; i < 3; ++i) {
            CHECK_THROWS_AS(hasty.get("key"), cachetory::backend_error);
        }
        server.resume();
        CHECK(support::open_descriptors() <= before + 5); // no more than one for each backend
    }
    CHECK(support::open_descriptors() == before);
}
