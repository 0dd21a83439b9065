// SPDX-License-Identifier: MIT
// What each verb of serialized_backend does if bytes cannot be read, and in which state it leaves
// the entry if the serializer throws.
#include <cachetory/serialized_backend.hpp>

#include "../support/catch.hpp"
#include "../support/faulty_serializer.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cachetory::expiring;
using cachetory::manual_clock;
using faulty = support::faulty_serializer;

namespace {

using in_memory = cachetory::
    serialized_backend<int, cachetory::memory_backend<std::string, manual_clock>, faulty>;
using shared =
    cachetory::serialized_backend<int,
                                  cachetory::concurrent_memory_backend<std::string, manual_clock>,
                                  faulty>;
using listing = std::vector<std::pair<std::string, int>>;

manual_clock::time_point at(std::chrono::nanoseconds since_start) {
    return manual_clock::time_point(since_start);
}

/// A cache whose "key" holds bytes that cannot be read until an hour is over, and "good" holds 1.
template <class Cache>
struct fixture {
    fixture() {
        manual_clock::set(at(0ns));
        faulty::reset();
        cache.set("key", 13, 1h);
        cache.set("good", 1);
        faulty::unreadable = 13;
    }

    /// Whether the unreadable bytes are unchanged.
    bool bytes_stay() {
        faulty::reset();
        return cache.find("key") == 13 && cache.deadline("key") == at(1h);
    }

    Cache cache;
};

} // namespace

// Verbs that read: unreadable bytes count as absent.

TEMPLATE_TEST_CASE("get treats unreadable bytes as absent", "", in_memory, shared) {
    fixture<TestType> test;
    std::string missing;
    try {
        static_cast<void>(test.cache.get("key"));
    } catch (const cachetory::key_error& error) {
        missing = error.key();
    }
    CHECK(missing == "key");
    CHECK(test.bytes_stay());
}

TEMPLATE_TEST_CASE("find treats unreadable bytes as absent", "", in_memory, shared) {
    fixture<TestType> test;
    CHECK(test.cache.find("key") == std::nullopt);
    CHECK(test.bytes_stay());
}

TEMPLATE_TEST_CASE("touch returns nothing for unreadable bytes but moves their deadline",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    CHECK(test.cache.touch("key", 2h) == std::nullopt);
    CHECK(test.cache.deadline("key") == at(2h));
}

TEMPLATE_TEST_CASE("get_many leaves unreadable bytes out", "", in_memory, shared) {
    fixture<TestType> test;
    CHECK(test.cache.get_many({"good", "key", "absent", "good"}) ==
          listing{{"good", 1}, {"good", 1}});
    CHECK(test.bytes_stay());
}

TEMPLATE_TEST_CASE("take returns nothing for unreadable bytes but erases them",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    CHECK(test.cache.take("key") == std::nullopt);
    CHECK_FALSE(test.cache.contains("key"));
}

TEMPLATE_TEST_CASE("get_or_set replaces unreadable bytes", "", in_memory, shared) {
    fixture<TestType> test;
    int calls = 0;
    const auto make = [&] { return ++calls; };
    SECTION("for the time to live it is given") {
        CHECK(test.cache.get_or_set("key", make, 5min) == 1);
        CHECK(test.cache.deadline("key") == at(5min));
    }
    SECTION("forever, if it is given none") {
        CHECK(test.cache.get_or_set("key", make) == 1);
        CHECK(test.cache.deadline("key") == std::nullopt);
    }
    SECTION("for the time to live that the factory returns") {
        CHECK(test.cache.get_or_set(
                  "key",
                  [&] {
                      return expiring<int>{make(), 7min};
                  },
                  5min) == 1);
        CHECK(test.cache.deadline("key") == at(7min));
    }
    CHECK(calls == 1);
    CHECK(test.cache.find("key") == 1);
}

TEMPLATE_TEST_CASE("get_or_set keeps a value that replaced unreadable bytes in the meantime",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    const auto make = [&] {
        test.cache.set("key", 2, 3min); // as another client might
        return 3;
    };
    CHECK(test.cache.get_or_set("key", make, 5min) == 2);
    CHECK(test.cache.find("key") == 2);
    CHECK(test.cache.deadline("key") == at(3min));
}

TEMPLATE_TEST_CASE("get_or_set returns what it made even if that cannot be read back",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    int calls = 0;
    const auto make = [&] {
        ++calls;
        return 13;
    };
    CHECK(test.cache.get_or_set("key", make) == 13);
    CHECK(test.cache.get_or_set("absent", make) == 13);
    CHECK(calls == 2);
}

// Other verbs: unreadable bytes are an entry.

TEMPLATE_TEST_CASE("verbs that do not read treat unreadable bytes as an entry",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    SECTION("contains") { CHECK(test.cache.contains("key")); }
    SECTION("deadline") { CHECK(test.cache.deadline("key") == at(1h)); }
    SECTION("set if_not_exists") {
        CHECK_FALSE(test.cache.set("key", 2, {.if_not_exists = true}));
        CHECK(test.bytes_stay());
    }
    SECTION("set_many if_not_exists") {
        CHECK(test.cache.set_many({{"key", 2}}, {.if_not_exists = true}) == 0);
        CHECK(test.bytes_stay());
    }
    SECTION("expire_in") {
        CHECK(test.cache.expire_in("key", 2h));
        CHECK(test.cache.deadline("key") == at(2h));
    }
    SECTION("expire_at") {
        CHECK(test.cache.expire_at("key", std::nullopt));
        CHECK(test.cache.deadline("key") == std::nullopt);
    }
    SECTION("erase") { CHECK(test.cache.erase("key")); }
    SECTION("erase_many") { CHECK(test.cache.erase_many({"key", "good", "absent"}) == 2); }
}

TEMPLATE_TEST_CASE("set replaces unreadable bytes", "", in_memory, shared) {
    fixture<TestType> test;
    CHECK(test.cache.set("key", 2));
    CHECK(test.cache.get("key") == 2);
    CHECK(test.cache.set_many({{"key", 3}}) == 1);
    CHECK(test.cache.get("key") == 3);
}

// A serializer that throws.

TEMPLATE_TEST_CASE("verbs that read throw what deserialize throws", "", in_memory, shared) {
    fixture<TestType> test;
    faulty::reading_fails = true;
    const auto make = [] { return 2; };
    SECTION("get") { CHECK_THROWS_AS(test.cache.get("key"), faulty::error); }
    SECTION("find") { CHECK_THROWS_AS(test.cache.find("key"), faulty::error); }
    SECTION("get_many") { CHECK_THROWS_AS(test.cache.get_many({"good", "key"}), faulty::error); }
    SECTION("get_or_set") { CHECK_THROWS_AS(test.cache.get_or_set("key", make), faulty::error); }
    CHECK(test.bytes_stay());
}

TEMPLATE_TEST_CASE("touch and take have done their work when deserialize throws",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    faulty::reading_fails = true;
    CHECK_THROWS_AS(test.cache.touch("key", 2h), faulty::error);
    CHECK(test.cache.deadline("key") == at(2h));
    CHECK_THROWS_AS(test.cache.take("key"), faulty::error);
    CHECK_FALSE(test.cache.contains("key"));
}

TEMPLATE_TEST_CASE("verbs that store throw what serialize throws and store nothing",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    faulty::writing_fails = 2;
    const auto make = [] { return 2; };
    SECTION("set") { CHECK_THROWS_AS(test.cache.set("key", 2), faulty::error); }
    SECTION("get_or_set of unreadable bytes") {
        CHECK_THROWS_AS(test.cache.get_or_set("key", make), faulty::error);
    }
    SECTION("get_or_set of an absent key") {
        CHECK_THROWS_AS(test.cache.get_or_set("absent", make), faulty::error);
        CHECK_FALSE(test.cache.contains("absent"));
    }
    SECTION("set_many, except for the items before the failure") {
        CHECK_THROWS_AS(test.cache.set_many({{"first", 1}, {"key", 2}, {"last", 3}}),
                        faulty::error);
        CHECK(test.cache.find("first") == 1);
        CHECK_FALSE(test.cache.contains("last"));
    }
    CHECK(test.bytes_stay());
}

TEMPLATE_TEST_CASE("unreadable bytes that are stored while a factory runs are replaced",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    const auto factory = [&] {
        test.cache.set("absent", 13); // as an older version of the program would
        return 7;
    };
    CHECK(test.cache.get_or_set("absent", factory, 1h) == 7);
    CHECK(test.cache.find("absent") == 7);
    CHECK(test.cache.deadline("absent") == at(1h));
}

TEMPLATE_TEST_CASE("a factory that replaces unreadable bytes may change what the key views",
                   "",
                   in_memory,
                   shared) {
    fixture<TestType> test;
    std::string key = "key";
    const auto factory = [&] {
        key = "new";
        return 7;
    };
    CHECK(test.cache.get_or_set(key, factory) == 7);
    CHECK(test.cache.find("key") == 7);
    CHECK_FALSE(test.cache.contains("new"));
}
