// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_cluster.hpp"
#include "../support/redis_traffic.hpp"
#include "../support/redis_verbs.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using support::redis_cluster;
using support::redis_traffic;
using support::shared_redis_cluster;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

/// Returns `count` keys for each of four threads, all with `wanted(key)`.
template <class Wanted>
std::vector<std::vector<std::string>> keys_for_threads(std::size_t count, Wanted wanted) {
    std::vector<std::vector<std::string>> all(4);
    std::size_t number = 0;
    for (std::vector<std::string>& keys : all) {
        while (keys.size() < count) {
            std::string key = "key " + std::to_string(number++);
            if (wanted(key)) {
                keys.push_back(std::move(key));
            }
        }
    }
    return all;
}

const auto any = [](const std::string&) { return true; };

std::size_t entries(redis_cluster& cluster) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < redis_cluster::primaries; ++i) {
        sum += std::stoul(cluster.node(i).command({"DBSIZE"}));
    }
    return sum;
}

std::size_t redirections(redis_cluster& cluster) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < redis_cluster::nodes; ++i) {
        const std::string moved = cluster.node(i).info("errorstat_MOVED"); // count=N
        sum += moved.empty() ? 0 : std::stoul(moved.substr(moved.find('=') + 1));
    }
    return sum;
}

} // namespace

TEST_CASE("every verb works in a cluster", "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    for (const support::redis_verb& verb : support::redis_verbs()) {
        INFO(verb.name);
        cache.set("key", "value");
        CHECK_NOTHROW(verb.call(cache));
    }
    cache.clear();
    CHECK(cache.set("key", "value", {.time_to_live = 100s}));
    CHECK_FALSE(cache.set("key", "other", {.if_not_exists = true}));
    CHECK(cache.deadline("key").has_value());
    CHECK(cache.expire_in("key", std::nullopt));
    CHECK_FALSE(cache.deadline("key").has_value());
    CHECK(cache.touch("key", 100s) == "value");
    CHECK(cache.get_or_set("key", [] { return "made"; }) == "value");
    CHECK(cache.take("key") == "value");
    CHECK_FALSE(cache.expire_in("key", std::nullopt));
    CHECK(cache.get_or_set("key", [] { return "made"; }) == "made");
    CHECK(cache.erase("key"));
    CHECK_THROWS_AS(cache.get("key"), cachetory::key_error);
    CHECK_THROWS_AS(cache.deadline("key"), cachetory::key_error);
    CHECK(entries(cluster) == 0);
}

TEST_CASE("bulk verbs and clear reach every server of a cluster, in the order of the request",
          "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    pairs items;
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < 3'000; ++i) {
        items.emplace_back("key " + std::to_string(i), "value of " + std::to_string(i));
        keys.push_back(items.back().first);
    }
    CHECK(cache.set_many(items) == items.size());
    for (std::size_t i = 0; i < redis_cluster::primaries; ++i) {
        CHECK(std::stoi(cluster.node(i).command({"DBSIZE"})) > 500);
    }
    CHECK((pairs(cache.get_many(keys)) == items));
    CHECK(cache.under("part:").set_many(items) == items.size());
    CHECK(entries(cluster) == 6'000);
    CHECK(cache.erase_many(std::vector<std::string>(keys.begin(), keys.begin() + 1'000)) == 1'000);
    CHECK(cache.get_many(keys).size() == 2'000);
    cache.under("part:").clear();
    CHECK(entries(cluster) == 2'000);
    CHECK(cache.contains("key 2999"));
    cache.clear();
    CHECK(entries(cluster) == 0);
}

TEST_CASE("one element of another type fails a bulk verb of a cluster, and harms no later call",
          "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    cache.set_many(pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
    for (std::size_t i = 0; i < redis_cluster::primaries; ++i) {
        cluster.node(i).command({"LPUSH", "list", "element"}); // two of the three answer MOVED
    }
    CHECK_THROWS_WITH(cache.get_many({"a", "list", "b", "c", "d"}), support::contains("WRONGTYPE"));
    CHECK(pairs(cache.get_many({"d", "c", "b", "a"})) ==
          pairs{{"d", "4"}, {"c", "3"}, {"b", "2"}, {"a", "1"}});
}

TEST_CASE("a key is sent to the server that has its slot", "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const std::size_t before = redirections(cluster);
    for (const std::string key :
         {"", "{", "}", "{}", "{}a", "{}b", "{a}", "{a}b", "b{a}", "{a}{b}", "{{a}}", "a{b",
          "a}b{c}", "a{}{b}", "{a", "\xff\xfe", "\r\n", "123456789"}) {
        CHECK(cache.set(key, "value of " + key));
        CHECK(cache.get(key) == "value of " + key);
    }
    for (int i = 0; i < 500; ++i) {
        cache.set(std::to_string(i * i), "value");
        cache.under("{" + std::to_string(i) + "}").set("key", "value");
    }
    CHECK(redirections(cluster) == before);
}

TEST_CASE("a user of the access control list can log in to a cluster", "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    for (std::size_t i = 0; i < redis_cluster::nodes; ++i) {
        cluster.node(i).command({"ACL", "SETUSER", "alice", "on", ">right", "~*", "+@all"});
    }
    const std::string rest = cluster.url().substr(std::string("redis+cluster://").size());
    auto cache = cachetory::redis_backend::from_url("redis+cluster://alice:right@" + rest);
    CHECK(cache.set_many(pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}}) == 3);
    auto wrong = cachetory::redis_backend::from_url("redis+cluster://alice:s3cret@" + rest);
    CHECK_THROWS_WITH(wrong.find("a"), support::contains("WRONGPASS"));
    CHECK_THROWS_WITH(wrong.find("a"), !support::contains("s3cret"));
}

TEST_CASE("slots may move under traffic", "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const std::size_t first = redis_cluster::first_slot(1);
    const std::size_t last = first + 500;
    const auto moves = [&](const std::string& key) {
        const std::size_t slot = std::stoul(cluster.slot_of(key));
        return first <= slot && slot < last;
    };
    redis_traffic traffic(cache, keys_for_threads(8, moves), support::writes::are_kept);
    traffic.wait_for_rounds(100);
    for (std::size_t slot = first; slot < last; ++slot) {
        cluster.move_slot(slot, 1, 2);
    }
    traffic.wait_for_rounds(100);
    traffic.stop();
    INFO(traffic.last_error());
    CHECK(traffic.errors() == 0);
    CHECK(traffic.wrong_answers() == 0);
}

TEST_CASE("a planned failover of a cluster leads to no wrong answer", "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    redis_traffic traffic(cache, keys_for_threads(8, any), support::writes::may_be_lost);
    traffic.wait_for_rounds(100);
    cluster.fail_over_to(3);
    traffic.wait_for_rounds(100);
    const std::size_t errors = traffic.errors();
    traffic.wait_for_rounds(500);
    CHECK(traffic.errors() == errors); // it has found the new primary
    traffic.stop();
    INFO(traffic.last_error());
    CHECK(traffic.wrong_answers() == 0);
}

TEST_CASE("after a cluster has lost a primary, the same object works again", "[cluster]") {
    redis_cluster& cluster = shared_redis_cluster();
    auto cache = cachetory::redis_backend::from_url(cluster.url());
    const std::size_t descriptors = support::open_descriptors();
    {
        redis_traffic traffic(cache, keys_for_threads(8, any), support::writes::may_be_lost);
        traffic.wait_for_rounds(100);
        cluster.node(1).kill();
        support::wait_until([&] { return cluster.is_primary(4); }, "for a replica to take over");
        traffic.wait_for_calm(100); // before the old primary is back
        cluster.node(1).start();
        cluster.wait_until_whole();
        traffic.wait_for_rounds(100);
        const std::size_t errors = traffic.errors();
        traffic.wait_for_rounds(500);
        CHECK(traffic.errors() == errors);
        traffic.stop();
        INFO(traffic.last_error());
        CHECK(errors > 0); // otherwise nobody has called the primary that was killed
        CHECK(traffic.wrong_answers() == 0);
    }
    pairs items;
    for (std::size_t i = 0; i < 1'000; ++i) {
        items.emplace_back("new key " + std::to_string(i), "value");
    }
    CHECK(cache.set_many(items) == items.size());
    cache = cachetory::redis_backend();
    CHECK(support::open_descriptors() == descriptors);
}
