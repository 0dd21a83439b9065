// SPDX-License-Identifier: MIT
// Keys that view stored data, and values that come from the entry they are stored in, in every
// verb.
#include "support/contract.hpp"
#include "support/every_verb.hpp"

#include <cachetory/memory_backend.hpp>

#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;
using support::act;
using support::backends_in_memory;
using support::every_verb;
using support::faulty_clock;
using support::fill;
using support::names;
using support::observe;
using support::result;

namespace {

using with_references = support::backends_with<&support::features::references>;
using value = support::wire<true>;

template <class Entry>
using cache_of = support::faulty<Entry, value>;

/// Runs each verb on a freshly filled cache, with the keys that `choose_keys(cache)` returns.
template <class Cache, class Choose>
void check_with_keys(Choose choose_keys) {
    for (const auto& verb : every_verb<Cache>()) {
        CAPTURE(verb.name);
        Cache cache;
        fill(cache);
        faulty_clock::current = faulty_clock::at(0); // when all are alive
        support::key = choose_keys(cache);
        faulty_clock::current = faulty_clock::at(1000);
        const std::string missing = act(verb, cache);
        support::key = names;
        CHECK((missing == "none" || missing == names.absent || missing == names.expired));
        CHECK(observe(cache) == verb.steps.states().back());
    }
}

} // namespace

BACKEND_TEST_CASE("a key may view a stored key in every verb",
                  "[aliasing][promise-10]",
                  with_references) {
    check_with_keys<cache_of<TestType>>([](auto& cache) {
        const auto found =
            result(cache.get_many({names.live, names.endless, names.expired, names.expired_too}));
        REQUIRE(found.size() == 4);
        REQUIRE(found[0].first.data() != names.live.data());
        return support::keys{found[0].first, found[1].first, found[2].first, found[3].first};
    });
}

BACKEND_TEST_CASE("a key may view a stored value in every verb",
                  "[aliasing][promise-10]",
                  with_references) {
    check_with_keys<cache_of<TestType>>([](auto& cache) {
        const auto text_of = [&](std::string_view name) -> std::string_view {
            return result(cache.get(name)).text = name;
        };
        return support::keys{text_of(names.live), text_of(names.endless), text_of(names.expired),
                             text_of(names.expired_too)};
    });
}

BACKEND_TEST_CASE("a value may come from the entry that it replaces",
                  "[aliasing][promise-10]",
                  with_references) {
    cache_of<TestType> cache;
    fill(cache);
    const auto stored = [&](std::string_view name) -> value& { return *result(cache.find(name)); };
    stored(names.live).text = names.live;
    const auto is_stored = [&](std::string_view name) {
        return stored(name).number == 1 && stored(name).text == names.live;
    };
    SECTION("set over itself") {
        CHECK(result(cache.set(names.live, stored(names.live))));
        CHECK(is_stored(names.live));
    }
    SECTION("moved over itself") {
        CHECK(result(cache.set(names.live, std::move(stored(names.live)))));
        CHECK(is_stored(names.live));
    }
    SECTION("moved over another") {
        CHECK(result(cache.set(names.expired, std::move(stored(names.live)))));
        CHECK(is_stored(names.expired));
        CHECK(stored(names.live).number == support::moved_from);
    }
    SECTION("set over another") {
        CHECK(result(cache.set(names.expired, stored(names.live))));
        CHECK(is_stored(names.expired));
        CHECK(is_stored(names.live));
    }
    SECTION("set_many of what get_many found") {
        CHECK(result(cache.set_many(result(cache.get_many({names.live, names.endless})))) == 2);
        CHECK(is_stored(names.live));
        CHECK(stored(names.endless).number == 2);
    }
    SECTION("get_or_set of a reference") {
        const auto factory = [&]() -> value& { return stored(names.live); };
        // A pointer, because g++ 13 and 14 warn that a reference might refer to the temporary
        // future.
        const value* const got = &result(cache.get_or_set(names.expired, factory));
        CHECK(got == &stored(names.expired));
        CHECK(is_stored(names.expired));
        CHECK(is_stored(names.live));
    }
    SECTION("get_or_set of a key that its factory destroys") {
        const std::string_view own = stored(names.live).text = names.absent;
        CHECK(result(cache.get_or_set(own, [&] {
                  (void)cache.clear();
                  return 9;
              })).number == 9);
        CHECK(observe(cache) == support::entries{{std::string(names.absent), {9}}});
    }
}

TEST_CASE("a key may view a stored value and a value may come from the same entry",
          "[aliasing][promise-10]") {
    support::manual_clock<>::reset();
    cachetory::memory_backend<std::string, support::manual_clock<>> cache;
    const std::string name = "a key too long for the small string optimisation";
    cache.set(name, name);
    CHECK(cache.set(name, *cache.find(name)));
    CHECK(cache.get(name) == name);
    CHECK(cache.set(name, std::move(*cache.find(name))));
    CHECK(cache.get(name) == name);
    CHECK(cache.set(*cache.find(name), "overwritten")); // the key views the old value
    CHECK(cache.get(name) == "overwritten");
    cache.set(name, name);
    CHECK(cache.take(*cache.find(name)) == name);
    cache.set(name, name);
    CHECK(cache.erase(*cache.find(name)));
    cache.set(name, name);
    std::string& value = cache.get(name);
    CHECK(cache.get_or_set("new", [&] {
        cache.clear();
        return std::string("made");
    }) == "made");
    static_cast<void>(value);
    cache.set(name, name);
    CHECK(cache.get_or_set(*cache.find(name), [] { return std::string(); }) == name);
    cache.set("other", "not " + name);
    CHECK(cache.get_or_set(*cache.find("other"), [&] {
        cache.erase("other"); // destroys the key's characters
        return std::string("made");
    }) == "made");
    CHECK(cache.get("not " + name) == "made");
    CHECK(cache.set_many(cache.get_many({name, "not " + name})) == 2);
    CHECK(cache.get(name) == name);
}

BACKEND_TEST_CASE("a factory may change what the key views", "[aliasing]", backends_in_memory) {
    auto cache = support::fresh<TestType>();
    std::string key = "a";
    const auto factory = [&] {
        key = "b";
        return 1;
    };
    CHECK(result(cache.get_or_set(key, factory)) == 1);
    CHECK(result(cache.contains("a")));
    CHECK(!result(cache.contains("b")));
}
