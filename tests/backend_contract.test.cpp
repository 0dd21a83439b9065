// SPDX-License-Identifier: MIT
// What every flavour promises, each promise of DESIGN.md's table in tests of its name.
#include "support/flavours.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/values.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::result;

namespace {

using test_clock = support::manual_clock<>;
using seconds_f = std::chrono::duration<double>;

/// An empty cache, under a clock that stands at 1,000 ticks.
template <class Flavour, class Wire = int, class Clock = test_clock>
auto fresh() -> typename Flavour::template backend<Wire, Clock> {
    Clock::reset();
    return typename Flavour::template backend<Wire, Clock>();
}

/// Stores "key" -> 1, which has just expired and which nobody has touched since.
template <class Cache>
void add_expired(Cache& cache) {
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    test_clock::advance(10ns);
}

using listing = std::vector<std::pair<std::string, int>>;

/// What get_many found, alike in every flavour.
template <class Found>
listing listed(const Found& found) {
    listing list;
    for (const auto& [key, value] : found) {
        list.emplace_back(std::string(key), value);
    }
    return list;
}

template <class Operation>
std::size_t allocations_of(Operation operation) {
    const std::size_t before = support::allocations();
    operation();
    return support::allocations() - before;
}

template <class Operation>
int reads_of(Operation operation) {
    test_clock::reads = 0;
    operation();
    return test_clock::reads;
}

/// A range that makes its items as it is walked over: make(0), make(1), ...
template <class Make>
struct generated {
    struct iterator {
        using difference_type = std::ptrdiff_t;
        using value_type = decltype(std::declval<const Make&>()(0));

        value_type operator*() const { return (*make)(position); }
        iterator& operator++() {
            ++position;
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++position;
            return before;
        }
        bool operator==(const iterator& other) const { return position == other.position; }

        const Make* make = nullptr;
        int position = 0;
    };

    iterator begin() const { return {&make, 0}; }
    iterator end() const { return {&make, count}; }

    int count;
    Make make;
};
template <class Make>
generated(int, Make) -> generated<Make>;

/// Cannot be copied while its number is the unlucky one; moves never throw.
struct fragile {
    struct error : std::runtime_error {
        error() : std::runtime_error("the unlucky one was copied") {}
    };

    fragile(int n) : number(n) {}
    fragile(const fragile& other) : number(other.number) { check(); }
    fragile(fragile&&) noexcept = default;
    fragile& operator=(const fragile& other) {
        other.check();
        number = other.number;
        return *this;
    }
    fragile& operator=(fragile&&) noexcept = default;
    ~fragile() = default;

    void check() const {
        if (number == unlucky) {
            throw error();
        }
    }

    static inline int unlucky = 0;
    int number;
};

struct failing_clock : test_clock {
    struct error : std::runtime_error {
        error() : std::runtime_error("the clock cannot be read") {}
    };

    static time_point now() {
        if (broken) {
            throw error();
        }
        return manual_clock::now();
    }

    static inline bool broken = false;
};

template <class Operation>
bool fails_without_clock(Operation operation) {
    failing_clock::broken = true;
    bool failed = false;
    try {
        operation();
    } catch (const failing_clock::error&) {
        failed = true;
    }
    failing_clock::broken = false;
    return failed;
}

} // namespace

// 1. Expired is absent.

TEMPLATE_TEST_CASE("an expired entry is as good as absent in every verb", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    REQUIRE(cache.size() == 1);
    std::size_t left = 0; // nothing but storing verbs leaves an entry behind

    SECTION("get") { CHECK_THROWS_AS(result(cache.get("key")), cachetory::key_error); }
    SECTION("find") { CHECK(!result(cache.find("key"))); }
    SECTION("contains") { CHECK(!result(cache.contains("key"))); }
    SECTION("deadline") { CHECK_THROWS_AS(result(cache.deadline("key")), cachetory::key_error); }
    SECTION("get_many") { CHECK(result(cache.get_many({"key"})).empty()); }
    SECTION("take") { CHECK(!result(cache.take("key"))); }
    SECTION("erase") { CHECK(!result(cache.erase("key"))); }
    SECTION("erase_many") { CHECK(result(cache.erase_many({"key"})) == 0); }
    SECTION("expire_in") { CHECK(!result(cache.expire_in("key", 1h))); }
    SECTION("expire_in forever") { CHECK(!result(cache.expire_in("key", std::nullopt))); }
    SECTION("expire_at") { CHECK(!result(cache.expire_at("key", test_clock::at(9999)))); }
    SECTION("expire_at never") { CHECK(!result(cache.expire_at("key", std::nullopt))); }
    SECTION("set if_not_exists") {
        CHECK(result(cache.set("key", 2, {.if_not_exists = true})));
        CHECK(result(cache.deadline("key")) == std::nullopt);
        left = 1;
    }
    SECTION("set_many if_not_exists") {
        CHECK(result(cache.set_many({{"key", 2}}, {.if_not_exists = true})) == 1);
        CHECK(result(cache.deadline("key")) == std::nullopt);
        left = 1;
    }
    SECTION("get_or_set") {
        CHECK(result(cache.get_or_set("key", [] { return 2; })) == 2);
        CHECK(result(cache.deadline("key")) == std::nullopt);
        left = 1;
    }

    CHECK(cache.size() == left);
    test_clock::current = test_clock::at(1000); // even now that it would have time again
    CHECK(result(cache.contains("key")) == (left == 1));
    CHECK(result(cache.take("key")).value_or(2) == 2);
}

// 2. Dead at the instant.

TEMPLATE_TEST_CASE("an entry is dead at the very instant of its deadline", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    test_clock::current = test_clock::at(1009);
    CHECK(result(cache.contains("key")));
    test_clock::current = test_clock::at(1010);
    CHECK(!result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("an untouched entry lives again if the clock goes back",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    test_clock::current = test_clock::at(1009);
    CHECK(result(cache.contains("key")));
}

// 3. Lazy.

TEMPLATE_TEST_CASE("size counts expired entries until they are named", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    CHECK(!result(cache.contains("other")));
    CHECK(cache.size() == 1);
    CHECK(!cache.empty());
    CHECK(!result(cache.contains("key")));
    CHECK(cache.size() == 0);
    CHECK(cache.empty());
}

TEMPLATE_TEST_CASE("purge_expired erases what is expired and nothing else",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    result(cache.set("due", 1, {.time_to_live = 0ns}));
    result(cache.set("later", 2, {.time_to_live = 1ns}));
    result(cache.set("never", 3));
    CHECK(result(cache.purge_expired()) == 2);
    CHECK(result(cache.purge_expired()) == 0);
    CHECK(cache.size() == 2);
    CHECK(listed(result(cache.get_many({"due", "later", "never"}))) ==
          listing{{"later", 2}, {"never", 3}});
}

TEMPLATE_TEST_CASE("repeated limited purges sweep everything", "", CACHETORY_FLAVOURS) {
    const std::size_t limit = GENERATE(std::size_t(1), std::size_t(7), std::size_t(40));
    const std::size_t room = GENERATE(std::size_t(0), std::size_t(3000));
    auto cache = fresh<TestType>();
    (void)cache.reserve(room);
    for (int i = 0; i != 300; ++i) {
        const bool dies = i % 3 != 0;
        result(cache.set(std::to_string(i), i, {.time_to_live = dies ? 1ns : 1h}));
    }
    test_clock::advance(1ns);
    std::size_t purged = 0;
    std::size_t most = 0;
    for (int calls = 0; purged != 200 && calls != 5000; ++calls) {
        const std::size_t now = result(cache.purge_expired(limit));
        most = std::max(most, now);
        purged += now;
    }
    CHECK(purged == 200);
    CHECK(most <= limit);
    CHECK(cache.size() == 100);
    CHECK(result(cache.purge_expired()) == 0);
}

TEMPLATE_TEST_CASE("purge_expired of no visits does nothing", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    CHECK(result(cache.purge_expired(0)) == 0);
    CHECK(cache.size() == 1);
}

TEMPLATE_TEST_CASE("clear erases everything", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    result(cache.set("other", 2));
    (void)cache.clear();
    CHECK(cache.empty());
    CHECK(!result(cache.contains("other")));
    CHECK(result(cache.set("other", 3)));
    CHECK(result(cache.get("other")) == 3);
}

// 4. set.

TEMPLATE_TEST_CASE("set replaces value and deadline", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    CHECK(result(cache.set("key", 1, {.time_to_live = 10ns})));
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
    CHECK(result(cache.set("key", 2, {.time_to_live = 5ns})));
    CHECK(result(cache.get("key")) == 2);
    CHECK(result(cache.deadline("key")) == test_clock::at(1005));
    CHECK(result(cache.set("key", 3)));
    CHECK(result(cache.get("key")) == 3);
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(cache.size() == 1);
}

TEMPLATE_TEST_CASE("a refused if_not_exists changes nothing", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    CHECK(!result(cache.set("key", 2, {.time_to_live = 1h, .if_not_exists = true})));
    CHECK(!result(cache.set("key", 2, {.if_not_exists = true})));
    CHECK(result(cache.set_many({{"key", 2}}, {.if_not_exists = true})) == 0);
    CHECK(result(cache.get("key")) == 1);
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
}

TEMPLATE_TEST_CASE("an expired entry does not block set if_not_exists", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    CHECK(result(cache.set("key", 2, {.time_to_live = 5ns, .if_not_exists = true})));
    CHECK(result(cache.get("key")) == 2);
    CHECK(result(cache.deadline("key")) == test_clock::at(1015));
}

// 5. Time.

TEMPLATE_TEST_CASE("a time to live of zero or less is stored and already expired",
                   "",
                   CACHETORY_FLAVOURS) {
    const cachetory::ttl length = GENERATE(cachetory::ttl(0s), cachetory::ttl(-1ns),
                                           cachetory::ttl(-1h), cachetory::ttl::min());
    auto cache = fresh<TestType>();
    CHECK(result(cache.set("key", 1, {.time_to_live = length})));
    CHECK(cache.size() == 1);
    CHECK(!result(cache.contains("key")));

    CHECK(result(cache.set_many({{"key", 1}}, {.time_to_live = length})) == 1);
    CHECK(!result(cache.contains("key")));

    CHECK(result(cache.get_or_set(
              "key", [] { return 1; }, length)) == 1);
    CHECK(!result(cache.contains("key")));

    result(cache.set("key", 1));
    CHECK(result(cache.expire_in("key", length)));
    CHECK(!result(cache.contains("key")));
}

namespace {

template <class Flavour, class Clock>
void saturates() {
    using limits = std::numeric_limits<typename Clock::rep>;
    using hours = std::chrono::hours;
    auto cache = fresh<Flavour, int, Clock>();
    for (const auto ticks : {limits::min(), limits::min() + 1, typename Clock::rep(-1),
                             typename Clock::rep(0), limits::max() - 1, limits::max()}) {
        Clock::current = Clock::at(ticks);
        INFO("the clock stands at " << ticks);
        for (const cachetory::ttl longest : {cachetory::ttl(hours::max()), cachetory::ttl::max(),
                                             cachetory::ttl(seconds_f(1e300))}) {
            CHECK(result(cache.set("key", 1, {.time_to_live = longest})));
            CHECK(result(cache.deadline("key")) == std::nullopt);
            CHECK(result(cache.expire_in("key", 0s)));
            result(cache.set("key", 1));
            CHECK(result(cache.expire_in("key", longest)));
            CHECK(result(cache.deadline("key")) == std::nullopt);
        }
        for (const cachetory::ttl shortest :
             {cachetory::ttl(hours::min()), cachetory::ttl::min(),
              cachetory::ttl(seconds_f(-1e300)),
              cachetory::ttl(seconds_f(std::numeric_limits<double>::quiet_NaN()))}) {
            CHECK(result(cache.set("key", 1, {.time_to_live = shortest})));
            CHECK(!result(cache.contains("key")));
        }
        result(cache.set("key", 1));
        CHECK(result(cache.expire_at("key", std::chrono::time_point<Clock, hours>::max())));
        CHECK(result(cache.deadline("key")) == std::nullopt);
        CHECK(result(cache.expire_at("key", std::chrono::sys_time<hours>(hours::max() - 1h))));
        CHECK(result(cache.deadline("key")) == std::nullopt);
        CHECK(result(cache.expire_at("key", std::chrono::time_point<Clock, hours>::min())));
        CHECK(!result(cache.contains("key")));
        result(cache.set("key", 1));
        CHECK(result(cache.expire_at("key", std::chrono::sys_time<hours>::min())));
        CHECK(!result(cache.contains("key")));
    }
}

} // namespace

TEMPLATE_TEST_CASE("times out of range saturate wherever the clock stands",
                   "",
                   CACHETORY_FLAVOURS) {
    SECTION("ns") { saturates<TestType, support::manual_clock<std::chrono::nanoseconds>>(); }
    SECTION("us") { saturates<TestType, support::manual_clock<std::chrono::microseconds>>(); }
    SECTION("ms") { saturates<TestType, support::manual_clock<std::chrono::milliseconds>>(); }
    SECTION("s") { saturates<TestType, support::manual_clock<std::chrono::seconds>>(); }
}

TEMPLATE_TEST_CASE("the largest time point means never", "", CACHETORY_FLAVOURS) {
    constexpr auto max = test_clock::time_point::max();
    auto cache = fresh<TestType>();
    SECTION("given") {
        result(cache.set("key", 1, {.time_to_live = 1h}));
        CHECK(result(cache.expire_at("key", max)));
    }
    SECTION("reached exactly") {
        test_clock::current = max - 1h;
        result(cache.set("key", 1, {.time_to_live = 1h}));
    }
    SECTION("reached by saturation") {
        test_clock::current = max - 1h;
        result(cache.set("key", 1, {.time_to_live = 2h}));
    }
    CHECK(result(cache.deadline("key")) == std::nullopt);
    test_clock::current = max;
    CHECK(result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("one tick before the largest time point is a deadline", "", CACHETORY_FLAVOURS) {
    constexpr auto last = test_clock::time_point::max() - 1ns;
    auto cache = fresh<TestType>();
    test_clock::current = last - 1h;
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(result(cache.deadline("key")) == last);
    test_clock::current = last;
    CHECK(!result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("times are rounded up to the tick of the clock", "", CACHETORY_FLAVOURS) {
    using ms_clock = support::manual_clock<std::chrono::milliseconds>;
    auto cache = fresh<TestType, int, ms_clock>();
    const auto after = [&](cachetory::ttl length) {
        result(cache.set("key", 1));
        result(cache.expire_in("key", length));
        ms_clock::current = ms_clock::at(0); // at which it has not passed in any case
        const auto deadline = result(cache.deadline("key")).value();
        ms_clock::current = ms_clock::at(1000);
        return deadline;
    };
    CHECK(after(1ns) == ms_clock::at(1001));
    CHECK(after(1ms) == ms_clock::at(1001));
    CHECK(after(1500us) == ms_clock::at(1002));
    CHECK(after(seconds_f(0.0125)) == ms_clock::at(1013));
    CHECK(after(-1500us) == ms_clock::at(999));
}

TEMPLATE_TEST_CASE("expire_at takes times in other ticks", "", CACHETORY_FLAVOURS) {
    using ms_clock = support::manual_clock<std::chrono::milliseconds>;
    const auto at = [](auto length) {
        return std::chrono::time_point<ms_clock, decltype(length)>(length);
    };
    auto cache = fresh<TestType, int, ms_clock>();
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", at(2s))));
    CHECK(result(cache.deadline("key")) == ms_clock::at(2000));
    CHECK(result(cache.expire_at("key", at(2'000'001us))));
    CHECK(result(cache.deadline("key")) == ms_clock::at(2001));
    CHECK(result(cache.expire_at("key", at(seconds_f(1.5)))));
    CHECK(result(cache.deadline("key")) == ms_clock::at(1500));
    CHECK(result(cache.expire_at("key", std::optional(at(3s)))));
    CHECK(result(cache.deadline("key")) == ms_clock::at(3000));
    CHECK(result(cache.expire_at("key", std::optional<decltype(at(3s))>())));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.expire_at("key", at(1s))));
    CHECK(!result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("expire_at takes times of the wall clock", "", CACHETORY_FLAVOURS) {
    using wall = std::chrono::system_clock;
    auto cache = fresh<TestType>();
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", wall::now() + 1000h)));
    const auto deadline = result(cache.deadline("key")).value();
    CHECK(deadline <= test_clock::at(1000) + 1000h);
    CHECK(deadline > test_clock::at(1000) + 900h);
    CHECK(result(cache.expire_at("key", std::optional<std::chrono::sys_seconds>())));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.expire_at("key", wall::time_point::max())));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.expire_at("key", std::optional(wall::now() - 1h))));
    CHECK(!result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("the wall clock can be the clock of the cache", "", CACHETORY_FLAVOURS) {
    typename TestType::template backend<int, std::chrono::system_clock> cache;
    const std::chrono::sys_days in_2200 = std::chrono::sys_days(std::chrono::days(84'006));
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", in_2200)));
    CHECK(result(cache.deadline("key")) == in_2200);
    CHECK(result(cache.expire_at("key", std::chrono::sys_days())));
    CHECK(!result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("expire_at moves or removes the deadline and keeps the value",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    CHECK(!result(cache.expire_at("key", test_clock::at(2000))));
    CHECK(cache.empty());
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", test_clock::at(2000))));
    CHECK(result(cache.deadline("key")) == test_clock::at(2000));
    CHECK(result(cache.expire_at("key", std::optional(test_clock::at(1500)))));
    CHECK(result(cache.deadline("key")) == test_clock::at(1500));
    CHECK(result(cache.expire_at("key", std::nullopt)));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    result(cache.expire_at("key", test_clock::at(2000)));
    CHECK(result(cache.expire_at("key", {})));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.get("key")) == 1);
    CHECK(result(cache.expire_at("key", test_clock::at(1000))));
    CHECK(!result(cache.contains("key")));
}

TEMPLATE_TEST_CASE("expire_in counts from now and nullopt means forever", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    CHECK(!result(cache.expire_in("key", 1h)));
    CHECK(cache.empty());
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    test_clock::advance(9ns);
    CHECK(result(cache.expire_in("key", 10ns)));
    CHECK(result(cache.deadline("key")) == test_clock::at(1019));
    CHECK(result(cache.expire_in("key", std::nullopt)));
    CHECK(result(cache.deadline("key")) == std::nullopt);
    CHECK(result(cache.get("key")) == 1);
}

// 7. The clock.

TEMPLATE_TEST_CASE("an operation reads the clock once", "", CACHETORY_FLAVOURS) {
    const bool alive = GENERATE(true, false);
    CAPTURE(alive);
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    if (!alive) {
        test_clock::advance(10ns);
    }
    const cachetory::set_options fresh_for_1h = {.time_to_live = 1h};
    const cachetory::set_options if_absent_for_1h = {.time_to_live = 1h, .if_not_exists = true};

    SECTION("find") {
        CHECK(reads_of([&] { (void)result(cache.find("key")); }) == 1);
    }
    SECTION("contains") {
        CHECK(reads_of([&] { (void)result(cache.contains("key")); }) == 1);
    }
    SECTION("get") {
        CHECK(reads_of([&] {
                  try {
                      (void)result(cache.get("key"));
                  } catch (const cachetory::key_error&) {
                  }
              }) == 1);
    }
    SECTION("deadline") {
        CHECK(reads_of([&] {
                  try {
                      (void)result(cache.deadline("key"));
                  } catch (const cachetory::key_error&) {
                  }
              }) == 1);
    }
    SECTION("take") {
        CHECK(reads_of([&] { (void)result(cache.take("key")); }) == 1);
    }
    SECTION("erase") {
        CHECK(reads_of([&] { result(cache.erase("key")); }) == 1);
    }
    SECTION("set") {
        CHECK(reads_of([&] { result(cache.set("key", 2, fresh_for_1h)); }) == 1);
    }
    SECTION("set if_not_exists") {
        CHECK(reads_of([&] { result(cache.set("key", 2, if_absent_for_1h)); }) == 1);
    }
    SECTION("expire_in") {
        CHECK(reads_of([&] { result(cache.expire_in("key", 1h)); }) == 1);
    }
    SECTION("expire_at") {
        CHECK(reads_of([&] { result(cache.expire_at("key", test_clock::at(5000))); }) == 1);
    }
    SECTION("expire_at the wall clock's time") {
        const auto deadline = std::chrono::system_clock::now() + 1h;
        CHECK(reads_of([&] { result(cache.expire_at("key", deadline)); }) == 1);
    }
    SECTION("purge_expired") {
        CHECK(reads_of([&] { result(cache.purge_expired()); }) == 1);
    }
}

TEMPLATE_TEST_CASE("a bulk operation reads the clock once", "", CACHETORY_FLAVOURS) {
    const int most = TestType::sharded ? 100 : 1; // sharded: once for each lock
    auto cache = fresh<TestType>();
    std::vector<std::string> keys;
    std::vector<std::pair<std::string, int>> items;
    for (int i = 0; i != 100; ++i) {
        keys.push_back(std::to_string(i));
        items.emplace_back(std::to_string(i), i);
        result(cache.set(std::to_string(i), i, {.time_to_live = i % 2 == 0 ? 1ns : 1h}));
    }
    test_clock::advance(1ns);
    const auto once = [&](auto operation) {
        const int reads = reads_of(operation);
        return 1 <= reads && reads <= most;
    };
    CHECK(once([&] { (void)result(cache.get_many(keys)); }));
    CHECK(
        once([&] { result(cache.set_many(items, {.time_to_live = 1h, .if_not_exists = true})); }));
    CHECK(once([&] { result(cache.set_many(items, {.time_to_live = 0h})); }));
    CHECK(once([&] { result(cache.purge_expired()); }));
    result(cache.set_many(items, {.time_to_live = 1h}));
    CHECK(once([&] { result(cache.erase_many(keys)); }));
}

TEMPLATE_TEST_CASE("the clock is not read for entries that never expire", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    CHECK(reads_of([&] {
              result(cache.set("key", 1));
              result(cache.set("key", 2));
              result(cache.set("key", 3, {.if_not_exists = true}));
              result(cache.set_many({{"key", 4}, {"other", 5}}));
              (void)result(cache.get("key"));
              (void)result(cache.find("key"));
              (void)result(cache.find("missing"));
              (void)result(cache.contains("key"));
              (void)result(cache.deadline("key"));
              (void)result(cache.get_many({"key", "other", "missing"}));
              (void)result(cache.get_or_set("key", [] { return 6; }));
              (void)result(cache.get_or_set("third", [] { return 7; }));
              result(cache.expire_at("key", std::nullopt));
              result(cache.expire_in("key", std::nullopt));
              result(cache.purge_expired());
              (void)result(cache.take("third"));
              result(cache.erase("missing"));
              result(cache.erase("key"));
              result(cache.erase_many({"other", "missing"}));
              (void)cache.clear();
          }) == 0);
}

TEMPLATE_TEST_CASE("get_or_set reads the clock once before and once after its factory",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    test_clock::reads = 0;
    int before = 0;
    const auto factory = [&] {
        before = test_clock::reads;
        return 2;
    };
    result(cache.get_or_set("key", factory, 1h));
    CHECK(before == 1);
    CHECK(test_clock::reads == 2);
    CHECK(reads_of([&] { result(cache.get_or_set("key", factory, 1h)); }) == 1); // a hit
}

// 8. Errors and allocations.

TEMPLATE_TEST_CASE("get and deadline of a missing key throw a key_error that names it",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    const std::string key("a\0b", 3);
    const auto names_key = [&](auto operation) {
        try {
            operation();
        } catch (const cachetory::key_error& error) {
            return error.key() == key;
        }
        return false;
    };
    CHECK(names_key([&] { (void)result(cache.get(key)); }));
    CHECK(names_key([&] { (void)result(cache.deadline(key)); }));
    CHECK(cache.empty());
}

TEMPLATE_TEST_CASE("nothing but get and deadline throws for a missing key",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    CHECK(!result(cache.find("key")));
    CHECK(!result(cache.contains("key")));
    CHECK(!result(cache.take("key")));
    CHECK(!result(cache.erase("key")));
    CHECK(result(cache.erase_many({"key", "other"})) == 0);
    CHECK(result(cache.get_many({"key", "other"})).empty());
    CHECK(!result(cache.expire_in("key", 1h)));
    CHECK(!result(cache.expire_at("key", test_clock::at(2000))));
}

TEMPLATE_TEST_CASE("find and contains never allocate", "", CACHETORY_FLAVOURS) {
    const std::string hit(100, 'h'), miss(100, 'm'), expired(100, 'e'), expired_too(100, 'f');
    auto cache = fresh<TestType>();
    result(cache.set(hit, 1, {.time_to_live = 1h}));
    result(cache.set_many({{expired, 2}, {expired_too, 2}}, {.time_to_live = 0s}));
    CHECK(allocations_of([&] {
              (void)result(cache.find(hit));
              (void)result(cache.find(miss));
              (void)result(cache.find(expired));
              (void)result(cache.contains(hit));
              (void)result(cache.contains(miss));
              (void)result(cache.contains(expired_too));
          }) == 0);
}

TEMPLATE_TEST_CASE("hits of get and deadline do not allocate", "", CACHETORY_FLAVOURS) {
    const std::string key(100, 'k');
    auto cache = fresh<TestType>();
    result(cache.set(key, 1, {.time_to_live = 1h}));
    CHECK(allocations_of([&] {
              (void)result(cache.get(std::string_view(key)));
              (void)result(cache.deadline(std::string_view(key)));
          }) == 0);
}

TEMPLATE_TEST_CASE("an overwrite does not allocate", "", CACHETORY_FLAVOURS) {
    const std::string key(100, 'k');
    const std::string_view view = key;
    auto cache = fresh<TestType>();
    result(cache.set(view, 1));
    CHECK(allocations_of([&] {
              result(cache.set(view, 2, {.time_to_live = 1h}));
              result(cache.set(view, 3, {.time_to_live = 1h, .if_not_exists = true}));
              result(cache.expire_in(view, 0s));
              result(cache.set(view, 4)); // an expired one is an entry to write over, too
          }) == 0);
    CHECK(result(cache.get(view)) == 4);
}

// 9. Failures.

TEMPLATE_TEST_CASE("a failing clock leaves everything as it was", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType, int, failing_clock>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    const cachetory::set_options for_1h = {.time_to_live = 1h};
    const auto two = [] { return 2; };
    const auto breaks = [] {
        failing_clock::broken = true;
        return 2;
    };
    CHECK(fails_without_clock([&] { result(cache.set("key", 2, for_1h)); }));
    CHECK(fails_without_clock([&] { result(cache.set("new", 2, for_1h)); }));
    CHECK(fails_without_clock([&] { result(cache.set("key", 2, {.if_not_exists = true})); }));
    CHECK(fails_without_clock([&] { result(cache.set_many({{"key", 2}, {"new", 2}}, for_1h)); }));
    CHECK(fails_without_clock([&] { result(cache.get_or_set("new", two, 1h)); }));
    CHECK(fails_without_clock([&] {
        failing_clock::broken = false;
        result(cache.get_or_set("new", breaks, 1h));
    }));
    CHECK(fails_without_clock([&] { result(cache.expire_in("key", 1h)); }));
    CHECK(fails_without_clock([&] { (void)result(cache.find("key")); }));
    CHECK(fails_without_clock([&] { (void)result(cache.take("key")); }));
    CHECK(fails_without_clock([&] { result(cache.erase("key")); }));
    CHECK(fails_without_clock([&] { result(cache.erase_many({"key"})); }));
    CHECK(fails_without_clock([&] { result(cache.purge_expired()); }));
    CHECK(cache.size() == 1);
    CHECK(result(cache.get("key")) == 1);
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
}

TEMPLATE_TEST_CASE("a value that fails to move never leaves a half-set deadline",
                   "",
                   CACHETORY_FLAVOURS) {
    using support::throwing;
    auto cache = fresh<TestType, throwing>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    int failures = 0;
    for (bool stored = false; !stored; ++failures) {
        throwing::countdown = failures + 1;
        try {
            stored = result(cache.set("key", 2, {.time_to_live = 1h}));
        } catch (const throwing::error&) {
            CHECK(result(cache.deadline("key")) == test_clock::at(1010));
        }
    }
    throwing::countdown = -1;
    CHECK(failures > 1);
    CHECK(result(cache.get("key")).number == 2);
    CHECK(result(cache.deadline("key")) == test_clock::at(1000) + 1h);
}

TEMPLATE_TEST_CASE("a value that fails to move leaves no new entry", "", CACHETORY_FLAVOURS) {
    using support::throwing;
    auto cache = fresh<TestType, throwing>();
    int failures = 0;
    for (bool stored = false; !stored; ++failures) {
        throwing::countdown = failures + 1;
        try {
            stored = result(cache.set("key", 2));
        } catch (const throwing::error&) {
            CHECK(cache.empty());
        }
    }
    throwing::countdown = -1;
    CHECK(failures > 1);
    CHECK(result(cache.get("key")).number == 2);
}

TEMPLATE_TEST_CASE("what set_many has stored before a failure stays", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType, fragile>();
    result(cache.set("b", 20, {.time_to_live = 10ns}));
    const std::vector<std::pair<std::string, fragile>> items = {{"a", 1}, {"b", 2}, {"c", 3}};
    fragile::unlucky = 2;
    CHECK_THROWS_AS(result(cache.set_many(items, {.time_to_live = 1h})), fragile::error);
    fragile::unlucky = 0;
    CHECK(result(cache.get("a")).number == 1);
    CHECK(result(cache.deadline("a")) == test_clock::at(1000) + 1h);
    CHECK(result(cache.get("b")).number == 20);
    CHECK(result(cache.deadline("b")) == test_clock::at(1010));
    CHECK(!result(cache.contains("c")));
}

TEMPLATE_TEST_CASE("what erase_many has erased before a failure stays erased",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"0", 0}, {"1", 1}, {"2", 2}}));
    const generated keys = {
        3, [](int i) { return i == 1 ? throw std::domain_error("no key") : std::to_string(i); }};
    CHECK_THROWS_AS(result(cache.erase_many(keys)), std::domain_error);
    CHECK(listed(result(cache.get_many({"0", "1", "2"}))) == listing{{"1", 1}, {"2", 2}});
}

// Verbs.

TEMPLATE_TEST_CASE("get find contains and get_many see what set stored", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType, std::string>();
    CHECK(cache.empty());
    CHECK(result(cache.set("key", "value")));
    CHECK(cache.size() == 1);
    CHECK(result(cache.get("key")) == "value");
    CHECK(result(cache.contains("key")));
    if (auto hit = result(cache.find("key"))) {
        CHECK(*hit == "value");
    } else {
        FAIL("not found");
    }
}

TEMPLATE_TEST_CASE("take gives the value and erases the entry", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(result(cache.take("key")) == 1);
    CHECK(cache.empty());
    CHECK(result(cache.take("key")) == std::nullopt);
}

TEMPLATE_TEST_CASE("erase says whether there was a live entry", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1));
    CHECK(result(cache.erase("key")));
    CHECK(!result(cache.erase("key")));
    CHECK(cache.empty());
}

TEMPLATE_TEST_CASE("get_or_set calls its factory only on a miss", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    int calls = 0;
    const auto factory = [&] { return ++calls; };
    CHECK(result(cache.get_or_set("key", factory, 10ns)) == 1);
    CHECK(result(cache.get_or_set("key", factory, 1h)) == 1);
    CHECK(calls == 1);
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
    CHECK(result(cache.get_or_set("other", factory)) == 2);
    CHECK(result(cache.deadline("other")) == std::nullopt);
}

TEMPLATE_TEST_CASE("the time to live of get_or_set counts from the store", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    const auto slow = [] {
        test_clock::advance(100ns);
        return 1;
    };
    result(cache.get_or_set("key", slow, 10ns));
    CHECK(result(cache.deadline("key")) == test_clock::at(1110));
}

TEMPLATE_TEST_CASE("what a factory stores under the key itself stays", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    const auto factory = [&] {
        result(cache.set("key", 1, {.time_to_live = 10ns}));
        return 2;
    };
    CHECK(result(cache.get_or_set("key", factory, 1h)) == 1);
    CHECK(result(cache.get("key")) == 1);
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
}

TEMPLATE_TEST_CASE("a factory that throws changes nothing", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    const auto fails = []() -> int { throw std::domain_error("no value"); };
    CHECK_THROWS_AS(result(cache.get_or_set("key", fails)), std::domain_error);
    CHECK(cache.empty());
}

// Bulk verbs.

TEMPLATE_TEST_CASE("get_many gives the live ones in request order", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}}));
    result(cache.set("dead", 4, {.time_to_live = 0s}));
    CHECK(listed(result(cache.get_many({"c", "missing", "a", "dead", "c"}))) ==
          listing{{"c", 3}, {"a", 1}, {"c", 3}});
    CHECK(cache.size() == 3);
}

TEMPLATE_TEST_CASE("keys may be any range of strings", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"0", 0}, {"1", 1}, {"2", 2}}));
    const listing both = {{"1", 1}, {"0", 0}};
    const auto works = [&](auto&& keys) {
        using keys_type = decltype(keys);
        const listing found = listed(result(cache.get_many(std::forward<keys_type>(keys))));
        const std::size_t erased = result(cache.erase_many(std::forward<keys_type>(keys)));
        return found == both && erased == 2 && cache.size() == 1;
    };
    SECTION("std::vector of std::string") { CHECK(works(std::vector<std::string>{"1", "0"})); }
    SECTION("an array of literals") {
        const char* const keys[] = {"1", "0"};
        CHECK(works(keys));
    }
    SECTION("std::initializer_list") { CHECK(works(std::initializer_list<std::string>{"1", "0"})); }
    SECTION("strings made on the fly") {
        CHECK(works(generated{2, [](int i) { return std::to_string(1 - i); }}));
    }
    SECTION("an lvalue") {
        std::vector<std::string_view> keys = {"1", "0"};
        CHECK(works(keys));
        CHECK(keys == std::vector<std::string_view>{"1", "0"});
    }
    SECTION("none") {
        CHECK(result(cache.get_many(std::vector<std::string>())).empty());
        CHECK(result(cache.erase_many(std::vector<std::string>())) == 0);
        CHECK(cache.size() == 3);
    }
}

TEMPLATE_TEST_CASE("erase_many counts live entries and each once", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    result(cache.set_many({{"a", 1}, {"b", 2}, {"c", 3}}));
    result(cache.set("dead", 4, {.time_to_live = 0s}));
    CHECK(result(cache.erase_many({"a", "missing", "a", "dead", "c"})) == 2);
    CHECK(listed(result(cache.get_many({"a", "b", "c"}))) == listing{{"b", 2}});
    CHECK(cache.size() == 1);
}

TEMPLATE_TEST_CASE("items may be any range of pairs", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    SECTION("std::map") { result(cache.set_many(std::map<std::string, int>{{"0", 0}, {"1", 1}})); }
    SECTION("an array") {
        const std::pair<const char*, int> items[] = {{"0", 0}, {"1", 1}};
        result(cache.set_many(items));
    }
    SECTION("values to be converted") {
        result(cache.set_many(std::vector<std::pair<std::string, short>>{{"0", {}}, {"1", 1}}));
    }
    SECTION("tuples") {
        result(cache.set_many(std::vector<std::tuple<std::string, int>>{{"0", 0}, {"1", 1}}));
    }
    SECTION("pairs made on the fly") {
        result(cache.set_many(generated{2, [](int i) { return std::pair(std::to_string(i), i); }}));
    }
    CHECK(cache.size() == 2);
    CHECK(listed(result(cache.get_many({"0", "1"}))) == listing{{"0", 0}, {"1", 1}});
}

TEMPLATE_TEST_CASE("set_many stores in order with one deadline and counts",
                   "",
                   CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    CHECK(result(cache.set_many({{"a", 1}, {"b", 2}, {"a", 3}}, {.time_to_live = 10ns})) == 3);
    CHECK(listed(result(cache.get_many({"a", "b"}))) == listing{{"a", 3}, {"b", 2}});
    CHECK(result(cache.deadline("a")) == test_clock::at(1010));
    CHECK(result(cache.deadline("b")) == test_clock::at(1010));
    CHECK(result(cache.set_many({{"a", 4}, {"c", 5}, {"c", 6}}, {.if_not_exists = true})) == 1);
    CHECK(listed(result(cache.get_many({"a", "c"}))) == listing{{"a", 3}, {"c", 5}});
    CHECK(result(cache.set_many(std::map<std::string, int>())) == 0);
}

TEMPLATE_TEST_CASE("set_many moves out of a container given up to it",
                   "",
                   flavour::sync,
                   flavour::async,
                   flavour::concurrent) {
    using support::move_only;
    auto cache = fresh<TestType, move_only>();
    SECTION("std::map") {
        std::map<std::string, move_only> items;
        items.emplace("key", 7);
        CHECK(result(cache.set_many(std::move(items))) == 1);
    }
    SECTION("std::vector") {
        std::vector<std::pair<std::string, move_only>> items;
        items.emplace_back("key", 7);
        CHECK(result(cache.set_many(std::move(items))) == 1);
    }
    SECTION("std::move_iterator") {
        std::pair<std::string, move_only> item("key", 7);
        struct {
            std::move_iterator<decltype(&item)> first, last;
            auto begin() const { return first; }
            auto end() const { return last; }
        } items = {std::make_move_iterator(&item), std::make_move_iterator(&item + 1)};
        CHECK(result(cache.set_many(items)) == 1);
    }
    SECTION("pairs made on the fly") {
        const generated items = {1, [](int) { return std::pair("key", move_only(7)); }};
        CHECK(result(cache.set_many(items)) == 1);
    }
    CHECK(result(cache.take("key")).value().number == 7);
}

namespace {

using items_of_throwing = std::vector<std::pair<std::string, support::throwing>>;

/// A view, that is a range that does not own its items.
struct items_view {
    items_of_throwing::iterator first, last;

    auto begin() const { return first; }
    auto end() const { return last; }
};

} // namespace

template <>
inline constexpr bool std::ranges::enable_view<items_view> = true;

TEMPLATE_TEST_CASE("set_many never moves out of what it was not given", "", CACHETORY_FLAVOURS) {
    using support::throwing;
    auto cache = fresh<TestType, throwing>();
    items_of_throwing items = {{"a", 1}, {"b", 2}};
    SECTION("an lvalue") { CHECK(result(cache.set_many(items)) == 2); }
    SECTION("a const rvalue") {
        CHECK(result(cache.set_many(std::move(std::as_const(items)))) == 2);
    }
    SECTION("a view") {
        CHECK(result(cache.set_many(items_view{items.begin(), items.end()})) == 2);
    }
    SECTION("pairs of references") {
        std::vector<std::pair<std::string_view, throwing&>> pairs;
        for (auto& [key, value] : items) {
            pairs.emplace_back(key, value);
        }
        CHECK(result(cache.set_many(std::move(pairs))) == 2);
    }
    SECTION("pairs of references made on the fly") {
        const generated pairs = {2, [&](int i) {
                                     auto& [key, value] = items[static_cast<std::size_t>(i)];
                                     return std::pair<const std::string&, throwing&>(key, value);
                                 }};
        CHECK(result(cache.set_many(pairs)) == 2);
    }
    CHECK(items[0].second.number == 1);
    CHECK(items[1].second.number == 2);
    CHECK(items[0].first == "a");
    CHECK(result(cache.get("a")).number == 1);
    CHECK(result(cache.get("b")).number == 2);
}

// Keys.

TEMPLATE_TEST_CASE("any bytes make a key", "", CACHETORY_FLAVOURS) {
    const std::vector<std::string> keys = {"",
                                           " ",
                                           "a",
                                           std::string("a\0", 2),
                                           std::string("a\0b", 3),
                                           std::string("\0", 1),
                                           "\xff\xfe\x80",
                                           "\xc3",
                                           std::string(1 << 20, 'x'),
                                           std::string(1 << 20, 'x') + "y"};
    auto cache = fresh<TestType>();
    for (std::size_t i = 0; i != keys.size(); ++i) {
        CHECK(result(cache.set(keys[i], int(i), {.if_not_exists = true})));
    }
    CHECK(cache.size() == keys.size());
    for (std::size_t i = 0; i != keys.size(); ++i) {
        CHECK(result(cache.get(keys[i])) == int(i));
        CHECK(result(cache.erase(keys[i])));
        CHECK(!result(cache.contains(keys[i])));
    }
    CHECK(cache.empty());
}

// Construction.

TEMPLATE_TEST_CASE("from_url takes the URL of a memory backend", "", CACHETORY_FLAVOURS) {
    test_clock::reset();
    auto cache = decltype(fresh<TestType>())::from_url("memory://");
    CHECK(cache.empty());
    CHECK(result(cache.set("key", 1)));
    CHECK(result(cache.get("key")) == 1);
}

TEMPLATE_TEST_CASE("from_url refuses any other URL and names it", "", CACHETORY_FLAVOURS) {
    const std::string url =
        GENERATE("redis://localhost", "memory:/", "memory://x", "MEMORY://", "");
    CAPTURE(url);
    try {
        (void)decltype(fresh<TestType>())::from_url(url);
        FAIL("accepted");
    } catch (const std::invalid_argument& error) {
        CHECK(std::string(error.what()).find('"' + url + '"') != std::string::npos);
    }
}

TEMPLATE_TEST_CASE("reserve changes no entry", "", CACHETORY_FLAVOURS) {
    auto cache = fresh<TestType>();
    add_expired(cache);
    result(cache.set("live", 2, {.time_to_live = 10ns}));
    (void)cache.reserve(10'000);
    CHECK(cache.size() == 2);
    CHECK(result(cache.get("live")) == 2);
    CHECK(result(cache.deadline("live")) == test_clock::at(1020));
}

TEMPLATE_TEST_CASE("a moved-from cache is empty and usable", "", CACHETORY_FLAVOURS) {
    using cache_type = decltype(fresh<TestType>());
    if constexpr (std::movable<cache_type>) {
        auto from = fresh<TestType>();
        result(from.set("key", 1, {.time_to_live = 10ns}));
        cache_type to;
        result(to.set("old", 2));
        SECTION("constructed from") {
            cache_type made = std::move(from);
            to = std::move(made);
            CHECK(made.empty());
        }
        SECTION("assigned from") { to = std::move(from); }
        CHECK(to.size() == 1);
        CHECK(result(to.deadline("key")) == test_clock::at(1010));
        CHECK(from.empty());
        CHECK(!result(from.contains("key")));
        CHECK(result(from.purge_expired()) == 0);
        CHECK(result(from.set("key", 3)));
        CHECK(result(from.get("key")) == 3);
        CHECK(result(to.get("key")) == 1);
    }
}
