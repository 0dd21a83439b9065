// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_server.hpp"

#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Runs `work` in a forked child. Returns the exit status of the child.
template <class Work>
int in_child(Work work) {
    std::cout.flush(); // otherwise the child writes it again when it exits
    const pid_t child = ::fork();
    if (child == 0) {
        work();
        ::_exit(99);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The number of the only client that `server` has.
std::string only_client(const support::redis_server& server) {
    const std::vector<std::string> clients = server.clients();
    return clients.size() == 1 ? clients[0].substr(0, clients[0].find(' ')) : "";
}

} // namespace

TEST_CASE("a forked child never sends anything on its parent's connection", "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    cache.set("key", "value");
    const std::string connection = only_client(server);
    REQUIRE_FALSE(connection.empty());
    for (int i = 0; i < 3; ++i) {
        CHECK(in_child([&] {
                  bool good = cache.get("key") == "value" && cache.set("child", "here");
                  good = good && server.connections() == 2; // the parent's, and its own
                  {
                      cachetory::redis_backend copy = cache;
                      good = good && copy.get("child") == "here";
                  }
                  ::_exit(good ? 7 : 1);
              }) == 7);
        CHECK(cache.get("key") == "value");
        CHECK(cache.take("child") == "here");
        CHECK(only_client(server) == connection); // still the same connection
    }
}

TEST_CASE("a child that drops its copy of a backend leaves the parent's connection open",
          "[redis]") {
    support::redis_server server;
    auto cache = cachetory::redis_backend::from_url(server.url());
    cache.set("key", "value");
    const std::string connection = only_client(server);
    CHECK(in_child([&] {
              cache = cachetory::redis_backend();
              ::_exit(7);
          }) == 7);
    CHECK(cache.get("key") == "value");
    CHECK(only_client(server) == connection);
}

TEST_CASE("a backend may live until the end of the program", "[redis]") {
    support::redis_server server;
    const std::string url = server.url();
    CHECK(in_child([&] {
              static auto cache = cachetory::redis_backend::from_url(url);
              cache.set("key", "value");
              std::thread([] { cache.set("another", "value"); }).join();
              std::exit(cache.get("key") == "value" ? 7 : 1);
          }) == 7);
    CHECK(server.command({"GET", "key"}) == "value");
    support::wait_until([&] { return server.connections() == 0; }, "for the connection to close");
}
