// SPDX-License-Identifier: MIT
// redis_backend compared with direct calls of hiredis, on servers that this program starts and
// stops.
#include "../tests/support/redis_cluster.hpp"
#include "../tests/support/redis_server.hpp"
#include "workload.hpp"

#include <cachetory/redis_backend.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hiredis/hiredis.h>

namespace bench {
namespace {

struct one_server {
    std::string url() const { return server.url(); }
    int port_for(const std::string&) const { return server.port(); }

    support::redis_server server;
};

/// Three primaries and their replicas.
struct whole_cluster {
    std::string url() const { return cluster.url(); }

    int port_for(const std::string& key) {
        std::size_t primary = 0;
        while (std::stoul(cluster.slot_of(key)) >= cluster.first_slot(primary + 1)) {
            ++primary;
        }
        return cluster.node(primary).port();
    }

    support::redis_cluster cluster;
};

/// `Servers`, both clients, and 64 entries with values of 100 bytes.
template <class Servers>
class redis {
public:
    redis() {
        for (int i = 0; i != 64; ++i) {
            keys.push_back("user:" + std::to_string(10'000 + i));
            ours.set(keys.back(), value, one_hour);
            std::unique_ptr<redisContext, closing>& raw = raw_[servers.port_for(keys.back())];
            if (raw == nullptr) {
                raw.reset(redisConnect("127.0.0.1", servers.port_for(keys.back())));
            }
            homes_.push_back(raw.get());
        }
    }

    /// Sends `GET`, and copies the answer.
    std::string raw_get(std::size_t i) const {
        return take(redisCommand(homes_[i], "GET %b", keys[i].data(), keys[i].size()));
    }

    void raw_set(std::size_t i) const {
        take(redisCommand(homes_[i], "SET %b %b PX %d", keys[i].data(), keys[i].size(),
                          value.data(), value.size(), 3'600'000));
    }

    /// Sends a `GET` for each key at once.
    std::size_t raw_pipeline() const {
        for (std::size_t i = 0; i != keys.size(); ++i) {
            redisAppendCommand(homes_[i], "GET %b", keys[i].data(), keys[i].size());
        }
        for (const auto& [port, raw] : raw_) { // to all nodes before any answer is read
            int done = 0;
            while (done == 0 && redisBufferWrite(raw.get(), &done) == REDIS_OK) {
            }
        }
        std::size_t bytes = 0;
        for (std::size_t i = 0; i != keys.size(); ++i) {
            void* answer = nullptr;
            redisGetReply(homes_[i], &answer);
            bytes += take(answer).size();
        }
        return bytes;
    }

    static constexpr std::chrono::hours one_hour{1};
    const std::string value = std::string(100, 'v');
    std::vector<std::string> keys;
    Servers servers;
    cachetory::redis_backend ours = cachetory::redis_backend::from_url(servers.url());

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

    std::map<int, std::unique_ptr<redisContext, closing>> raw_; // by port
    std::vector<redisContext*> homes_; // the connection to the node of each key
};

template <class Servers>
using shared_redis = std::shared_ptr<std::unique_ptr<redis<Servers>>>;

/// `ask(redis, i)` asks for the i-th key and returns how many bytes it received. Real time is
/// measured, because the server takes part of it.
template <class Servers, class Ask>
void add(const shared_redis<Servers>& shared,
         std::string_view operation,
         std::string_view contender,
         std::size_t bytes_of_each,
         Ask ask) {
    add_benchmark(
        name(operation, {12, 64}, 100, contender),
        [=](benchmark::State& state) {
            if (*shared == nullptr) {
                *shared = std::make_unique<redis<Servers>>();
            }
            redis<Servers>& both = **shared;
            std::size_t bytes = 0;
            std::size_t i = 0;
            for (auto _ : state) {
                bytes += ask(both, i++ % both.keys.size());
            }
            if (bytes != bytes_of_each * std::size_t(state.iterations())) {
                state.SkipWithError("the answers were not those expected");
            }
        },
        [](auto& added) { added.UseRealTime(); });
}

template <class Servers>
void add_gets(const shared_redis<Servers>& shared, const std::string& where) {
    add(shared, where + "_get", "ours", 100,
        [](auto& both, std::size_t i) { return both.ours.get(both.keys[i]).size(); });
    add(shared, where + "_get", "raw", 100,
        [](auto& both, std::size_t i) { return both.raw_get(i).size(); });
    add(shared, where + "_get_64", "ours_get_many", 6400, [](auto& both, std::size_t) {
        std::size_t bytes = 0;
        for (const auto& found : both.ours.get_many(both.keys)) {
            bytes += found.second.size();
        }
        return bytes;
    });
    add(shared, where + "_get_64", "raw_pipeline", 6400,
        [](auto& both, std::size_t) { return both.raw_pipeline(); });
    add(shared, where + "_get_64", "ours_gets", 6400, [](auto& both, std::size_t) {
        std::size_t bytes = 0;
        for (const std::string& key : both.keys) {
            bytes += both.ours.get(key).size();
        }
        return bytes;
    });
}

} // namespace

void add_redis() {
    const auto one = std::make_shared<std::unique_ptr<redis<one_server>>>();
    add_gets(one, "redis");
    add(one, "redis_set", "ours", 0, [](auto& both, std::size_t i) {
        both.ours.set(both.keys[i], both.value, both.one_hour);
        return std::size_t(0);
    });
    add(one, "redis_set", "raw", 0, [](auto& both, std::size_t i) {
        both.raw_set(i);
        return std::size_t(0);
    });
    add_gets(std::make_shared<std::unique_ptr<redis<whole_cluster>>>(), "cluster");
}

} // namespace bench
