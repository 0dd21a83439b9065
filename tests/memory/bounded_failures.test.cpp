// SPDX-License-Identifier: MIT
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>

#include "../support/allocations.hpp"
#include "../support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;

namespace {

struct failure {};

/// How many calls of a kind succeed before one fails. If negative, all succeed.
struct countdown {
    void count_down() {
        if (left >= 0 && left-- == 0) {
            throw failure();
        }
    }

    int left = -1;
};

countdown hash_countdown;
countdown clock_countdown;
countdown copy_countdown;
countdown move_countdown;

struct failing_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const {
        hash_countdown.count_down();
        return hash(text);
    }

    cachetory::string_hash hash;
};

struct failing_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<failing_clock>;
    [[maybe_unused]] static constexpr bool is_steady = true;

    static time_point now() {
        clock_countdown.count_down();
        return time_point(std::chrono::hours(1));
    }
};

struct copied {
    copied(int n) : number(n) {} // implicit, so that the tests read well
    copied(const copied& other) : number(other.number) { copy_countdown.count_down(); }
    copied(copied&& other) : number(other.number) { move_countdown.count_down(); }
    copied& operator=(const copied&) = default;
    copied& operator=(copied&&) = default;
    ~copied() { number = -1; } // not trivial

    int number;
};

using cache = cachetory::bounded_memory_backend<copied, failing_clock, failing_hash>;
using contents = std::map<std::string, int, std::less<>>;

template <class Cache>
contents contents_of(Cache& all) {
    contents seen;
    all.for_each([&](std::string_view key, auto& value) { seen[std::string(key)] = value.number; });
    return seen;
}

const std::string long_key(60, 'k');

/// Makes `operation` fail at every point of each kind in turn, each time on a copy of `before`, and
/// checks that nothing has changed. Returns how many points there were.
template <class Operation>
int fail_everywhere(const cache& before, Operation operation) {
    int points = 0;
    for (countdown* kind : {&hash_countdown, &clock_countdown, &copy_countdown, &move_countdown,
                            static_cast<countdown*>(nullptr)}) {
        for (int at = 0;; ++at) {
            cache tried = before;
            const contents expected = contents_of(tried);
            bool failed = false;
            if (kind != nullptr) {
                kind->left = at;
            } else {
                support::fail_allocation(static_cast<std::size_t>(at) + 1);
            }
            try {
                operation(tried);
            } catch (const failure&) {
                failed = true;
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            if (kind != nullptr) {
                kind->left = -1;
            }
            support::fail_allocation(0);
            if (!failed) {
                break;
            }
            ++points;
            CHECK(contents_of(tried) == expected);
            operation(tried); // the cache still works
            CHECK(tried.contains(long_key));
            CHECK(tried.size() <= tried.max_entries());
        }
    }
    return points;
}

} // namespace

TEST_CASE("an insertion that fails evicts nothing", "[bound][errors][promise-9]") {
    const std::size_t max = GENERATE(1U, 2U, 10U, 40U);
    const bool has_evicted = GENERATE(false, true);
    cache before(max);
    for (std::size_t i = 0; i != (has_evicted ? 3 * max : max); ++i) {
        before.set("key " + std::to_string(i) + std::string(30, '.'), static_cast<int>(i), 24h);
    }
    REQUIRE(before.size() == max);
    const copied value = 7;
    const int points = fail_everywhere(before, [&](cache& all) { all.set(long_key, value, 1h); });
    CHECK(points >= 6); // several hashes, a reading of the clock, a copy, a key and a node at least
    CHECK(fail_everywhere(before, [&](cache& all) {
              (void)all.get_or_set(
                  long_key, [&] { return value; }, 1h);
          }) >= 6);
    CHECK(fail_everywhere(
              before, [&](cache& all) { all.set_or_visit(long_key, value, [](copied&) {}); }) >= 5);
}

TEMPLATE_TEST_CASE("evict does not allocate",
                   "[bound][allocations][promise-8]",
                   cachetory::bounded_memory_backend<int>,
                   cachetory::bounded_concurrent_memory_backend<int>) {
    TestType all(200);
    const int stored = GENERATE(60, 500); // the latter also have newcomers and ghosts
    for (int i = 0; i != stored; ++i) {
        all.set(std::to_string(i), i);
    }
    const std::size_t before = support::allocations();
    const std::size_t evicted = all.evict(60);
    CHECK(support::allocations() == before);
    CHECK(evicted == 60);
}

TEST_CASE("neither hits nor overwrites in a full cache allocate",
          "[bound][allocations][promise-8]") {
    cachetory::bounded_memory_backend<int> all(100);
    for (int i = 0; i != 250; ++i) {
        all.set(std::to_string(i), i);
    }
    const std::size_t before = support::allocations();
    const bool hit = all.find("249") != nullptr && all.set("249", 1, 1h) && all.contains("249");
    CHECK(support::allocations() == before);
    CHECK(hit);
}

TEST_CASE("moving a full cache needs no memory", "[bound][allocations]") {
    cachetory::bounded_memory_backend<int> all(100);
    for (int i = 0; i != 250; ++i) {
        all.set(std::to_string(i), i);
    }
    support::fail_allocation(1);
    cachetory::bounded_memory_backend<int> moved = std::move(all);
    all = std::move(moved);
    all.clear();
    support::fail_allocation(0);
    CHECK(all.empty());
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<decltype(all)>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<decltype(all)>);
}

namespace {

/// A value that calls back when it is destroyed, unless it was moved from.
class calling_back {
public:
    explicit calling_back(std::function<void()> call = {}) : call_(std::move(call)) {}
    calling_back(calling_back&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
    calling_back& operator=(calling_back&& other) noexcept {
        calling_back old = std::move(*this);
        call_ = std::exchange(other.call_, nullptr);
        return *this;
    }
    ~calling_back() {
        if (call_) {
            std::exchange(call_, nullptr)();
        }
    }

private:
    std::function<void()> call_;
};

} // namespace

TEMPLATE_TEST_CASE("the destructor of an evicted value may call the cache",
                   "[bound][destructors][promise-10]",
                   cachetory::bounded_memory_backend<calling_back>,
                   cachetory::bounded_concurrent_memory_backend<calling_back>) {
    TestType all(5);
    int called = 0;
    int stored = 0;
    const auto act = [&](int what) {
        ++called;
        switch (what) {
        case 0:
            all.erase("0");
            break;
        case 1:
            all.visit("0", [](calling_back&) {});
            break;
        case 2:
            if (stored++ < 200) {
                all.set("stored by a destructor", calling_back());
                all.set(std::to_string(stored % 7) + " as well", calling_back());
            }
            break;
        default:
            all.evict(1);
        }
        REQUIRE(all.size() <= 5);
    };
    for (int i = 0; i != 300; ++i) {
        all.set(std::to_string(i), calling_back([&act, i] { act(i % 4); }));
        REQUIRE(all.size() <= 5);
    }
    all.evict(2);
    all.clear();
    CHECK(called >= 300 - 5);
}
