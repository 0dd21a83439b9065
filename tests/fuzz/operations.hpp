// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_OPERATIONS_HPP
#define CACHETORY_TESTS_FUZZ_OPERATIONS_HPP

#include "../support/flavours.hpp"
#include "arithmetic.hpp"
#include "input.hpp"
#include "model.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <ranges>
#include <ratio>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fuzz {

using support::result;

/// The same in every process, so that a run can be repeated.
struct fixed_hash : cachetory::string_hash {
    fixed_hash() : string_hash(key_type{0x9e3779b97f4a7c15, 0xd1b54a32d192ed03, 3, 5}) {}
};

/// Makes keys collide.
struct crude_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept { return text.size() % 3; }
};

/// What dies must die unlocked: its destructor may come back.
struct strict_mutex {
    void lock() { expect(!std::exchange(locked, true), "a mutex is locked twice"); }

    void unlock() { locked = false; }

    bool locked = false;
};

template <class Hash>
using concurrent = cachetory::concurrent_memory_backend<value, clock, Hash, strict_mutex>;

/// An async_backend makes it for itself, so the number of shards is in the type.
struct three_shards : concurrent<fixed_hash> {
    three_shards() : concurrent_memory_backend(3) {}

    static three_shards from_url(std::string_view) { return {}; }
};

template <class Cache>
inline constexpr bool hands_out_references = requires(Cache& c) {
    { result(c.find("")) } -> std::same_as<value*>;
};

/// The clock stands where every deadline but the lowest is ahead, for a while.
struct everything_lives {
    everything_lives() { clock::current = clock::at(lowest); }
    everything_lives(const everything_lives&) = delete;
    everything_lives& operator=(const everything_lives&) = delete;
    ~everything_lives() { clock::current = before; }

    clock::time_point before = clock::current;
};

/// A key of an operation: a text of its own or, where references are handed out, a view of one that
/// is stored.
struct any_key {
    enum class view { of_itself, of_key, of_value };

    template <class Cache>
    std::string_view in(Cache& c) const {
        if (of != view::of_itself) {
            const everything_lives here;
            const auto found = result(c.get_many({stored_under}));
            if constexpr (hands_out_references<Cache>) {
                if (!found.empty()) {
                    return of == view::of_key ? found[0].first : found[0].second.text;
                }
            }
        }
        return text;
    }

    std::string text;
    view of = view::of_itself;
    std::string stored_under = {};
};

/// What a factory may do meanwhile; and, of it the first four, a value when it dies, because these
/// come to the same in whatever order values die.
struct deed {
    enum class verb { nothing, look_up, erase, bury, store, clear, wait };

    verb what = verb::nothing;
    std::string key = {};
    ticks time = 0;
};

struct content {
    std::string text;
    deed last_wish;
};

struct factory_error : std::exception {};

/// What an operation comes to, where that does not depend on the order in which values die.
using outcome = std::optional<std::string>;

inline std::string show(std::size_t n) { return std::to_string(n); }
inline std::string show(const value& found) { return '"' + found.text + '"'; }
inline std::string show(const value* hit) { return hit ? show(*hit) : "nothing"; }
inline std::string show(const std::optional<value>& hit) { return show(hit ? &*hit : nullptr); }
inline std::string show(std::optional<clock::time_point> deadline) {
    return deadline ? std::to_string(deadline->time_since_epoch().count()) : "never";
}
template <std::ranges::range Pairs>
std::string show(const Pairs& pairs) {
    std::string all;
    for (const auto& [key, found] : pairs) {
        all.append(key).append(": ").append(show(found)).append(", ");
    }
    return all;
}

/// Has every flavour and the model do the same, and compares what it comes to.
class operations {
public:
    /// Where it is `haunted`, values may do something when they die.
    operations(input& in, bool haunted) : in_(in), haunted_(haunted) { clock::reset(); }

    void run() {
        while (!in_.empty()) {
            step();
        }
        compare_all();
    }

private:
    void step() {
        switch (in_.below(32)) {
        default:
            return set();
        case 0:
        case 1:
            return set_many();
        case 2:
        case 3:
            return get_or_set();
        case 4:
            return on_key("find", [](auto& c, auto key) { return result(c.find(key)); });
        case 5:
            return on_key("get", [](auto& c, auto key) -> value { return result(c.get(key)); });
        case 6:
            return on_key("contains", [](auto& c, auto key) { return result(c.contains(key)); });
        case 7:
            return on_key("deadline", [](auto& c, auto key) { return result(c.deadline(key)); });
        case 8:
            return on_key("take", [](auto& c, auto key) { return result(c.take(key)); });
        case 9:
            return on_key("erase", [](auto& c, auto key) { return result(c.erase(key)); });
        case 10:
            return on_key("expire_in", [life = in_.life()](auto& c, auto key) {
                return result(c.expire_in(key, life));
            });
        case 11:
        case 12:
            return expire_at();
        case 13:
            return change();
        case 14:
            return get_many();
        case 15:
            return each("erase_many",
                        [keys = keys()](auto& c) { return show(result(c.erase_many(keys))); });
        case 16:
            return each("clear", [this](auto& c) { return clear(c), outcome(); });
        case 17:
        case 18:
            return purge();
        case 19:
            return purge_some();
        case 20:
            return copy_and_move();
        case 21:
            return replace();
        case 22:
            return each("reserve", [n = in_.byte()](auto& c) {
                return finish([&] { return c.reserve(n); }), outcome();
            });
        case 23:
        case 24:
        case 25:
            clock::current = clock::at(time());
            return;
        case 26:
            return compare_all();
        }
    }

    void set() {
        const cachetory::set_options options = {in_.life(), in_.flag()};
        on_key("set", [&, given = given()](auto& c, auto key) {
            return result(c.set(key, make(c, given), options));
        });
    }

    /// Some, or so many that tables grow.
    void set_many() {
        std::vector<std::pair<std::string, content>> given(in_.below(6));
        for (auto& [key, what] : given) {
            key = in_.text();
            what = this->given();
        }
        if (given.empty()) {
            const content same = this->given();
            for (std::size_t i = in_.below(80); i != 0; --i) {
                given.emplace_back(std::to_string(i), same);
            }
        }
        const cachetory::set_options options = {in_.life(), in_.flag()};
        each("set_many", [&, moved = in_.flag()](auto& c) {
            std::vector<std::pair<std::string, value>> items;
            for (const auto& [key, what] : given) {
                items.emplace_back(key, make(c, what));
            }
            return moved ? show(result(c.set_many(std::move(items), options)))
                         : show(result(c.set_many(items, options))) + " of " + show(items);
        });
    }

    void get_or_set() {
        const any_key key = this->key();
        const content given = this->given();
        const std::optional<cachetory::ttl> life = in_.life();
        deed meanwhile = any_deed(7);
        if (in_.flag()) {
            meanwhile.key = key.text;
        }
        each("get_or_set", [&, fails = in_.below(8) == 7](auto& c) {
            std::string calls;
            const auto factory = [&] {
                calls += "a call, ";
                perform(c, meanwhile);
                return fails ? throw factory_error() : make(c, given);
            };
            try {
                auto&& got = result(c.get_or_set(key.in(c), factory, life));
                return calls + (haunted_ ? "" : show(got)); // it may be gone as others died
            } catch (const factory_error&) {
                return calls + "a failure";
            }
        });
    }

    void expire_at() {
        using namespace std::chrono;
        const auto at = [this](auto deadline) {
            on_key("expire_at", [&](auto& c, auto k) { return result(c.expire_at(k, deadline)); });
        };
        const auto after_epoch = [&](auto length) {
            at(std::chrono::time_point<clock, decltype(length)>(length));
        };
        switch (in_.below(9)) {
        case 0:
            return at(std::optional<clock::time_point>());
        case 1:
            return at(std::optional(clock::at(time())));
        case 2:
            return after_epoch(milliseconds(in_.number()));
        case 3:
            return after_epoch(hours(in_.number()));
        case 4:
            return after_epoch(duration<ticks, std::pico>(in_.number()));
        case 5:
            return after_epoch(duration<double>(in_.real()));
        case 6: // what stands between the ends depends on the wall clock
            return at(in_.flag() ? sys_time<hours>::min() : sys_time<hours>::max());
        default:
            return at(clock::at(time()));
        }
    }

    void change() {
        on_key("a change", [text = in_.text()](auto& c, auto key) {
            const auto write = [&](value& found) { found.text = text; };
            if constexpr (requires { c.visit(key, write); }) {
                return result(c.visit(key, write));
            } else {
                value* const hit = result(c.find(key));
                return hit != nullptr && (write(*hit), true);
            }
        });
    }

    void get_many() {
        each("get_many", [this, keys = keys()](auto& c) -> outcome {
            using cache = std::decay_t<decltype(c)>;
            const std::string found = show(result(c.get_many(keys)));
            // One by one, what has been found is safe from those who die later.
            constexpr bool one_by_one = !hands_out_references<cache> && !std::same_as<cache, model>;
            return haunted_ && one_by_one ? std::nullopt : outcome(found);
        });
    }

    /// In one sweep, or in as many as it takes.
    void purge() {
        const std::size_t expired = model_.keys(true).size();
        const std::size_t visits = haunted_ || in_.flag() ? unlimited : in_.below(9) + 1;
        each("purge_expired", [&](auto& c) {
            std::size_t purged = result(c.purge_expired(visits));
            for (int sweeps = 5000; visits != unlimited && purged < expired && sweeps; --sweeps) {
                purged += result(c.purge_expired(visits));
            }
            while (haunted_ && result(c.purge_expired()) != 0) { // the dying may have moved others
            }
            return haunted_ ? outcome() : show(purged);
        });
    }

    /// Each cache chooses what to visit: what is gone from one has to go from all.
    void purge_some() {
        if (haunted_) {
            return purge();
        }
        const std::size_t visits = in_.below(24);
        const std::vector<std::string> expired = model_.keys(true);
        each_cache([&](const char* flavour, auto& c) {
            const std::size_t size = c.size();
            const std::size_t purged = result(c.purge_expired(visits));
            expect(purged <= visits && purged == size - c.size(), "what purge_expired returns for ",
                   flavour);
        });
        const everything_lives here;
        for (const std::string& key : expired) {
            bool everywhere = true;
            each_cache([&](auto&, auto& c) { everywhere &= result(c.contains(key)); });
            if (!everywhere) {
                each_cache([&](auto&, auto& c) { result(c.erase(key)); });
                model_.erase(key);
            }
        }
        each("purge_expired", [](auto&) { return outcome(); }); // nothing else is gone
    }

    /// Not copied where values are haunted, because copies would not be.
    void copy_and_move() {
        each("copy and move", [this](auto& c) {
            using cache = std::decay_t<decltype(c)>;
            if constexpr (hands_out_references<cache>) {
                const auto use_empty = [](cache& empty) {
                    const bool stored = result(empty.set("a", value("left over"), {{}, true}));
                    expect(stored && empty.size() == 1, "it is not empty after a move");
                };
                cache other;
                cache& itself = c;
                use_empty(other);
                other = std::move(c);
                use_empty(c);
                c = cache(std::move(other));
                use_empty(other);
                c = std::move(itself);
                if (!haunted_) {
                    other = c;
                    c = cache(other);
                    c = itself;
                }
            }
            return outcome();
        });
    }

    /// Something new takes its place where it can.
    void replace() {
        each("replacing", [this](auto& c) {
            using cache = std::decay_t<decltype(c)>;
            if constexpr (hands_out_references<cache>) {
                c = cache();
            }
            return clear(c), outcome();
        });
    }

    /// What is stored and until when, expired or not.
    void compare_all() {
        const everything_lives here;
        for (const std::string& key : model_.keys()) {
            each("everything", [&](auto& c) {
                return attempt([&]() -> value { return result(c.get(key)); }) + " until " +
                       attempt([&] { return result(c.deadline(key)); });
            });
        }
    }

    // What operations are made of.

    ticks time() {
        const bool from_now = in_.flag();
        return saturated(wide(in_.number()) + (from_now ? now() : 0));
    }

    any_key key() {
        const std::size_t way = in_.below(8);
        if (way < 6 || model_.empty()) {
            return {in_.text()};
        }
        const std::vector<std::string> keys = model_.keys();
        const std::string& stored = keys[in_.below(keys.size())];
        return way == 6 ? any_key{stored, any_key::view::of_key, stored}
                        : any_key{model_.text_of(stored), any_key::view::of_value, stored};
    }

    /// All that are stored, or a few.
    std::vector<std::string> keys() {
        if (in_.flag()) {
            return model_.keys();
        }
        std::vector<std::string> some(in_.below(6));
        for (std::string& key : some) {
            key = in_.text();
        }
        return some;
    }

    content given() {
        std::string text = in_.text();
        return {std::move(text), haunted_ ? any_deed(4) : deed()};
    }

    deed any_deed(std::size_t choice) {
        const auto what = static_cast<deed::verb>(in_.below(choice));
        return what == deed::verb::nothing ? deed() : deed{what, in_.text(), in_.number()};
    }

    template <class Cache>
    value make(Cache& c, const content& given) {
        if (given.last_wish.what == deed::verb::nothing) {
            return value(given.text);
        }
        return value(given.text, [this, &c, wish = given.last_wish] { perform(c, wish); });
    }

    template <class Cache>
    void perform(Cache& c, const deed& d) {
        static constexpr std::string_view grave = "grave"; // is never erased by those who die
        switch (d.what) {
        case deed::verb::nothing:
            break;
        case deed::verb::erase:
            if (d.key != grave) {
                result(c.erase(d.key));
                break;
            }
            [[fallthrough]];
        case deed::verb::look_up:
            static_cast<void>(result(c.contains(d.key)));
            break;
        case deed::verb::bury:
            result(c.set(grave, value("R.I.P."), {}));
            break;
        case deed::verb::store:
            result(c.set(d.key, value("meanwhile"), {std::chrono::nanoseconds(d.time)}));
            break;
        case deed::verb::clear:
            clear(c);
            break;
        case deed::verb::wait:
            clock::current = clock::at(saturated(wide(now()) + d.time));
            break;
        }
    }

    /// Twice, because the dying may bury something in what is cleared already or not yet.
    template <class Cache>
    void clear(Cache& c) {
        for (int times = haunted_ ? 2 : 1; times != 0; --times) {
            finish([&] { return c.clear(); });
        }
    }

    // How they are done and compared.

    template <class Operation>
    static void finish(Operation operation) {
        if constexpr (std::is_void_v<decltype(operation())>) {
            operation();
        } else {
            result(operation());
        }
    }

    template <class Operation>
    static std::string attempt(Operation operation) {
        try {
            return show(operation());
        } catch (const cachetory::key_error& error) {
            return "an error, no " + error.key();
        }
    }

    template <class Operation>
    void on_key(const char* verb, Operation operation) {
        each(verb, [&, key = key()](auto& c) {
            return attempt([&]() -> decltype(auto) { return operation(c, key.in(c)); });
        });
    }

    template <class Operation>
    void each(const char* verb, Operation operation) {
        const clock::time_point before = clock::current;
        const outcome expected = operation(model_);
        const clock::time_point after = std::exchange(clock::current, before);
        each_cache([&](const char* flavour, auto& c) {
            const outcome got = operation(c);
            if ((got && got != expected) || c.size() != model_.size() ||
                c.empty() != model_.empty() || clock::current != after) {
                throw mismatch(std::string(verb) + " of " + flavour + " comes to " +
                               got.value_or("") + ", not to " + expected.value_or("") +
                               "; now the sizes are " + show(c.size()) + " and " +
                               show(model_.size()));
            }
            clock::current = before;
        });
        clock::current = after;
    }

    template <class Operation>
    void each_cache(Operation operation) {
        operation("memory_backend", memory_);
        operation("async_backend<memory_backend>", async_);
        operation("concurrent_memory_backend", concurrent_);
        operation("async_backend<concurrent_memory_backend>", async_concurrent_);
    }

    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    input& in_;
    bool haunted_;
    model model_;
    cachetory::memory_backend<value, clock, fixed_hash> memory_;
    cachetory::async_memory_backend<value, clock, crude_hash> async_;
    concurrent<crude_hash> concurrent_{1};
    cachetory::async_backend<three_shards> async_concurrent_;
};

/// Does what `bytes` mean. Throws a `mismatch` where the library does what it should not.
inline void run(std::span<const std::uint8_t> bytes) {
    input in(bytes);
    switch (in.below(8)) {
    case 0:
        return arithmetic(in);
    case 1:
        return hashing(in);
    case 2:
    case 3:
        return operations(in, true).run();
    default:
        return operations(in, false).run();
    }
}

} // namespace fuzz

#endif
