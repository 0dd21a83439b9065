// SPDX-License-Identifier: MIT
// Deadlines to the tick, with clocks that a test sets.
#include "support/contract.hpp"

#include <cachetory/backend.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>

using namespace std::chrono_literals;
using support::backends_in_memory;
using support::fresh;
using support::result;
using test_clock = support::manual_clock<>;
using ms_clock = support::manual_clock<std::chrono::milliseconds>;
using real_clock = support::manual_clock<std::chrono::duration<double>>;
using seconds_f = std::chrono::duration<double>;

BACKEND_TEST_CASE("an entry is dead at the very instant of its deadline",
                  "[expiry][promise-2]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    test_clock::current = test_clock::at(1009);
    CHECK(result(cache.contains("key")));
    test_clock::current = test_clock::at(1010);
    CHECK(!result(cache.contains("key")));

    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", test_clock::at(1010))));
    CHECK(!result(cache.contains("key")));
}

BACKEND_TEST_CASE("expire_in counts from the time of the clock",
                  "[ttl][promise-5]",
                  backends_in_memory) {
    auto cache = fresh<TestType>();
    result(cache.set("key", 1, {.time_to_live = 10ns}));
    CHECK(result(cache.deadline("key")) == test_clock::at(1010));
    test_clock::advance(9ns);
    CHECK(result(cache.expire_in("key", 10ns)));
    CHECK(result(cache.deadline("key")) == test_clock::at(1019));
}

namespace {

template <class Entry, class Clock>
void saturates() {
    using limits = std::numeric_limits<typename Clock::rep>;
    using hours = std::chrono::duration<std::int64_t, std::ratio<3600>>; // on every platform
    auto cache = fresh<Entry, int, Clock>();
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

BACKEND_TEST_CASE("times out of range saturate wherever the clock stands",
                  "[ttl][promise-5]",
                  backends_in_memory) {
    SECTION("ns") { saturates<TestType, support::manual_clock<std::chrono::nanoseconds>>(); }
    SECTION("us") { saturates<TestType, support::manual_clock<std::chrono::microseconds>>(); }
    SECTION("ms") { saturates<TestType, support::manual_clock<std::chrono::milliseconds>>(); }
    SECTION("s") { saturates<TestType, support::manual_clock<std::chrono::seconds>>(); }
}

BACKEND_TEST_CASE("the largest time point means never", "[ttl][promise-5]", backends_in_memory) {
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

BACKEND_TEST_CASE("one tick before the largest time point is a deadline",
                  "[ttl][promise-5]",
                  backends_in_memory) {
    constexpr auto last = test_clock::time_point::max() - 1ns;
    auto cache = fresh<TestType>();
    test_clock::current = last - 1h;
    result(cache.set("key", 1, {.time_to_live = 1h}));
    CHECK(result(cache.deadline("key")) == last);
    test_clock::current = last;
    CHECK(!result(cache.contains("key")));
}

BACKEND_TEST_CASE("times are rounded up to the tick of the clock",
                  "[ttl][promise-5]",
                  backends_in_memory) {
    auto cache = fresh<TestType, int, ms_clock>();
    const auto after = [&](cachetory::ttl length) {
        result(cache.set("key", 1));
        result(cache.expire_in("key", length));
        ms_clock::current = ms_clock::at(0); // when it has not passed in any case
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

BACKEND_TEST_CASE("expire_at takes times in other ticks", "[ttl][promise-5]", backends_in_memory) {
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

BACKEND_TEST_CASE("expire_at takes times of the wall clock",
                  "[ttl][promise-5]",
                  backends_in_memory) {
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

BACKEND_TEST_CASE("the wall clock can be the clock of the cache",
                  "[ttl][promise-5]",
                  backends_in_memory) {
    support::backend_of<TestType, int, std::chrono::system_clock> cache;
    const std::chrono::sys_days in_2200 = std::chrono::sys_days(std::chrono::days(84'006));
    result(cache.set("key", 1));
    CHECK(result(cache.expire_at("key", in_2200)));
    CHECK(result(cache.deadline("key")) == in_2200);
    CHECK(result(cache.expire_at("key", std::chrono::sys_days())));
    CHECK(!result(cache.contains("key")));
}

TEST_CASE("a time to live of zero is expired even at the very end of the clock",
          "[ttl][promise-5]") {
    cachetory::memory_backend<int, test_clock> cache;
    test_clock::current = test_clock::time_point::max();
    CHECK(cache.set("zero", 1, {.time_to_live = 0s}));
    CHECK(cache.set("tick", 1, {.time_to_live = 1ns}));
    CHECK_FALSE(cache.contains("zero"));
    CHECK(cache.contains("tick"));
    test_clock::reset();

    using seconds_clock = support::manual_clock<std::chrono::seconds>;
    cachetory::memory_backend<int, seconds_clock> coarse;
    seconds_clock::current = seconds_clock::time_point::max();
    CHECK(coarse.set("rounded up to zero", 1, {.time_to_live = -1ms}));
    CHECK_FALSE(coarse.contains("rounded up to zero"));
    seconds_clock::reset();
}

TEST_CASE("an expired entry does not become eternal at the end of a floating-point clock",
          "[ttl][promise-5]") {
    cachetory::memory_backend<int, real_clock> cache;
    real_clock::current = real_clock::time_point::max();
    const cachetory::ttl given =
        GENERATE(cachetory::ttl(0s), cachetory::ttl(-1h), cachetory::ttl::min());
    CHECK(cache.set("key", 1, {.time_to_live = given}));
    CHECK(!cache.contains("key"));
    real_clock::reset();
}

BACKEND_TEST_CASE("a deadline that is NaN has passed and an infinite one never passes",
                  "[ttl][promise-5]",
                  backends_in_memory) {
    using limits = std::numeric_limits<double>;
    auto cache = fresh<TestType, int, real_clock>();
    const auto lives_until = [&](double seconds) {
        CHECK(result(cache.set("key", 1)));
        CHECK(result(cache.expire_at("key", real_clock::at(seconds))));
        return result(cache.contains("key"));
    };
    for (const double now : {limits::lowest(), 0.0, limits::max()}) {
        real_clock::current = real_clock::at(now);
        CHECK(!lives_until(limits::quiet_NaN()));
        CHECK(!lives_until(-limits::infinity()));
        CHECK(lives_until(limits::infinity()));
        CHECK(lives_until(limits::max()));
        CHECK(!lives_until(limits::lowest()));
        CHECK(lives_until(limits::denorm_min()) == (now <= 0));
    }
    real_clock::reset();
}
