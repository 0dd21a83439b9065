// SPDX-License-Identifier: MIT
// redis_backend beside calls of hiredis, on a server that this program starts and ends.
#include "../tests/support/redis_server.hpp"
#include "workload.hpp"

#include <cachetory/redis_backend.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hiredis/hiredis.h>

namespace bench {
namespace {

/// The server, both clients, and 64 entries with values of 100 bytes.
class redis {
public:
    redis() {
        for (int i = 0; i != 64; ++i) {
            keys.push_back("user:" + std::to_string(10'000 + i));
            ours.set(keys.back(), value, one_hour);
        }
    }

    /// Sends `GET`, and copies the answer.
    std::string raw_get(const std::string& key) const {
        return take(redisCommand(raw.get(), "GET %b", key.data(), key.size()));
    }

    void raw_set(const std::string& key) const {
        take(redisCommand(raw.get(), "SET %b %b PX %d", key.data(), key.size(), value.data(),
                          value.size(), 3'600'000));
    }

    /// Sends a `GET` for each key at once.
    std::size_t raw_pipeline() const {
        for (const std::string& key : keys) {
            redisAppendCommand(raw.get(), "GET %b", key.data(), key.size());
        }
        std::size_t bytes = 0;
        for (std::size_t i = 0; i != keys.size(); ++i) {
            void* answer = nullptr;
            redisGetReply(raw.get(), &answer);
            bytes += take(answer).size();
        }
        return bytes;
    }

    static constexpr std::chrono::hours one_hour{1};
    const std::string value = std::string(100, 'v');
    std::vector<std::string> keys;
    support::redis_server server;
    cachetory::redis_backend ours = cachetory::redis_backend::from_url(server.url());

private:
    struct closing {
        void operator()(redisContext* context) const { redisFree(context); }
    };

    static std::string take(void* answer) {
        auto* const reply = static_cast<redisReply*>(answer);
        if (reply == nullptr) {
            throw std::runtime_error("the server has not answered");
        }
        std::string text(reply->str, reply->len);
        freeReplyObject(reply);
        return text;
    }

    std::unique_ptr<redisContext, closing> raw{redisConnect("127.0.0.1", server.port())};
};

/// `ask(redis, key)` returns how many bytes it has got. The server has a part in the time: real
/// time.
template <class Ask>
void add(const std::shared_ptr<std::unique_ptr<redis>>& shared,
         std::string_view operation,
         std::string_view contender,
         std::size_t bytes_of_each,
         Ask ask) {
    add_benchmark(
        name(operation, {12, 64}, 100, contender),
        [=](benchmark::State& state) {
            if (*shared == nullptr) {
                *shared = std::make_unique<redis>();
            }
            redis& both = **shared;
            std::size_t bytes = 0;
            std::size_t i = 0;
            for (auto _ : state) {
                bytes += ask(both, both.keys[i++ % both.keys.size()]);
            }
            if (bytes != bytes_of_each * std::size_t(state.iterations())) {
                state.SkipWithError("the answers were not those expected");
            }
        },
        [](auto& added) { added.UseRealTime(); });
}

} // namespace

void add_redis() {
    const auto shared = std::make_shared<std::unique_ptr<redis>>();
    add(shared, "redis_get", "ours", 100,
        [](redis& both, const std::string& key) { return both.ours.get(key).size(); });
    add(shared, "redis_get", "raw", 100,
        [](redis& both, const std::string& key) { return both.raw_get(key).size(); });
    add(shared, "redis_set", "ours", 0, [](redis& both, const std::string& key) {
        both.ours.set(key, both.value, redis::one_hour);
        return std::size_t(0);
    });
    add(shared, "redis_set", "raw", 0, [](redis& both, const std::string& key) {
        both.raw_set(key);
        return std::size_t(0);
    });
    add(shared, "redis_get_64", "ours_get_many", 6400, [](redis& both, const std::string&) {
        std::size_t bytes = 0;
        for (const auto& found : both.ours.get_many(both.keys)) {
            bytes += found.second.size();
        }
        return bytes;
    });
    add(shared, "redis_get_64", "raw_pipeline", 6400,
        [](redis& both, const std::string&) { return both.raw_pipeline(); });
    add(shared, "redis_get_64", "ours_gets", 6400, [](redis& both, const std::string&) {
        std::size_t bytes = 0;
        for (const std::string& key : both.keys) {
            bytes += both.ours.get(key).size();
        }
        return bytes;
    });
}

} // namespace bench
