// SPDX-License-Identifier: MIT
// Tests the checker of the concurrent cache with caches that have known faults.
#include "support/linearizability.hpp"

#include "support/catch.hpp"
#include "support/explorer.hpp"
#include "support/reference_cache.hpp"
#include "support/yielding.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using support::yielding_clock;
using support::yielding_mutex;
using support::yielding_number;
using support::linearizability::absent;
using support::linearizability::explorer;
using support::linearizability::linearizable;
using support::linearizability::operation;
using support::linearizability::verb;

namespace {

/// A reference under one mutex.
class locked_reference {
    using reference_cache = support::reference_cache<yielding_number, yielding_clock>;

    template <class Operation>
    auto locked(Operation operation) { // first, because its return type is deduced
        const std::lock_guard lock(mutex_);
        return operation(reference_);
    }

    yielding_mutex mutex_;
    reference_cache reference_;

public:
    using reference = support::reference_cache<yielding_number, yielding_clock>;
    using time_point = yielding_clock::time_point;
    using life = std::optional<cachetory::ttl>;

    explicit locked_reference(std::size_t) {}

    auto get(std::string_view key) {
        return locked([&](reference& all) { return all.get(key); });
    }
    auto find(std::string_view key) {
        return locked([&](reference& all) { return all.find(key); });
    }
    auto touch(std::string_view key, life time_to_live) {
        return locked([&](reference& all) { return all.touch(key, time_to_live); });
    }
    auto contains(std::string_view key) {
        return locked([&](reference& all) { return all.contains(key); });
    }
    auto deadline(std::string_view key) {
        return locked([&](reference& all) { return all.deadline(key); });
    }
    auto take(std::string_view key) {
        return locked([&](reference& all) { return all.take(key); });
    }
    auto erase(std::string_view key) {
        return locked([&](reference& all) { return all.erase(key); });
    }
    auto expire_at(std::string_view key, std::optional<time_point> when) {
        return locked([&](reference& all) { return all.expire_at(key, when); });
    }
    auto expire_in(std::string_view key, life time_to_live) {
        return locked([&](reference& all) { return all.expire_in(key, time_to_live); });
    }
    auto get_many(const std::vector<std::string>& keys) {
        return locked([&](reference& all) { return all.get_many(keys); });
    }
    auto set(std::string_view key, yielding_number value, cachetory::set_options options = {}) {
        return locked([&](reference& all) { return all.set(key, std::move(value), options); });
    }
    template <class F>
    bool visit(std::string_view key, F f) {
        return locked([&](reference& all) { return all.visit(key, f); });
    }
    template <class F>
    bool set_or_visit(std::string_view key, yielding_number value, F f, life time_to_live) {
        return locked([&](reference& all) {
            return all.set_or_visit(key, std::move(value), f, time_to_live);
        });
    }
    template <class F>
    void for_each(F f) {
        locked([&](reference& all) { all.for_each(f); });
    }
    template <class Pred>
    std::size_t erase_if(Pred pred) {
        return locked([&](reference& all) { return all.erase_if(pred); });
    }
    template <class Factory>
    yielding_number get_or_set(std::string_view key, Factory factory, life time_to_live) {
        if (auto hit = find(key)) {
            return *hit;
        }
        const yielding_number made = factory();
        return *locked([&](reference& all) {
            return all.get_or_set(
                key, [&] { return made; }, time_to_live);
        });
    }
    void clear() {
        locked([](reference& all) { all.clear(); });
    }
    void purge_expired() {
        locked([](reference& all) { all.purge_expired(); });
    }
};

/// Looks an entry up under one lock, and erases it under another.
struct erases_what_it_has_not_seen : locked_reference {
    using locked_reference::locked_reference;

    auto find(std::string_view key) {
        auto found = locked_reference::find(key);
        if (!found) {
            erase(key);
        }
        return found;
    }
};

using cache_under_test = cachetory::concurrent_memory_backend<yielding_number,
                                                              yielding_clock,
                                                              cachetory::string_hash,
                                                              yielding_mutex>;

struct finds_then_sets : cache_under_test {
    using cache_under_test::cache_under_test;

    bool set(std::string_view key, yielding_number value, cachetory::set_options options = {}) {
        if (options.if_not_exists && find(key)) {
            return false;
        }
        return cache_under_test::set(key, std::move(value), {options.time_to_live});
    }
};

struct finds_then_expires : cache_under_test {
    using cache_under_test::cache_under_test;

    std::optional<yielding_number> touch(std::string_view key,
                                         std::optional<cachetory::ttl> time_to_live) {
        std::optional<yielding_number> found = find(key);
        expire_in(key, time_to_live);
        return found;
    }
};

struct visits_then_sets : cache_under_test {
    using cache_under_test::cache_under_test;

    template <class F>
    bool set_or_visit(std::string_view key,
                      yielding_number value,
                      F f,
                      std::optional<cachetory::ttl> time_to_live) {
        return !visit(key, f) && set(key, std::move(value), {time_to_live});
    }
};

struct asks_then_erases : cache_under_test {
    using cache_under_test::cache_under_test;

    template <class Pred>
    std::size_t erase_if(Pred pred) {
        std::vector<std::string> chosen;
        for_each([&](std::string_view key, const yielding_number& value) {
            if (pred(key, value)) {
                chosen.emplace_back(key);
            }
        });
        erase_many(chosen);
        return chosen.size();
    }
};

/// Takes effect at no single instant.
struct counts_outside_the_lock : cache_under_test {
    using cache_under_test::cache_under_test;

    template <class F>
    bool visit(std::string_view key, F f) {
        std::optional<yielding_number> found = find(key);
        if (found) {
            f(*found);
            cache_under_test::visit(key, [&](yielding_number& value) { value = *found; });
        }
        return found.has_value();
    }
};

} // namespace

TEST_CASE("the checker finds nothing wrong with one mutex around a map", "[linearizability]") {
    explorer<locked_reference> explore(1);
    const std::string fault = explore.find_fault(std::chrono::milliseconds(500));
    INFO(fault);
    CHECK(fault.empty());
}

TEMPLATE_TEST_CASE("the checker finds faults of caches that unlock too early",
                   "[linearizability]",
                   erases_what_it_has_not_seen,
                   finds_then_sets,
                   finds_then_expires,
                   visits_then_sets,
                   asks_then_erases,
                   counts_outside_the_lock) {
    explorer<TestType> explore(1);
    const std::string fault = explore.find_fault(std::chrono::seconds(60));
    INFO("in " << explore.histories << " histories");
    CHECK(!fault.empty());
}

namespace {

/// {what, key, argument, life, result, invoked, returned, thread}
operation op(verb what, std::int64_t argument, std::int64_t result, int invoked, int returned) {
    return {what, 0, argument, {}, result, invoked, returned, 0};
}

} // namespace

TEST_CASE("the checker accepts what some order of overlapping operations explains",
          "[linearizability]") {
    CHECK(linearizable({}));
    CHECK(linearizable({op(verb::set, 7, true, 0, 3), op(verb::look_up, 0, absent, 1, 2)}));
    CHECK(linearizable({op(verb::set, 7, true, 0, 3), op(verb::look_up, 0, 7, 1, 2)}));
    CHECK(linearizable({op(verb::set, 7, true, 0, 9), op(verb::set, 8, true, 1, 8),
                        op(verb::look_up, 0, 8, 2, 3), op(verb::look_up, 0, 7, 4, 5)}));
    CHECK(linearizable({op(verb::set_or_add, 7, absent, 0, 3), op(verb::set_or_add, 8, 7, 1, 2),
                        op(verb::touch, 0, 8, 4, 5)}));
    operation brief = op(verb::set, 7, true, 0, 1);
    brief.life = 1;
    CHECK(linearizable({brief, op(verb::advance_clock, 1, 1001, 2, 5),
                        op(verb::look_up, 0, 7, 3, 4), op(verb::look_up, 0, absent, 6, 7)}));
}

TEST_CASE("the checker rejects what no order explains", "[linearizability]") {
    // a stale value, a value that nobody stored, a lost value
    CHECK(!linearizable({op(verb::set, 7, true, 0, 1), op(verb::look_up, 0, absent, 2, 3)}));
    CHECK(!linearizable({op(verb::look_up, 0, 7, 0, 1), op(verb::set, 7, true, 2, 3)}));
    // 7 may come after 8 or before it, but not both
    CHECK(!linearizable({op(verb::set, 7, true, 0, 9), op(verb::set, 8, true, 1, 8),
                         op(verb::look_up, 0, 8, 2, 3), op(verb::look_up, 0, 7, 4, 5),
                         op(verb::look_up, 0, 8, 6, 7)}));
    // two winners, a lost addition
    CHECK(!linearizable(
        {op(verb::set_if_absent, 7, true, 0, 3), op(verb::set_if_absent, 8, true, 1, 2)}));
    CHECK(!linearizable(
        {op(verb::set, 7, true, 0, 1), op(verb::add, 1, 7, 2, 5), op(verb::add, 1, 7, 3, 4)}));
    CHECK(!linearizable(
        {op(verb::set_or_add, 7, absent, 0, 3), op(verb::set_or_add, 8, absent, 1, 2)}));
    // a touch that found nothing, or another value, changes no deadline
    operation touch = op(verb::touch, 0, absent, 2, 7);
    touch.life = 5;
    CHECK(!linearizable({op(verb::set, 7, true, 0, 1), touch, op(verb::take, 0, 7, 3, 4),
                         op(verb::set, 8, true, 5, 6), op(verb::deadline, 0, 1005, 8, 9)}));
    touch.result = 7;
    CHECK(!linearizable({op(verb::set, 7, true, 0, 1), touch, op(verb::set, 8, true, 5, 6),
                         op(verb::deadline, 0, 1005, 8, 9)}));
    // both keys have the same clock
    operation brief = op(verb::set, 7, true, 0, 1);
    brief.life = 1;
    operation other = op(verb::set, 8, true, 2, 3);
    other.life = 1;
    other.key = 1;
    operation other_gone = op(verb::look_up, 0, absent, 5, 6);
    other_gone.key = 1;
    CHECK(!linearizable({brief, other, op(verb::advance_clock, 1, 1001, 4, 9), other_gone,
                         op(verb::look_up, 0, 7, 7, 8)}));
}
