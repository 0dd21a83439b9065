// SPDX-License-Identifier: MIT
// Whether every single-key operation of the concurrent cache takes effect at one instant: thousands
// of short random histories, each of which must be explained by some order of its operations.
#include "support/linearizability.hpp"

#include <cachetory/concurrent_memory_backend.hpp>

#include "support/catch.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using support::linearizability::absent;
using support::linearizability::history;
using support::linearizability::linearizable;
using support::linearizability::model;
using support::linearizability::never;
using support::linearizability::operation;
using support::linearizability::verb;

namespace {

/// Lets other threads run now and then. Two cores alone would hardly ever meet in an operation.
class scheduler {
public:
    static void seed(std::uint32_t seed) { state() = seed | 1; }

    static void maybe_yield() noexcept {
        std::uint32_t& x = state(); // xorshift
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        if (x % 4 == 0) {
            std::this_thread::yield();
        }
    }

private:
    static std::uint32_t& state() {
        static thread_local std::uint32_t random = 1;
        return random;
    }
};

class yielding_mutex {
public:
    void lock() {
        scheduler::maybe_yield();
        mutex_.lock();
        scheduler::maybe_yield();
    }

    void unlock() {
        scheduler::maybe_yield();
        mutex_.unlock();
        scheduler::maybe_yield();
    }

private:
    std::mutex mutex_;
};

struct yielding_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<yielding_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() {
        scheduler::maybe_yield();
        const time_point read = time_point(duration(current));
        scheduler::maybe_yield();
        return read;
    }

    static inline std::atomic<std::int64_t> current = model::first_time;
};

/// A number in two halves, so that a copy made while another thread writes can be told.
class yielding_number {
public:
    yielding_number(std::int64_t n) : first_(n), second_(n) {}
    yielding_number(const yielding_number& other) : yielding_number(0) { *this = other; }
    yielding_number(yielding_number&& other) noexcept : yielding_number(0) {
        *this = std::move(other);
    }
    yielding_number& operator=(const yielding_number& other) {
        first_ = other.first_;
        scheduler::maybe_yield();
        second_ = other.second_;
        return *this;
    }
    yielding_number& operator=(yielding_number&& other) noexcept {
        first_ = std::exchange(other.first_, moved_from);
        scheduler::maybe_yield();
        second_ = std::exchange(other.second_, moved_from);
        return *this;
    }
    ~yielding_number() { scheduler::maybe_yield(); }

    void add(std::int64_t n) {
        first_ += n;
        scheduler::maybe_yield();
        second_ += n;
    }

    /// What no history has as a result, if the halves differ.
    std::int64_t get() const { return first_ == second_ ? first_ : torn; }

private:
    static constexpr std::int64_t moved_from = -3;
    static constexpr std::int64_t torn = -4;

    std::int64_t first_;
    std::int64_t second_;
};

using cache_under_test = cachetory::concurrent_memory_backend<yielding_number,
                                                              yielding_clock,
                                                              cachetory::string_hash,
                                                              yielding_mutex>;

// The caches by which the checker is checked.

/// One mutex, one map. `find` may be faulty: it looks under one lock and evicts under another.
template <bool LooksAgain>
class simple_cache {
public:
    using time_point = yielding_clock::time_point;

    explicit simple_cache(std::size_t) {}

    std::optional<yielding_number> find(std::string_view key) {
        std::optional<yielding_number> found;
        bool expired = false;
        {
            const std::lock_guard lock(mutex_);
            const auto at = entries_.find(std::string(key));
            expired = at != entries_.end() && at->second.deadline <= yielding_clock::now();
            if (at != entries_.end() && !expired) {
                found = at->second.value;
            }
        }
        if (expired) {
            const std::lock_guard lock(mutex_);
            const auto at = entries_.find(std::string(key));
            if (at != entries_.end() &&
                (!LooksAgain || at->second.deadline <= yielding_clock::now())) {
                entries_.erase(at);
            }
        }
        return found;
    }

    template <class F>
    bool visit(std::string_view key, F f) {
        return with_live(key, [&](entry& live, time_point) { f(live.value); });
    }

    bool contains(std::string_view key) {
        return with_live(key, [](entry&, time_point) {});
    }

    std::optional<time_point> deadline(std::string_view key) {
        time_point when;
        if (!with_live(key, [&](entry& live, time_point) { when = live.deadline; })) {
            throw cachetory::key_error(key);
        }
        return when == time_point::max() ? std::nullopt : std::optional(when);
    }

    std::optional<yielding_number> take(std::string_view key) {
        std::optional<yielding_number> taken;
        with_live(key, [&](entry& live, time_point) {
            taken = live.value;
            live.deadline = time_point::min();
        });
        return taken;
    }

    bool erase(std::string_view key) { return take(key).has_value(); }

    bool set(std::string_view key, yielding_number value, cachetory::set_options options = {}) {
        const std::lock_guard lock(mutex_);
        return store(key, std::move(value), options).second;
    }

    template <class Factory>
    yielding_number
    get_or_set(std::string_view key, Factory factory, std::optional<cachetory::ttl> life) {
        if (auto found = find(key)) {
            return *found;
        }
        yielding_number made = factory();
        const std::lock_guard lock(mutex_);
        return store(key, std::move(made), {life, true}).first;
    }

    bool expire_at(std::string_view key, std::optional<time_point> when) {
        return with_live(key, [&](entry& live, time_point) {
            live.deadline = when.value_or(time_point::max());
        });
    }

    bool expire_in(std::string_view key, std::optional<cachetory::ttl> life) {
        return with_live(key,
                         [&](entry& live, time_point now) { live.deadline = after(now, life); });
    }

    auto get_many(const std::vector<std::string>& keys) {
        std::vector<std::pair<std::string, yielding_number>> found;
        for (const std::string& key : keys) {
            if (auto value = find(key)) {
                found.emplace_back(key, *value);
            }
        }
        return found;
    }

    void clear() {
        const std::lock_guard lock(mutex_);
        entries_.clear();
    }

    std::size_t purge_expired() { return 0; }

private:
    struct entry {
        yielding_number value;
        time_point deadline;
    };

    static time_point after(time_point now, std::optional<cachetory::ttl> life) {
        return life ? cachetory::detail::saturating_add(now, *life) : time_point::max();
    }

    std::pair<yielding_number, bool>
    store(std::string_view key, yielding_number value, cachetory::set_options options) {
        const auto at = entries_.find(std::string(key));
        const time_point now = yielding_clock::now();
        if (options.if_not_exists && at != entries_.end() && !(at->second.deadline <= now)) {
            return {at->second.value, false};
        }
        const entry stored = {std::move(value), after(now, options.time_to_live)};
        return {entries_.insert_or_assign(std::string(key), stored).first->second.value, true};
    }

    template <class Operation>
    bool with_live(std::string_view key, Operation operate) {
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(std::string(key));
        const time_point now = yielding_clock::now(); // once: another thread may set it forward
        if (at == entries_.end() || at->second.deadline <= now) {
            return false;
        }
        operate(at->second, now);
        return true;
    }

    yielding_mutex mutex_;
    std::map<std::string, entry> entries_;
};

using sound_cache = simple_cache<true>;
using evicts_what_it_no_longer_knows = simple_cache<false>;

struct finds_then_sets : cache_under_test {
    using cache_under_test::cache_under_test;

    bool set(std::string_view key, yielding_number value, cachetory::set_options options = {}) {
        if (options.if_not_exists && find(key)) {
            return false;
        }
        return cache_under_test::set(key, std::move(value), {options.time_to_live});
    }
};

/// One that has no instant at all.
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

/// What one thread does in one history, and saw.
template <class Cache>
class actor {
public:
    actor(int number, std::uint64_t seed, Cache& cache, std::atomic<std::int64_t>& stamps)
        : number_(number), random_(seed), cache_(cache), stamps_(stamps) {}

    history act() {
        scheduler::seed(static_cast<std::uint32_t>(random_()));
        for (int n = roll(3) + 2; n != 0; --n) {
            act_once();
        }
        return std::move(seen_);
    }

    /// Looks at everything.
    history look_around() {
        for (std::size_t key = 0; key != key_count; ++key) {
            do_deadline({.what = verb::deadline, .key = key});
            do_look_up({.what = verb::look_up, .key = key});
        }
        return std::move(seen_);
    }

private:
    static constexpr std::size_t key_count = 3;
    using time_point = typename Cache::time_point;

    int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

    static std::string name(std::size_t key) {
        return std::string(1, static_cast<char>('a' + key));
    }

    /// Differs from every other in this history, also after any additions.
    std::int64_t unique() { return 100 * (number_ * 20 + ++made_) + 1; }

    std::optional<std::int64_t> life() {
        return roll(3) == 0 ? std::nullopt : std::optional<std::int64_t>(roll(4));
    }

    void invoke(operation& op) { op.invoked = stamps_++; }

    void respond(operation op, std::int64_t result) {
        op.returned = stamps_++;
        op.result = result;
        op.thread = number_;
        seen_.push_back(op);
    }

    static std::optional<cachetory::ttl> as_ttl(std::optional<std::int64_t> ticks) {
        return ticks ? std::optional<cachetory::ttl>(std::chrono::nanoseconds(*ticks))
                     : std::nullopt;
    }

    void do_look_up(operation op) {
        invoke(op);
        const auto found = cache_.find(name(op.key));
        respond(op, found ? found->get() : absent);
    }

    void do_deadline(operation op) {
        const std::string key = name(op.key);
        std::int64_t when = absent;
        invoke(op);
        try {
            const auto deadline = cache_.deadline(key);
            when = deadline ? deadline->time_since_epoch().count() : never;
        } catch (const cachetory::key_error&) {
        }
        respond(op, when);
    }

    void do_get_or_set(operation op) {
        op.what = verb::look_up;
        operation store = {verb::store_first, op.key, unique(), life()};
        bool missed = false;
        invoke(op);
        const auto factory = [&] {
            respond(op, absent);
            missed = true;
            invoke(store);
            return yielding_number(store.argument);
        };
        const auto value = cache_.get_or_set(name(op.key), factory, as_ttl(store.life));
        respond(missed ? store : op, value.get());
    }

    /// In one call, but with an instant for each key.
    void do_get_many(operation op) {
        std::array<std::int64_t, key_count> values;
        values.fill(absent);
        invoke(op);
        for (const auto& [key, value] :
             cache_.get_many(std::vector<std::string>{name(0), name(1), name(2)})) {
            values[static_cast<std::size_t>(key[0] - 'a')] = value.get();
        }
        for (op.key = 0; op.key != key_count; ++op.key) {
            respond(op, values[op.key]);
        }
    }

    void do_clear(operation op) {
        op.what = verb::clear;
        invoke(op);
        cache_.clear();
        for (op.key = 0; op.key != key_count; ++op.key) {
            respond(op, 0);
        }
    }

    void act_once() {
        operation op;
        op.key = static_cast<std::size_t>(roll(4) % 3); // one of them more often
        const std::string key = name(op.key);
        switch (roll(24)) {
        case 0:
        case 1:
        case 2:
            return do_look_up(op);
        case 3:
            op.what = verb::contains;
            invoke(op);
            return respond(op, cache_.contains(key));
        case 4: {
            op.what = verb::take;
            invoke(op);
            const auto taken = cache_.take(key);
            return respond(op, taken ? taken->get() : absent);
        }
        case 5:
            op.what = verb::erase;
            invoke(op);
            return respond(op, cache_.erase(key));
        case 6:
        case 7:
        case 8:
            op = {verb::set, op.key, unique(), life()};
            invoke(op);
            return respond(op, cache_.set(key, op.argument, {as_ttl(op.life)}));
        case 9:
        case 10:
        case 11:
            op = {verb::set_if_absent, op.key, unique(), life()};
            invoke(op);
            return respond(op, cache_.set(key, op.argument, {as_ttl(op.life), true}));
        case 12:
            op = {verb::expire_in, op.key, 0, life()};
            invoke(op);
            return respond(op, cache_.expire_in(key, as_ttl(op.life)));
        case 13:
            op = {verb::expire_at, op.key, model::first_time + roll(6)};
            invoke(op);
            return respond(
                op, cache_.expire_at(key, time_point(std::chrono::nanoseconds(op.argument))));
        case 14:
            return do_deadline({.what = verb::deadline, .key = op.key});
        case 15:
        case 16: {
            op = {verb::add, op.key, 1};
            std::int64_t before = absent;
            invoke(op);
            cache_.visit(key, [&](yielding_number& value) {
                before = value.get();
                value.add(op.argument);
            });
            return respond(op, before);
        }
        case 17:
        case 18:
            return do_get_or_set(op);
        case 19:
            return do_get_many(op);
        case 20:
            if (roll(3) == 0) {
                return do_clear(op);
            }
            cache_.purge_expired(); // which nobody can see
            return;
        default:
            op = {verb::advance_clock, op.key, 1 + roll(2)};
            invoke(op);
            return respond(op, yielding_clock::current += op.argument);
        }
    }

    int number_;
    std::mt19937_64 random_;
    Cache& cache_;
    std::atomic<std::int64_t>& stamps_;
    int made_ = 0;
    history seen_;
};

/// Runs and checks histories for some time, in threads that stay.
template <class Cache>
class explorer {
public:
    explicit explorer(std::uint64_t seed) : random_(seed) {
        for (std::size_t i = 0; i != most_threads; ++i) {
            threads_.emplace_back([this, i] { work(i); });
        }
    }

    explorer(const explorer&) = delete;
    explorer& operator=(const explorer&) = delete;

    ~explorer() {
        cache_ = std::nullopt;
        phase_.arrive_and_wait();
        for (std::thread& each : threads_) {
            each.join();
        }
    }

    /// The first history that cannot be explained, in words; empty if there was none.
    std::string find_fault(std::chrono::duration<double> time) {
        const auto end = std::chrono::steady_clock::now() + time;
        do {
            const history all = next_history();
            ++histories;
            for (std::size_t i = 0; i != all.size(); ++i) {
                for (std::size_t j = 0; j != i; ++j) {
                    overlaps += all[i].thread != all[j].thread &&
                                all[i].invoked < all[j].returned &&
                                all[j].invoked < all[i].returned;
                }
            }
            if (!linearizable(all)) {
                std::ostringstream words;
                words << "history " << histories << ":\n" << all;
                return words.str();
            }
        } while (std::chrono::steady_clock::now() < end);
        return {};
    }

    std::size_t histories = 0;
    std::size_t overlaps = 0; ///< Pairs of operations of two threads at the same time.

private:
    static constexpr std::size_t most_threads = 4;

    history next_history() {
        yielding_clock::current = model::first_time;
        stamps_ = 0;
        cache_.emplace(1 + random_() % 3);
        seed_ = random_();
        active_ = 2 + random_() % (most_threads - 1);
        phase_.arrive_and_wait(); // they begin
        phase_.arrive_and_wait(); // they are done
        history all = actor<Cache>(most_threads, 0, *cache_, stamps_).look_around();
        for (history& each : seen_) {
            all.insert(all.end(), each.begin(), each.end());
            each.clear();
        }
        return all;
    }

    void work(std::size_t i) {
        for (;;) {
            phase_.arrive_and_wait();
            if (!cache_) {
                return;
            }
            if (i < active_) {
                seen_[i] = actor<Cache>(static_cast<int>(i), seed_ + i, *cache_, stamps_).act();
            }
            phase_.arrive_and_wait();
        }
    }

    std::mt19937_64 random_;
    std::optional<Cache> cache_;
    std::atomic<std::int64_t> stamps_ = 0;
    std::uint64_t seed_ = 0;
    std::size_t active_ = 0;
    std::array<history, most_threads> seen_;
    std::barrier<> phase_{most_threads + 1};
    std::vector<std::thread> threads_;
};

std::chrono::duration<double> time_to_explore() {
    const char* const seconds = std::getenv("CACHETORY_LINEARIZABILITY_SECONDS");
    return std::chrono::duration<double>(seconds ? std::atof(seconds) : 3.0);
}

} // namespace

TEST_CASE("the concurrent cache can be explained by one order of its operations") {
    explorer<cache_under_test> explore(20'240'601);
    const std::string fault = explore.find_fault(time_to_explore());
    std::cout << "linearizability: " << explore.histories << " histories, " << explore.overlaps
              << " overlapping pairs of operations\n";
    INFO(fault);
    CHECK(fault.empty());
    CHECK(explore.overlaps > 0);
}

// The checker itself.

TEST_CASE("the checker finds nothing wrong with one mutex around a map") {
    explorer<sound_cache> explore(1);
    const std::string fault = explore.find_fault(std::chrono::milliseconds(500));
    INFO(fault);
    CHECK(fault.empty());
}

TEMPLATE_TEST_CASE("the checker finds faults of caches that let go of the lock too early",
                   "",
                   evicts_what_it_no_longer_knows,
                   finds_then_sets,
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

TEST_CASE("the checker accepts what some order of overlapping operations explains") {
    CHECK(linearizable({}));
    CHECK(linearizable({op(verb::set, 7, true, 0, 3), op(verb::look_up, 0, absent, 1, 2)}));
    CHECK(linearizable({op(verb::set, 7, true, 0, 3), op(verb::look_up, 0, 7, 1, 2)}));
    CHECK(linearizable({op(verb::set, 7, true, 0, 9), op(verb::set, 8, true, 1, 8),
                        op(verb::look_up, 0, 8, 2, 3), op(verb::look_up, 0, 7, 4, 5)}));
    operation brief = op(verb::set, 7, true, 0, 1);
    brief.life = 1;
    CHECK(linearizable({brief, op(verb::advance_clock, 1, 1001, 2, 5),
                        op(verb::look_up, 0, 7, 3, 4), op(verb::look_up, 0, absent, 6, 7)}));
}

TEST_CASE("the checker rejects what no order explains") {
    // stale, from nowhere, forgotten
    CHECK(!linearizable({op(verb::set, 7, true, 0, 1), op(verb::look_up, 0, absent, 2, 3)}));
    CHECK(!linearizable({op(verb::look_up, 0, 7, 0, 1), op(verb::set, 7, true, 2, 3)}));
    // there and back: 7 may come after 8 or before it but not both
    CHECK(!linearizable({op(verb::set, 7, true, 0, 9), op(verb::set, 8, true, 1, 8),
                         op(verb::look_up, 0, 8, 2, 3), op(verb::look_up, 0, 7, 4, 5),
                         op(verb::look_up, 0, 8, 6, 7)}));
    // two winners, a lost addition
    CHECK(!linearizable(
        {op(verb::set_if_absent, 7, true, 0, 3), op(verb::set_if_absent, 8, true, 1, 2)}));
    CHECK(!linearizable(
        {op(verb::set, 7, true, 0, 1), op(verb::add, 1, 7, 2, 5), op(verb::add, 1, 7, 3, 4)}));
    // the clock of one key is the clock of the other
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
