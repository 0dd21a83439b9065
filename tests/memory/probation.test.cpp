// SPDX-License-Identifier: MIT
// What takes an entry of a full cache out of probation, and how an entry starts if its key comes
// back.
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>

#include "../support/catch.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using clock_type = cachetory::manual_clock;

constexpr std::size_t entries = 500; // of which the newest 50 are on probation

/// A full cache whose entries have not been used.
template <class Backend>
class full_cache {
public:
    full_cache() { add(2 * entries); }

    /// Stores `count` keys that are never asked for.
    void add(std::size_t count) {
        for (std::size_t i = 0; i != count; ++i) {
            cache.set("other:" + std::to_string(added_++), 0);
        }
    }

    /// Ends the probation of all entries that are on probation now.
    void end_probation() { add(60); }

    Backend cache = make();

private:
    static Backend make() {
        const cachetory::string_hash hash({0x9e37'79b9'7f4a'7c15U, 0xbf58'476d'1ce4'e5b9U,
                                           0x94d0'49bb'1331'11ebU, 0xd1b5'4a32'd192'ed03U});
        if constexpr (std::movable<Backend>) {
            return Backend(entries, hash);
        } else {
            return Backend(entries, 1, hash); // one shard
        }
    }

    std::size_t added_ = 0;
};

using alone = cachetory::bounded_memory_backend<int, clock_type>;
using shared = cachetory::bounded_concurrent_memory_backend<int, clock_type>;

/// Whether an entry survives its probation if `use(cache)` is called during it.
template <class Backend>
bool survives(auto use) {
    full_cache<Backend> full;
    full.cache.set("it", 1, 1h);
    use(full.cache);
    full.end_probation();
    return full.cache.contains("it");
}

} // namespace

TEMPLATE_TEST_CASE("every operation that finds an entry by its key counts as a use",
                   "",
                   alone,
                   shared) {
    using backend = TestType;
    const auto used = [](auto use) { return survives<backend>(use); };

    CHECK_FALSE(used([](backend&) {}));

    CHECK(used([](backend& cache) { (void)cache.get("it"); }));
    CHECK(used([](backend& cache) { (void)cache.find("it"); }));
    CHECK(used([](backend& cache) { (void)cache.contains("it"); }));
    CHECK(used([](backend& cache) { (void)cache.deadline("it"); }));
    CHECK(used([](backend& cache) { (void)cache.get_many({"it"}); }));
    CHECK(used([](backend& cache) { (void)cache.touch("it", 1h); }));
    CHECK(used([](backend& cache) { cache.visit("it", [](int) {}); }));
    CHECK(used([](backend& cache) { cache.set("it", 2); }));
    CHECK(used([](backend& cache) { cache.set("it", 2, {.if_not_exists = true}); }));
    CHECK(used([](backend& cache) { cache.set_many({{"it", 2}}); }));
    CHECK(used([](backend& cache) { cache.set_many({{"it", 2}}, {.if_not_exists = true}); }));
    CHECK(used([](backend& cache) { (void)cache.get_or_set("it", [] { return 2; }); }));
    CHECK(used([](backend& cache) { cache.set_or_visit("it", 2, [](int) {}); }));
    CHECK(used([](backend& cache) { cache.expire_at("it", std::nullopt); }));
    CHECK(used([](backend& cache) { cache.expire_in("it", 2h); }));
}

TEMPLATE_TEST_CASE("operations on all entries do not count as uses", "", alone, shared) {
    using backend = TestType;
    const auto used = [](auto use) { return survives<backend>(use); };

    CHECK_FALSE(used([](backend& cache) { cache.for_each([](std::string_view, int) {}); }));
    CHECK_FALSE(
        used([](backend& cache) { cache.erase_if([](std::string_view, int) { return false; }); }));
    CHECK_FALSE(used([](backend& cache) { cache.purge_expired(); }));
    if constexpr (std::copyable<backend>) {
        CHECK_FALSE(used([](backend& cache) { cache = backend(cache); }));
    }
}

TEMPLATE_TEST_CASE("an evicted key that comes back is not on probation", "", alone, shared) {
    full_cache<TestType> full;
    int stayed = 0;
    for (int i = 0; i != 20; ++i) {
        const std::string key = "it:" + std::to_string(i);
        full.cache.set(key, 1);
        full.end_probation();
        REQUIRE_FALSE(full.cache.contains(key));
        full.cache.set(key, 1);
        full.end_probation();
        stayed += full.cache.contains(key) ? 1 : 0;
    }
    CHECK(stayed >= 14); // a few ghosts are overwritten by others
}

TEMPLATE_TEST_CASE("an erased or expired key that comes back is on probation", "", alone, shared) {
    clock_type::set({});
    full_cache<TestType> full;
    int stayed = 0;
    for (int i = 0; i != 20; ++i) {
        const std::string erased = "erased:" + std::to_string(i);
        full.cache.set(erased, 1);
        full.cache.erase(erased);
        full.add(1); // full again
        full.cache.set(erased, 1);
        full.end_probation();
        stayed += full.cache.contains(erased) ? 1 : 0;

        const std::string expired = "expired:" + std::to_string(i);
        full.cache.set(expired, 1, 1s);
        clock_type::advance(1s);
        full.end_probation();
        full.cache.set(expired, 1);
        full.end_probation();
        stayed += full.cache.contains(expired) ? 1 : 0;
    }
    CHECK(stayed == 0);
}

TEMPLATE_TEST_CASE("clear forgets which keys were evicted", "", alone, shared) {
    full_cache<TestType> full;
    const auto store_twenty = [&] {
        for (int i = 0; i != 20; ++i) {
            full.cache.set("it:" + std::to_string(i), 1);
        }
        full.end_probation();
    };
    store_twenty(); // all are evicted
    full.cache.clear();
    full.add(entries);
    full.end_probation(); // now the cache is full, and so is its queue
    store_twenty();
    for (int i = 0; i != 20; ++i) {
        CHECK_FALSE(full.cache.contains("it:" + std::to_string(i)));
    }
}
