// SPDX-License-Identifier: MIT
// Promise 10 in every verb of every flavour: keys that view what is stored, values that call back
// when they die; and caches that have been moved from.
#include "support/every_verb.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::at_first;
using support::census;
using support::every_verb;
using support::faulty_clock;
using support::fill;
using support::key;
using support::names;
using support::observe;
using support::result;

namespace {

using value = support::wire<true>;

template <class Flavour>
using cache_of = support::faulty<Flavour, value>;

/// Does what the verb does, with one that may be taken for the other. Returns the key that it says
/// is missing.
template <class Cache>
std::string act(const support::verb<Cache>& verb, Cache& cache) {
    Cache other;
    (void)result(other.set(names.live, 8));
    bool returned = false;
    try {
        verb.act(cache, other, returned);
    } catch (const cachetory::key_error& error) {
        return error.key();
    }
    return "none";
}

/// Does each verb to a cache as it is at first, with the keys that `choose_keys(cache)` returns.
template <class Cache, class Choose>
void check_with_keys(Choose choose_keys) {
    for (const auto& verb : every_verb<Cache>()) {
        CAPTURE(verb.name);
        Cache cache;
        fill(cache);
        faulty_clock::current = faulty_clock::at(0); // when all are alive
        key = choose_keys(cache);
        faulty_clock::current = faulty_clock::at(1000);
        const std::string missing = act(verb, cache);
        key = names;
        CHECK((missing == "none" || missing == names.absent || missing == names.expired));
        CHECK(observe(cache) == verb.steps.states().back());
    }
}

} // namespace

TEMPLATE_TEST_CASE("a key may view a stored key in every verb", "", flavour::sync, flavour::async) {
    check_with_keys<cache_of<TestType>>([](auto& cache) {
        const auto found =
            result(cache.get_many({names.live, names.endless, names.expired, names.expired_too}));
        REQUIRE(found.size() == 4);
        REQUIRE(found[0].first.data() != names.live.data());
        return support::keys{found[0].first, found[1].first, found[2].first, found[3].first};
    });
}

TEMPLATE_TEST_CASE("a key may view a stored value in every verb",
                   "",
                   flavour::sync,
                   flavour::async) {
    check_with_keys<cache_of<TestType>>([](auto& cache) {
        const auto text_of = [&](std::string_view name) -> std::string_view {
            return result(cache.get(name)).text = name;
        };
        return support::keys{text_of(names.live), text_of(names.endless), text_of(names.expired),
                             text_of(names.expired_too)};
    });
}

TEMPLATE_TEST_CASE("a value may come from where it goes", "", flavour::sync, flavour::async) {
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
        // A pointer: to g++ 13 and 14 a reference looks as if it belonged to the temporary future.
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

namespace {

/// What a value may do when it dies.
template <class Cache>
std::vector<std::function<void(Cache&)>> all_words() {
    return {
        [](Cache& cache) { (void)result(cache.erase(names.live)); },
        [](Cache& cache) {
            (void)result(cache.erase_many({names.endless, names.expired}));
        },
        [](Cache& cache) { (void)result(cache.take(names.endless)); },
        [](Cache& cache) { (void)result(cache.set(names.live, 5)); },
        [](Cache& cache) {
            (void)result(cache.set_many({{names.expired, 5}, {names.absent, 5}}));
        },
        [](Cache& cache) { (void)result(cache.get_or_set(names.absent, [] { return 5; })).number; },
        [](Cache& cache) {
            (void)result(cache.get_many({names.expired, names.live}));
        },
        [](Cache& cache) { (void)result(cache.expire_in(names.live, 0ns)); },
        [](Cache& cache) { (void)result(cache.purge_expired()); },
        [](Cache& cache) { (void)cache.clear(); },
        [](Cache& cache) {
            for (int i = 0; i != 100; ++i) { // the table grows
                (void)result(cache.set(std::to_string(i), i));
            }
        },
    };
}

} // namespace

TEMPLATE_TEST_CASE("a destructor of a value may call back in every verb", "", CACHETORY_FLAVOURS) {
    using cache_type = cache_of<TestType>;
    const auto words = all_words<cache_type>();
    for (const auto& verb : every_verb<cache_type>()) {
        for (std::size_t i = 0; i != words.size(); ++i) {
            CAPTURE(verb.name, i);
            cache_type cache;
            fill(cache);
            bool spoken = false;
            census::last_words = [&] {
                if (!std::exchange(spoken, true)) {
                    words[i](cache);
                }
            };
            (void)act(verb, cache);
            census::last_words = nullptr;
            const auto left = verb.steps.states().back();
            const bool kills = std::string_view(verb.name) != "visit" &&
                               !std::includes(left.begin(), left.end(), at_first.begin(),
                                              at_first.end(), [](auto& a, auto& b) {
                                                  return std::pair(a.first, a.second.value) <
                                                         std::pair(b.first, b.second.value);
                                              });
            CHECK((spoken || !kills));
            CHECK(census::count == int(cache.size()));
            CHECK(support::works(cache));
            CHECK(std::exchange(census::wrongs, 0) == 0);
        }
    }
}

TEMPLATE_TEST_CASE("a destructor of a value may call back while the cache is destroyed",
                   "",
                   CACHETORY_FLAVOURS) {
    for (const auto& words : all_words<cache_of<TestType>>()) {
        int spoken = 0;
        bool speaking = false;
        {
            cache_of<TestType> cache;
            fill(cache);
            census::last_words = [&] {
                if (spoken != 20 && !std::exchange(speaking, true)) {
                    ++spoken; // so do those that it stores
                    words(cache);
                    speaking = false;
                }
            };
        }
        census::last_words = nullptr;
        CHECK(spoken > 0);
        CHECK(census::count == 0);
        CHECK(std::exchange(census::wrongs, 0) == 0);
    }
}

TEMPLATE_TEST_CASE("every verb works on a cache that was moved from",
                   "",
                   flavour::sync,
                   flavour::async) {
    using cache_type = cache_of<TestType>;
    for (const auto& verb : every_verb<cache_type>()) {
        CAPTURE(verb.name);
        cache_type fresh;
        cache_type moved;
        fill(moved);
        cache_type to = std::move(moved);
        CHECK(moved.empty()); // NOLINT(bugprone-use-after-move): it is the promise
        CHECK(act(verb, moved) == act(verb, fresh));
        CHECK(observe(moved) == observe(fresh));

        fresh = std::move(moved);
        fill(moved);
        (void)act(verb, moved);
        CHECK(observe(moved) == verb.steps.states().back());
        CHECK(observe(to) == at_first);
        CHECK(support::works(moved));
    }
}
