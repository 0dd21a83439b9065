// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_EVERY_VERB_HPP
#define CACHETORY_TESTS_SUPPORT_EVERY_VERB_HPP

#include "backends.hpp"
#include "capabilities.hpp"
#include "faults.hpp"
#include "steps.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace support {

template <class T>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<cachetory::ready_future<T>> = true;

/// How a verb acts on one cache or on two. Made from a lambda that calls the verb.
template <class Cache>
class action {
public:
    template <class Call>
    constexpr action(Call) : act_(act<Call>), has_future_(is_future<outcome<Call>>) {}

    /// Calls the verb, sets `returned`, and gets the result of the future if there is one.
    void operator()(Cache& cache, Cache& other, bool& returned) const {
        act_(cache, other, returned);
    }

    bool has_future() const { return has_future_; }

private:
    template <class Call>
    static decltype(auto) call(Cache& cache, Cache& other) {
        if constexpr (std::invocable<Call, Cache&>) {
            return Call()(cache);
        } else {
            return Call()(cache, other);
        }
    }

    template <class Call>
    using outcome = decltype(call<Call>(std::declval<Cache&>(), std::declval<Cache&>()));

    template <class Call>
    static void act(Cache& cache, Cache& other, bool& returned) {
        if constexpr (std::is_void_v<outcome<Call>>) {
            call<Call>(cache, other);
        } else {
            outcome<Call> got = call<Call>(cache, other);
            returned = true;
            if constexpr (std::is_void_v<decltype(result(std::forward<outcome<Call>>(got)))>) {
                result(std::forward<outcome<Call>>(got));
            } else {
                check(result(std::forward<outcome<Call>>(got)));
            }
        }
    }

    /// Checks that the values that `get_many` returns are alive, whatever a destructor has done
    /// meanwhile.
    template <class Got>
    static void check(const Got& got) {
        if constexpr (requires { got.front().second; }) {
            for (const auto& each : got) {
                census::check(std::addressof(each.second));
            }
        }
    }

    void (*act_)(Cache&, Cache&, bool&);
    bool has_future_;
};

/// A verb in one situation.
template <class Cache>
struct verb {
    const char* name;
    unsigned faults; ///< The kinds that can happen in it.
    support::steps steps;
    action<Cache> act;
    bool in_any_order = false; ///< It may do its only step in parts, in any order.
};

/// The step that gives the live entry a new deadline.
constexpr step redate(std::optional<faulty_clock::time_point> deadline) {
    return change{names.live, entry{1, deadline}};
}

/// Every verb in every situation that makes a difference to it.
template <class Cache>
std::vector<verb<Cache>> every_verb() {
    using namespace fault;
    using C = Cache;
    using wire = typename C::wire_type;
    constexpr bool shared = !std::movable<C>;

    // What can fail in a miss, in a hit of an entry with a deadline, and in a hit that returns a
    // value, stores one, or makes one.
    constexpr unsigned locks = shared ? lock : none;
    constexpr unsigned miss = hash | locks;
    constexpr unsigned hit = miss | fault::clock;
    constexpr unsigned give = shared ? hit | copy | move : hit;
    constexpr unsigned put = hit | move;
    constexpr unsigned insert = put | allocation;
    constexpr unsigned make = insert | give | call;
    constexpr unsigned build = shared ? new_hash | allocation : new_hash;

    constexpr auto at = [](int ticks) { return faulty_clock::at(ticks); };
    constexpr entry nine = {9, at(1100)};
    constexpr step add = change{names.absent, nine};
    constexpr step replace = change{names.live, nine};
    constexpr step renew = change{names.expired, nine};
    constexpr step redate_endless = change{names.endless, entry{2, at(1100)}};
    constexpr step change_in_place = change{names.live, entry{9, at(2000)}};
    constexpr step drop = change{names.live};
    constexpr step drop_endless = change{names.endless};
    constexpr step drop_dead = change{names.expired};
    constexpr step drop_dead_too = change{names.expired_too};
    constexpr step purge = {change{names.expired}, change{names.expired_too}};
    constexpr step drop_first_and_dead = {change{names.live}, change{names.expired},
                                          change{names.expired_too}};
    constexpr step drop_all = {change{names.live}, change{names.endless}, change{names.expired},
                               change{names.expired_too}};
    constexpr step fail; // having changed nothing more

    static constexpr cachetory::set_options lease = {.time_to_live = 100ns};
    static constexpr cachetory::set_options if_new = {.time_to_live = 100ns, .if_not_exists = true};
    static constexpr auto five = [] {
        return std::array<faulty_key, 5>{
            {{key.live}, {key.expired}, {key.absent}, {key.expired_too}, {key.endless}}};
    };
    static constexpr auto four = [] {
        return std::array<faulty_key, 4>{{{key.live}, {key.absent}, {key.expired}, {key.endless}}};
    };
    static constexpr auto nines = [] {
        return std::array<std::pair<faulty_key, int>, 3>{
            {{{key.absent}, 9}, {{key.live}, 9}, {{key.expired}, 9}}};
    };
    static constexpr auto lent = [](const wire& value) {
        return std::array<std::pair<faulty_key, const wire&>, 2>{
            {{{key.absent}, value}, {{key.live}, value}}};
    };
    static constexpr auto make_nine = [] {
        may_strike(call);
        return wire(9);
    };
    static constexpr auto make_lease = [] {
        may_strike(call);
        return cachetory::expiring<wire>{9, 100ns};
    };
    static constexpr auto make_it_nine = [](wire& value) {
        may_strike(call);
        value.number = 9;
    };
    static constexpr auto is_first = [](std::string_view, const wire& value) {
        may_strike(call);
        return value.number == 1;
    };
    using coarse = std::chrono::time_point<manual_clock<>, std::chrono::microseconds>;
    using wall = std::chrono::sys_time<std::chrono::hours>;

    // clang-format off
    static constexpr verb<C> table[] = {
        {"get", give, {}, [](C& c) -> decltype(auto) { return c.get(key.live); }},
        {"get, absent", miss | allocation, {},
            [](C& c) -> decltype(auto) { return c.get(key.absent); }},
        {"get, expired", hit | allocation, {drop_dead, fail},
            [](C& c) -> decltype(auto) { return c.get(key.expired); }},
        {"find", give, {}, [](C& c) { return c.find(key.live); }},
        {"find, absent", miss, {}, [](C& c) { return c.find(key.absent); }},
        {"find, expired", hit, {drop_dead}, [](C& c) { return c.find(key.expired); }},
        {"contains", hit, {}, [](C& c) { return c.contains(key.live); }},
        {"contains, absent", miss, {}, [](C& c) { return c.contains(key.absent); }},
        {"contains, expired", hit, {drop_dead}, [](C& c) { return c.contains(key.expired); }},
        {"deadline", hit, {}, [](C& c) { return c.deadline(key.live); }},
        {"deadline, absent", miss | allocation, {}, [](C& c) { return c.deadline(key.absent); }},
        {"deadline, expired", hit | allocation, {drop_dead, fail},
            [](C& c) { return c.deadline(key.expired); }},
        {"get_many", give | call | allocation, {drop_dead, drop_dead_too, fail},
            [](C& c) { return c.get_many(five()); }},
        {"visit", hit | call, {change_in_place}, [](C& c) { return c.visit(key.live, make_it_nine); }},
        {"visit, absent", miss, {}, [](C& c) { return c.visit(key.absent, make_it_nine); }},
        {"visit, expired", hit, {drop_dead},
            [](C& c) { return c.visit(key.expired, make_it_nine); }},
        {"touch", give, {redate(at(1100))}, [](C& c) { return c.touch(key.live, 100ns); }},
        {"touch, absent", miss, {}, [](C& c) { return c.touch(key.absent, 100ns); }},
        {"touch, expired", hit, {drop_dead}, [](C& c) { return c.touch(key.expired, 100ns); }},
        {"take", hit | move, {drop}, [](C& c) { return c.take(key.live); }},
        {"take, absent", miss, {}, [](C& c) { return c.take(key.absent); }},
        {"take, expired", hit, {drop_dead}, [](C& c) { return c.take(key.expired); }},

        {"set", put, {replace}, [](C& c) { return c.set(key.live, 9, lease); }},
        {"set, absent", insert, {add}, [](C& c) { return c.set(key.absent, 9, lease); }},
        {"set, expired", put, {renew}, [](C& c) { return c.set(key.expired, 9, lease); }},
        {"set new", hit, {}, [](C& c) { return c.set(key.live, 9, if_new); }},
        {"set new, absent", insert, {add}, [](C& c) { return c.set(key.absent, 9, if_new); }},
        {"set new, expired", put, {renew}, [](C& c) { return c.set(key.expired, 9, if_new); }},
        {"set_many", insert | call, {add, replace, renew},
            [](C& c) { return c.set_many(nines(), lease); }},
        {"set_many new", insert | call, {add, renew},
            [](C& c) { return c.set_many(nines(), if_new); }},
        {"set_many of copies", insert | call | copy, {add, replace},
            [](C& c) { const wire value = 9; return c.set_many(lent(value), lease); }},
        {"get_or_set", give, {},
            [](C& c) -> decltype(auto) { return c.get_or_set(key.live, make_nine, 100ns); }},
        {"get_or_set, absent", make, {add},
            [](C& c) -> decltype(auto) { return c.get_or_set(key.absent, make_nine, 100ns); }},
        {"get_or_set, expired", make, {drop_dead, renew},
            [](C& c) -> decltype(auto) { return c.get_or_set(key.expired, make_nine, 100ns); }},
        {"get_or_set, absent, of expiring", make, {add},
            [](C& c) -> decltype(auto) { return c.get_or_set(key.absent, make_lease); }},
        {"get_or_set, coming second", make, {add, fail}, [](C& c) -> decltype(auto) {
            return c.get_or_set(key.absent, [&] {
                (void)result(c.set(key.absent, 9, lease));
                return make_nine();
            });
        }},
        {"set_or_visit", hit | call, {change_in_place},
            [](C& c) { return c.set_or_visit(key.live, 9, make_it_nine, 100ns); }},
        {"set_or_visit, absent", insert, {add},
            [](C& c) { return c.set_or_visit(key.absent, 9, make_it_nine, 100ns); }},
        {"set_or_visit, expired", put, {renew},
            [](C& c) { return c.set_or_visit(key.expired, 9, make_it_nine, 100ns); }},

        {"expire_at", hit, {redate(at(1500))},
            [](C& c) { return c.expire_at(key.live, faulty_clock::at(1500)); }},
        {"expire_at, in other ticks", hit, {redate(at(3000))},
            [](C& c) { return c.expire_at(key.live, coarse(3us)); }},
        {"expire_at, by the wall clock", hit, {redate({})},
            [](C& c) { return c.expire_at(key.live, wall::max() - 1h); }}, // saturates
        {"expire_at, never", hit, {redate({})},
            [](C& c) { return c.expire_at(key.live, std::nullopt); }},
        {"expire_at, absent", miss, {}, [](C& c) { return c.expire_at(key.absent, {}); }},
        {"expire_at, expired", hit, {drop_dead}, [](C& c) { return c.expire_at(key.expired, {}); }},
        {"expire_in", hit, {redate(at(1100))}, [](C& c) { return c.expire_in(key.live, 100ns); }},
        {"expire_in, never", hit, {redate({})}, [](C& c) { return c.expire_in(key.live, {}); }},
        {"expire_in, endless", hit, {redate_endless},
            [](C& c) { return c.expire_in(key.endless, 100ns); }},
        {"expire_in, absent", miss, {}, [](C& c) { return c.expire_in(key.absent, 100ns); }},
        {"expire_in, expired", hit, {drop_dead},
            [](C& c) { return c.expire_in(key.expired, 100ns); }},
        {"erase", hit, {drop}, [](C& c) { return c.erase(key.live); }},
        {"erase, absent", miss, {}, [](C& c) { return c.erase(key.absent); }},
        {"erase, expired", hit, {drop_dead}, [](C& c) { return c.erase(key.expired); }},
        {"erase_many", hit | call, {drop, drop_dead, drop_endless},
            [](C& c) { return c.erase_many(four()); }},
        {"erase_if", locks | fault::clock | call | allocation, {drop_first_and_dead},
            [](C& c) { return c.erase_if(is_first); }, true},
        {"clear", locks, {drop_all}, [](C& c) { return c.clear(); }, true},
        {"purge_expired", hit, {purge}, [](C& c) { return c.purge_expired(); }, true},

        {"for_each", locks | fault::clock | call, {}, [](C& c) { return c.for_each(is_first); }},
        {"reserve", locks | allocation, {}, [](C& c) { return c.reserve(10'000); }},
        {"size", locks, {}, [](C& c) { return c.size(); }},
        {"empty", locks, {}, [](C& c) { return c.empty(); }},
        {"construction", build, {}, [](C&) { const C made; }},
        {"from_url", build, {}, [](C&) { (void)C::from_url(url_of<C>()); }},
    };
    // clang-format on
    std::vector<verb<C>> all(std::begin(table), std::end(table));

    if constexpr (std::is_nothrow_move_constructible_v<wire>) { // else it is destroyed under the
                                                                // lock
        all.push_back({"visit that returns a copy", hit | copy, {}, [](C& c) {
                           return c.visit(key.live, [](const wire& value) { return value; });
                       }});
    }
    if constexpr (evicts<C>) { // all, because which one is evicted is not promised
        all.push_back(
            {"evict", hit | new_hash, {drop_all}, [](C& c) { return c.evict(100); }, true});
    }
    if constexpr (std::copyable<C>) {
        constexpr step become_other = {change{names.live, entry{8}}, change{names.endless},
                                       change{names.expired}, change{names.expired_too}};
        all.push_back({"set, the first", insert, {drop_all, add}, [](C& c) {
                           c = C(); // so that the table must grow, in the others each shard's does
                           return c.set(key.absent, 9, lease);
                       }});
        all.push_back({"copy construction", allocation | copy | new_hash, {}, [](C& c) {
                           const C made = c;
                           disarm(); // a fault in its noexcept destructor would end the program
                       }});
        all.push_back({"copy assignment", allocation | copy, {become_other}, [](C& c, C& other) {
                           c = other;
                       }});
        all.push_back({"move construction", none, {}, [](C& c) {
                           C made = std::move(c);
                           c = std::move(made);
                       }});
        all.push_back({"move assignment", none, {become_other}, [](C& c, C& other) {
                           c = std::move(other);
                       }});
    }
    return all;
}

/// Runs the verb on `cache` and, if it takes two, on another one. Returns the key that it reports
/// as missing.
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

} // namespace support

#endif
