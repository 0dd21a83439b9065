// SPDX-License-Identifier: MIT
//
// Who is logged in: a session lives until its user has made no request for half an hour. The same
// code keeps the sessions in this process or on a Redis server, as the URL says:
//
//     session_store memory://
//     session_store redis://127.0.0.1:6379
#include <cachetory/backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/redis_backend.hpp>
#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <random>
#include <string>
#include <string_view>

namespace {

constexpr std::chrono::minutes most_idle{30};

/// An id that nobody can guess.
std::string make_id() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

/// Begins a session and returns its id.
std::string log_in(cachetory::backend auto& sessions, const std::string& user) {
    std::string id = make_id();
    while (!sessions.set(id, user, {.time_to_live = most_idle, .if_not_exists = true})) {
        id = make_id();
    }
    return id;
}

/// Answers one request. The half hour then begins again: `touch` looks the session up and moves its
/// deadline in one step, so the session cannot end in between.
void answer(cachetory::backend auto& sessions, std::string_view id) {
    if (const auto user = sessions.touch(id, most_idle)) {
        fmt::print("Hello, {}!\n", *user);
    } else {
        fmt::print("Please log in.\n");
    }
}

void serve(cachetory::backend auto& sessions) {
    const std::string ada = log_in(sessions, "Ada");
    const std::string ben = log_in(sessions, "Ben");
    answer(sessions, ada);
    answer(sessions, ben);
    answer(sessions, "a guess");

    sessions.erase(ben); // logs out
    answer(sessions, ben);
    answer(sessions, ada);
    sessions.erase(ada);
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view url = argc > 1 ? argv[1] : "memory://";
    try {
        if (url.starts_with("redis")) {
            auto sessions = cachetory::redis_backend::from_url(url).under("session:");
            serve(sessions);
        } else {
            auto sessions = cachetory::memory_backend<std::string>::from_url(url);
            serve(sessions);
        }
        return 0;
    } catch (const std::exception& error) { // an invalid URL, or a server that cannot be reached
        fmt::print(stderr, "session_store: {}\n", error.what());
        return 1;
    }
}
