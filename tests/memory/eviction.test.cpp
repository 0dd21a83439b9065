// SPDX-License-Identifier: MIT
// The policy itself: which victim it finds, and how many entries it looks at.
#include <cachetory/detail/eviction.hpp>
#include <cachetory/memory_backend.hpp>

#include "../support/catch.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using cachetory::bounded;
using cachetory::string_hash;
using cachetory::detail::eviction;
using cachetory::detail::table_cursor;
using cachetory::detail::worth;
using hasher = cachetory::detail::hash_once<string_hash>;

struct entry : worth<bounded> {
    bool deadline = false; ///< Whether it is expired.
};

/// A moment that counts the entries that are looked at.
struct counting_moment {
    bool has_passed(bool expired) {
        ++looks;
        return expired;
    }

    int looks = 0;
};

using map = std::
    unordered_map<std::string, entry, hasher, cachetory::detail::equal_keys_or_hashes<string_hash>>;

map filled(int entries, unsigned char lives) {
    map all;
    for (int i = 0; i != entries; ++i) {
        all[std::to_string(i)].lives = lives;
    }
    return all;
}

} // namespace

TEST_CASE("an insertion among entries that have all been used looks at 17 of them",
          "[bound][promise-16]") {
    const unsigned char lives = GENERATE(worth<bounded>::most_lives, worth<bounded>::newcomer);
    map all = filled(1'000'000, lives);
    eviction<bounded> policy(all.size());
    policy.allocate();
    table_cursor hand;
    const hasher hash = all.hash_function();
    for (int i = 0; i != 100; ++i) {
        counting_moment now;
        const auto victim = policy.find_victim(all, hand, hash, now);
        CHECK(now.looks == 17);
        all.erase(victim.entry);
    }
}

TEST_CASE("an insertion with a full queue looks at 18 entries at most", "[bound][promise-16]") {
    map all = filled(1000, worth<bounded>::most_lives);
    eviction<bounded> policy(all.size());
    policy.allocate();
    const hasher hash = all.hash_function();
    for (int i = 0; i != 100; ++i) {
        policy.enqueue(hash(std::to_string(i)));
    }
    table_cursor hand;
    counting_moment now;
    CHECK(policy.find_victim(all, hand, hash, now).entry != all.end());
    CHECK(now.looks == 18); // the oldest newcomer has been used meanwhile
}

TEST_CASE("the oldest newcomer is evicted if it has not been used", "[bound][promise-16]") {
    map all = filled(100, 0);
    eviction<bounded> policy(all.size());
    policy.allocate();
    const hasher hash = all.hash_function();
    for (int i = 0; i != 10; ++i) {
        all.at(std::to_string(i)).lives = worth<bounded>::newcomer;
        policy.enqueue(hash(std::to_string(i)));
    }
    table_cursor hand;
    counting_moment now;
    const auto first = policy.find_victim(all, hand, hash, now);
    CHECK(first.entry->first == "0");
    CHECK(first.leaves_ghost);
    CHECK(now.looks == 1);
    policy.forget_oldest();
    CHECK(policy.find_victim(all, hand, hash, now).entry->first != "1"); // the queue is not full
    policy.enqueue(hash("another"));
    all.at("1").deadline = true;
    all.at("1").use();
    const auto second = policy.find_victim(all, hand, hash, now);
    CHECK(second.entry->first == "1"); // used, but expired
    CHECK_FALSE(second.leaves_ghost);
}

TEST_CASE("two newcomers with the same hash do no harm", "[bound][promise-16]") {
    struct constant {
        using is_transparent = void;
        std::size_t operator()(std::string_view) const { return 42; }
    };
    cachetory::bounded_memory_backend<int, std::chrono::steady_clock, constant> cache(20);
    for (int i = 0; i != 200; ++i) {
        const std::string key = std::to_string(i);
        cache.set(key, i);
        REQUIRE(cache.get(key) == i);
        REQUIRE(cache.size() <= 20);
    }
    int found = 0;
    cache.for_each([&](std::string_view key, int& value) {
        CHECK(key == std::to_string(value));
        ++found;
    });
    CHECK(found == 20);
}

TEST_CASE("a look-up by hash finds no other key in its bucket", "[bound]") {
    // libstdc++ does not keep a noexcept hash in the nodes. A look-up by hash then compares with
    // every key in the bucket.
    struct quick final {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    using table = std::unordered_map<std::string, int, cachetory::detail::hash_once<quick>,
                                     cachetory::detail::equal_keys_or_hashes<quick>>;
    table all;
    for (int i = 0; i != 10'000; ++i) {
        all[std::to_string(i)] = i;
    }
    const auto hash = all.hash_function();
    for (int i = 0; i != 10'000; ++i) {
        const std::string key = std::to_string(i);
        const auto found = all.find(cachetory::detail::hash_of<quick>{hash(key), &hash});
        REQUIRE(found != all.end());
        REQUIRE(found->second == i);
    }
    cachetory::bounded_memory_backend<int, std::chrono::steady_clock, quick> cache(1000);
    for (int i = 0; i != 10'000; ++i) {
        cache.set(std::to_string(i), i);
        REQUIRE(cache.get(std::to_string(i)) == i);
    }
    CHECK(cache.size() == 1000);
}
