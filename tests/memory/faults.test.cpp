// SPDX-License-Identifier: MIT
// Every verb of every backend in memory keeps promise 9, whatever fails and whenever it fails.
#include "support/every_verb.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using support::backends_in_memory;
using support::census;
using support::entries;
using support::entry;
using support::observe;
using support::result;
namespace fault = support::fault;

namespace {

std::optional<entry> at(const entries& all, const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
}

/// Whether each entry by itself is as in one of `states`. If a failing move could not be undone, an
/// entry may also be moved from, with its first deadline.
bool each_is_whole(const entries& seen, const std::vector<entries>& states, bool beyond_help) {
    const auto is_whole = [&](const std::string& name) {
        const auto found = at(seen, name);
        const auto before = at(support::at_first, name);
        return std::any_of(states.begin(), states.end(),
                           [&](const entries& state) { return at(state, name) == found; }) ||
               (beyond_help && found && before && found->deadline == before->deadline &&
                found->value == support::moved_from);
    };
    return std::all_of(seen.begin(), seen.end(),
                       [&](auto& each) { return is_whole(each.first); }) &&
           std::all_of(support::at_first.begin(), support::at_first.end(),
                       [&](auto& each) { return is_whole(each.first); });
}

/// Whether a verb may leave `seen` behind when it fails.
template <class Cache>
bool is_allowed(const entries& seen, const support::verb<Cache>& verb, fault::kind kind) {
    auto states = verb.steps.states();
    if (kind == fault::move || kind == fault::all_moves || verb.in_any_order) {
        return each_is_whole(seen, states, kind == fault::all_moves);
    }
    if (states.size() > 1) {
        states.pop_back();
    }
    return std::find(states.begin(), states.end(), seen) != states.end();
}

/// Makes the n-th fault of a kind happen in a verb. Returns whether the verb reached it.
template <class Cache>
bool meets(const support::verb<Cache>& verb, fault::kind kind, std::size_t n) {
    CAPTURE(verb.name, kind, n);
    Cache cache;
    Cache other;
    support::fill(cache);
    (void)result(other.set(support::key.live, 8));
    const auto act = [&](bool& returned) {
        try {
            verb.act(cache, other, returned);
        } catch (const fault::error&) {
            return false;
        } catch (const std::bad_alloc&) {
            return false;
        } catch (const cachetory::key_error&) {
        }
        return true;
    };

    bool returned = false;
    fault::arm(kind, n);
    const bool done = act(returned);
    const bool struck = fault::disarm();
    const entries seen = observe(cache);
    CHECK(done != struck); // no fault is swallowed
    CHECK(cache.size() == seen.size());
    if (struck) {
        CHECK((returned || !verb.act.has_future()));
        CHECK(is_allowed(seen, verb, kind));
        CHECK(act(returned)); // the same call succeeds afterwards
    }
    CHECK(observe(cache) == verb.steps.states().back());
    CHECK(census::count == int(cache.size() + other.size()));
    CHECK(support::works(cache));
    CHECK(std::exchange(census::wrongs, 0) == 0);
    CHECK(support::locks_held == 0);
    return struck;
}

template <class Cache>
void sweep(const support::verb<Cache>& verb) {
    unsigned met = 0;
    for (const fault::kind kind : fault::kinds) {
        // Destructors and moves are noexcept, so these two faults in them would end the program.
        const bool fatal = kind == fault::new_hash || kind == fault::lock;
        if (fatal && (verb.faults & kind) == 0) {
            continue;
        }
        for (std::size_t n = 1; meets(verb, kind, n); ++n) {
            REQUIRE(n < 5000); // a lock for each shard, for example
            met |= kind;
        }
    }
    const bool safe_moves = std::is_nothrow_move_constructible_v<typename Cache::wire_type>;
    const unsigned cannot = safe_moves ? fault::move : fault::none;
    CAPTURE(verb.name);
    CHECK((verb.faults & ~met) == (verb.faults & cannot));
    // Libraries differ in how often they hash; a future may move the result once more.
    CHECK((met & ~verb.faults & ~(fault::hash | fault::move | fault::all_moves)) == 0);
}

template <class Cache>
void sweep_every_verb() {
    for (const auto& verb : support::every_verb<Cache>()) {
        sweep(verb);
    }
}

template <class Entry, class Wire>
void sweep_with_every_mutex() {
    sweep_every_verb<support::faulty<Entry, Wire>>();
    if constexpr (Entry::has.shared) {
        sweep_every_verb<support::faulty<Entry, Wire, std::mutex>>();
    }
}

} // namespace

BACKEND_TEST_CASE("a fault at any moment in any verb has no effect if moves are safe",
                  "[faults][promise-9]",
                  backends_in_memory) {
    sweep_with_every_mutex<TestType, support::wire<true>>();
}

BACKEND_TEST_CASE("a fault at any moment in any verb leaves whole entries if moves are not safe",
                  "[faults][promise-9]",
                  backends_in_memory) {
    sweep_with_every_mutex<TestType, support::wire<false>>();
}
