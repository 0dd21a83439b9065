// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_OPERATIONS_HPP
#define CACHETORY_TESTS_FUZZ_OPERATIONS_HPP

#include "arithmetic.hpp"
#include "caches.hpp"
#include "full.hpp"
#include "input.hpp"
#include "parts.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
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

/// Runs the same operations on every backend in memory and on the model, and compares the results.
class operations : compared_caches {
public:
    /// With `callbacks`, the destructors of values may use the caches.
    operations(input& in, bool callbacks) : in_(in), callbacks_(callbacks) { clock::reset(); }

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
            return each("clear", [this](auto& c) { return clear(c, callbacks_), outcome(); });
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
        case 27:
            return on_key("touch", [life = in_.life()](auto& c, auto key) {
                return result(c.touch(key, life));
            });
        case 28:
            return set_or_visit();
        case 29:
            return for_each();
        case 30:
            return erase_if();
        }
    }

    void set() {
        const cachetory::set_options options = {in_.life(), in_.flag()};
        on_key("set", [&, given = given()](auto& c, auto key) {
            return result(c.set(key, make(c, given), options));
        });
    }

    /// Stores some items, or so many that tables grow.
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
        action meanwhile = any_action(7);
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
                return calls + (callbacks_ ? "" : show(got)); // a destructor may have erased it
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
        case 6: // times in between depend on the wall clock
            return at(in_.flag() ? sys_time<hours>::min() : sys_time<hours>::max());
        default:
            return at(clock::at(time()));
        }
    }

    void change() {
        on_key("a change", [text = in_.text()](auto& c, auto key) {
            const auto write = [&](value& found) { found.text = text; };
            return result(c.visit(key, write));
        });
    }

    void set_or_visit() {
        const std::optional<cachetory::ttl> life = in_.life();
        const std::string text = in_.text();
        on_key("set_or_visit", [&, given = given()](auto& c, auto key) {
            const auto write = [&](value& found) { found.text = text; };
            return result(c.set_or_visit(key, make(c, given), write, life));
        });
    }

    void for_each() {
        each("for_each", [](auto& c) {
            std::map<std::string, value> all;
            const auto keep = [&](std::string_view key, const value& found) {
                all.try_emplace(std::string(key), value({}, found.text));
            };
            finish([&] { return c.for_each(keep); });
            return show(all);
        });
    }

    /// Erases some of the values and, unless a destructor may write to them, writes to the others.
    void erase_if() {
        each("erase_if", [this, length = in_.below(3)](auto& c) -> outcome {
            const auto chosen = [&](std::string_view, value& found) {
                const bool erased = found.text != by_destructor && found.text.size() % 3 == length;
                if (!erased && !callbacks_) {
                    found.text += '!';
                }
                return erased;
            };
            const std::size_t erased = result(c.erase_if(chosen));
            return callbacks_ ? std::nullopt : outcome(show(erased));
        });
    }

    void get_many() {
        each("get_many", [this, keys = keys()](auto& c) -> outcome {
            using cache = std::decay_t<decltype(c)>;
            const std::string found = show(result(c.get_many(keys)));
            // Caches that look up one by one copy a value before later destructors can erase it.
            constexpr bool one_by_one = !hands_out_references<cache> && !std::same_as<cache, model>;
            return callbacks_ && one_by_one ? std::nullopt : outcome(found);
        });
    }

    /// Purges in one call, or in as many as are needed.
    void purge() {
        const std::size_t expired = model_.expired_keys().size();
        const std::size_t visits = callbacks_ || in_.flag() ? unlimited : in_.below(9) + 1;
        each("purge_expired", [&](auto& c) {
            std::size_t purged = result(c.purge_expired(visits));
            for (int calls = 5000; visits != unlimited && purged < expired && calls; --calls) {
                purged += result(c.purge_expired(visits));
            }
            while (callbacks_ &&
                   result(c.purge_expired()) != 0) { // destructors may have moved others
            }
            return callbacks_ ? outcome() : show(purged);
        });
    }

    /// Each cache chooses what to visit, so what has left one is then erased from all.
    void purge_some() {
        if (callbacks_) {
            return purge();
        }
        const std::size_t visits = in_.below(24);
        const std::vector<std::string> expired = model_.expired_keys();
        each_cache([&](const std::string& backend, auto& c) {
            const std::size_t size = c.size();
            const std::size_t purged = result(c.purge_expired(visits));
            expect(purged <= visits && purged == size - c.size(), "what purge_expired returns for ",
                   backend.c_str());
        });
        const everything_lives here;
        for (const std::string& key : expired) {
            bool everywhere = true;
            each_cache([&](const auto&, auto& c) { everywhere &= result(c.contains(key)); });
            if (!everywhere) {
                each_cache([&](const auto&, auto& c) { result(c.erase(key)); });
                model_.erase(key);
            }
        }
        each("purge_expired", [](auto&) { return outcome(); }); // nothing else has been erased
    }

    /// Not copied with callbacks, because copies have none.
    void copy_and_move() {
        each("copy and move", [this](auto& c) {
            using cache = std::decay_t<decltype(c)>;
            if constexpr (hands_out_references<cache>) {
                const auto use_empty = [](cache& empty) {
                    const bool stored = result(empty.set("a", value({}, "left over"), {{}, true}));
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
                if (!callbacks_) {
                    other = c;
                    c = cache(other);
                    c = itself;
                }
            }
            return outcome();
        });
    }

    /// Replaces each cache that can be assigned by a new one.
    void replace() {
        each("replacing", [this](auto& c) {
            using cache = std::decay_t<decltype(c)>;
            if constexpr (hands_out_references<cache>) {
                c = cache();
            }
            return clear(c, callbacks_), outcome();
        });
    }

    /// Compares what is stored and until when, expired or not.
    void compare_all() {
        const everything_lives here;
        for (const std::string& key : stored_keys()) {
            each("everything", [&](auto& c) {
                return attempt([&]() -> value { return result(c.get(key)); }) + " until " +
                       attempt([&] { return result(c.deadline(key)); });
            });
        }
    }

    // The parts of operations.

    template <class Operation>
    void on_key(const char* verb, Operation operation) {
        each(verb, [&, key = key()](auto& c) {
            return attempt([&]() -> decltype(auto) { return operation(c, key.in(c)); });
        });
    }

    ticks time() {
        const bool from_now = in_.flag();
        return saturated(wide(in_.number()) + (from_now ? now() : 0));
    }

    any_key key() {
        const std::size_t way = in_.below(8);
        if (way < 6 || model_.empty()) {
            return {in_.text()};
        }
        const std::vector<std::string> keys = stored_keys();
        const std::string& stored = keys[in_.below(keys.size())];
        return way == 6 ? any_key{stored, any_key::view::of_key, stored}
                        : any_key{model_.entries().at(stored).value.text, any_key::view::of_value,
                                  stored};
    }

    /// All stored keys, or a few keys.
    std::vector<std::string> keys() {
        if (in_.flag()) {
            return stored_keys();
        }
        std::vector<std::string> some(in_.below(6));
        for (std::string& key : some) {
            key = in_.text();
        }
        return some;
    }

    content given() {
        std::string text = in_.text();
        return {std::move(text), callbacks_ ? any_action(4) : action()};
    }

    action any_action(std::size_t choice) {
        const auto what = static_cast<action::verb>(in_.below(choice));
        return what == action::verb::nothing ? action() : action{what, in_.text(), in_.number()};
    }

    template <class Cache>
    value make(Cache& c, const content& given) {
        if (given.on_destruction.what == action::verb::nothing) {
            return value({}, given.text);
        }
        return value([&c, what = given.on_destruction] { perform(c, what); }, given.text);
    }

    std::vector<std::string> stored_keys() const {
        std::vector<std::string> keys;
        for (const auto& [key, found] : model_.entries()) {
            keys.push_back(key);
        }
        return keys;
    }

    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    input& in_;
    bool callbacks_;
};
/// Runs the operations that `bytes` stand for. Throws a `mismatch` if the library does something
/// wrong.
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
    case 4:
        return full(in);
    default:
        return operations(in, false).run();
    }
}

} // namespace fuzz

#endif
