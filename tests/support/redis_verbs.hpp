// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_REDIS_VERBS_HPP
#define CACHETORY_TESTS_SUPPORT_REDIS_VERBS_HPP

#include <cachetory/redis_backend.hpp>

#include "redis_server.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// A verb of the backend, with arguments.
struct redis_verb {
    std::string name;
    std::function<void(cachetory::redis_backend&)> call;
    bool needs_entry = false; ///< It throws `key_error` unless "key" is there.

    /// Stores what it needs on `server`, then calls it.
    void call_on(cachetory::redis_backend& cache, redis_server& server) const {
        if (needs_entry) {
            server.command({"SET", "key", "value"});
        }
        call(cache);
    }
};

/// Every verb. A verb that sends different commands for different arguments is listed once for
/// each.
inline const std::vector<redis_verb>& redis_verbs() {
    using namespace std::chrono_literals;
    using cache = cachetory::redis_backend;
    using items = std::vector<std::pair<std::string, std::string>>;
    static const std::vector<redis_verb> all{
        {"get", [](cache& c) { static_cast<void>(c.get("key")); }, true},
        {"find", [](cache& c) { static_cast<void>(c.find("key")); }},
        {"contains", [](cache& c) { static_cast<void>(c.contains("key")); }},
        {"deadline", [](cache& c) { static_cast<void>(c.deadline("key")); }, true},
        {"get_many",
         [](cache& c) {
             static_cast<void>(c.get_many({"key", "other"}));
         }},
        {"take", [](cache& c) { static_cast<void>(c.take("key")); }},
        {"touch", [](cache& c) { static_cast<void>(c.touch("key", 10s)); }},
        {"touch, forever", [](cache& c) { static_cast<void>(c.touch("key", std::nullopt)); }},
        {"touch, over", [](cache& c) { static_cast<void>(c.touch("key", 0s)); }},
        {"set", [](cache& c) { c.set("key", "value"); }},
        {"set, for a time", [](cache& c) { c.set("key", "value", {.time_to_live = 10s}); }},
        {"set, over", [](cache& c) { c.set("key", "value", {.time_to_live = 0s}); }},
        {"set, if_not_exists", [](cache& c) { c.set("key", "value", {.if_not_exists = true}); }},
        {"set, over, if_not_exists",
         [](cache& c) { c.set("key", "value", {.time_to_live = 0s, .if_not_exists = true}); }},
        {"set_many",
         [](cache& c) {
             c.set_many(items{{"key", "1"}, {"other", "2"}});
         }},
        {"get_or_set", [](cache& c) { c.get_or_set("key", [] { return "value"; }); }},
        {"get_or_set, for a time",
         [](cache& c) {
             c.get_or_set(
                 "key", [] { return "value"; }, 10s);
         }},
        {"expire_in", [](cache& c) { c.expire_in("key", 10s); }},
        {"expire_in, forever", [](cache& c) { c.expire_in("key", std::nullopt); }},
        {"expire_in, over", [](cache& c) { c.expire_in("key", -1s); }},
        {"expire_at",
         [](cache& c) {
             c.expire_at("key", std::optional(std::chrono::system_clock::now() + 10s));
         }},
        {"expire_at, forever", [](cache& c) { c.expire_at("key", std::nullopt); }},
        {"expire_at, over",
         [](cache& c) { c.expire_at("key", std::optional(cache::time_point())); }},
        {"erase", [](cache& c) { c.erase("key"); }},
        {"erase_many",
         [](cache& c) {
             c.erase_many({"key", "other"});
         }},
        {"clear", [](cache& c) { c.clear(); }},
        {"clear, with a prefix", [](cache& c) { c.under("prefix:").clear(); }},
    };
    return all;
}

/// Calls `call` until it ends without a `backend_error`, and returns its result: a busy machine may
/// take longer than a short timeout.
template <class Call>
auto patiently(Call call) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        try {
            return call();
        } catch (const cachetory::backend_error&) {
        }
    }
    return call();
}

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

} // namespace support

#endif
