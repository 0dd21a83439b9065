// SPDX-License-Identifier: MIT
#ifndef CACHETORY_REDIS_BACKEND_HPP
#define CACHETORY_REDIS_BACKEND_HPP

#include "version.hpp" // first, because it checks the standard

#if !__has_include(<hiredis/hiredis.h>)
#error                                                                                             \
    "cachetory/redis_backend.hpp needs hiredis: install libhiredis-dev (Debian, Ubuntu), hiredis-devel (Fedora) or hiredis (Homebrew, vcpkg)"
#endif

#include "backend.hpp"
#include "detail/redis/answer.hpp"
#include "detail/redis/batch.hpp"
#include "detail/redis/clear.hpp"
#include "detail/redis/lifetime.hpp"
#include "detail/redis/open.hpp"
#include "detail/redis/options.hpp"
#include "detail/redis/storing.hpp"
#include "detail/redis/transport.hpp"
#include "detail/redis/url.hpp" // which defines redis_options::from_url

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cachetory {

/// A cache on a Redis or Valkey server of version 7.0 or newer, on the primary that Sentinels name,
/// or on a cluster.
///
/// This is a handle: its copies share their connections. They open one connection for each
/// simultaneous call when it is needed, and keep it. Safe to share between threads.
///
/// The verbs mean what they mean in memory. The server decides whether an entry has expired, by its
/// own clock. An entry is alive through the very millisecond of its deadline, and times are rounded
/// up to milliseconds. A single-key verb is atomic among all clients of the server. A bulk verb is
/// not: it sends single-key commands, up to 1,024 of them or 256 KiB, before it reads their
/// answers.
///
/// Values are returned as copies. Keys and values may hold any bytes. No connection and no lock is
/// held while a range, a factory or a conversion of the caller runs.
///
/// Every verb may throw `backend_error`. If a server answered with an error, its words are in the
/// text, and the command had no effect (except if the user may not call MULTI: see `expire_at`). If
/// a connection broke, or the server was silent for `redis_options::timeout`, nobody knows whether
/// the command had an effect, and it is not sent again. Bulk verbs throw the first error. By then
/// they have sent all commands before it and maybe some after it.
///
/// A handle works in a child of `fork`: the child closes the connections that it inherited and
/// opens its own. Do not fork while another thread is in a call.
class redis_backend {
public:
    using wire_type = std::string;
    using clock = std::chrono::system_clock;
    using time_point = clock::time_point;

    /// Uses the server at 127.0.0.1:6379.
    redis_backend() : redis_backend(redis_options{}) {}

    /// Throws `std::invalid_argument` if the options are out of range, such as port 0, or
    /// contradict each other.
    explicit redis_backend(redis_options options)
        : servers_(detail::redis::open(std::move(options))) {}

    /// Makes `redis_backend({})` mean the default options. Without this, it could also copy a
    /// `redis_backend{}`, and would be ambiguous.
    explicit redis_backend(std::initializer_list<detail::redis::no_option>) : redis_backend() {}

    // Copyable, but not movable, because a moved-from handle could not be used.
    redis_backend(const redis_backend&) = default;
    redis_backend& operator=(const redis_backend&) = default;
    ~redis_backend() = default;

    /// Same as `redis_backend(redis_options::from_url(url))`.
    [[nodiscard]] static redis_backend from_url(std::string_view url) {
        return redis_backend(redis_options::from_url(url));
    }

    /// Returns a handle for the part of this cache whose keys begin with `prefix`. Its verbs put
    /// `prefix` in front of the keys they are given, and its `clear` erases nothing else. It shares
    /// the connections.
    [[nodiscard]] redis_backend under(std::string_view prefix) const {
        redis_backend part = *this;
        part.prefix_ += prefix;
        return part;
    }

    // Look-up

    /// Returns the value of `key`. Throws `key_error` if there is none.
    [[nodiscard]] std::string get(std::string_view key) {
        if (std::optional<std::string> found = find(key)) {
            return *std::move(found);
        }
        detail::throw_missing(key);
    }

    /// Returns the value of `key`, or `std::nullopt`.
    [[nodiscard]] std::optional<std::string> find(std::string_view key) {
        return ask(is_text_or_nil, "GET", key).text();
    }

    /// Returns the value of `key`, or `std::nullopt`, and gives the entry a new time to live from
    /// now on (`std::nullopt`: forever).
    std::optional<std::string> touch(std::string_view key, std::optional<ttl> time_to_live) {
        const lifetime until(time_to_live);
        if (until.is_over()) {
            return take(key);
        }
        if (until.is_endless()) {
            return ask(is_text_or_nil, "GETEX", key, {"PERSIST"}).text();
        }
        return ask(is_text_or_nil, "GETEX", key, {until.option(), until.number()}).text();
    }

    /// Returns whether `key` has a value.
    [[nodiscard]] bool contains(std::string_view key) {
        return ask(is_integer, "EXISTS", key).integer() != 0;
    }

    /// Returns when the entry of `key` expires by the server's clock. Returns `std::nullopt` if it
    /// never expires, or expires later than a `time_point` can represent. Throws `key_error` if
    /// there is none.
    [[nodiscard]] std::optional<time_point> deadline(std::string_view key) {
        const long long milliseconds = ask(is_integer, "PEXPIRETIME", key).integer();
        if (milliseconds == -2) {
            detail::throw_missing(key);
        }
        return detail::redis::time_at(milliseconds);
    }

    /// Returns the keys and values of all `keys` that have one, in that order. `keys` is any range
    /// of things convertible to `std::string_view`, or a braced list.
    template <key_range Keys = std::initializer_list<std::string_view>>
    [[nodiscard]] auto get_many(Keys&& keys) -> std::vector<std::pair<std::string, std::string>> {
        std::vector<std::pair<std::string, std::string>> found;
        detail::reserve_for(keys, found);
        in_batches(
            keys,
            [&](batch& commands, auto&& key) {
                commands.add(is_text_or_nil, "GET", full(std::string_view(key)));
            },
            [&](std::string_view key, const answer& given) {
                if (std::optional<std::string> value = given.text()) {
                    found.emplace_back(key.substr(prefix_.size()), *std::move(value));
                }
            });
        return found;
    }

    /// Returns the value of `key` and erases its entry. Returns `std::nullopt` if there is none.
    std::optional<std::string> take(std::string_view key) {
        return ask(is_text_or_nil, "GETDEL", key).text();
    }

    // Modifiers

    /// Stores `value`, a string or something that converts to one, replacing both value and
    /// deadline if `key` has an entry. Returns whether it was stored: always, unless
    /// `options.if_not_exists` and there is a live entry, which then stays as it is. With a time to
    /// live of zero or less, nothing is stored, because nobody could see it; the entry that it
    /// would replace is erased.
    template <detail::redis::bytes Value = std::string>
    bool set(std::string_view key, Value&& value, set_options options = {}) {
        return store(key, std::forward<Value>(value),
                     {lifetime(options.time_to_live), options.if_not_exists});
    }
    /// The same, to live for `time_to_live`, which may be any duration or an optional `ttl`.
    template <detail::redis::bytes Value = std::string,
              std::convertible_to<std::optional<ttl>> TimeToLive>
    bool set(std::string_view key, Value&& value, TimeToLive time_to_live) {
        return store(key, std::forward<Value>(value),
                     {lifetime(std::optional<ttl>(time_to_live)), false});
    }
    /// The same, to live until `deadline` by the server's clock.
    template <detail::redis::bytes Value = std::string, class Duration>
    bool set(std::string_view key, Value&& value, std::chrono::sys_time<Duration> deadline) {
        return store(key, std::forward<Value>(value), {lifetime(deadline), false});
    }

    /// Stores each of `items` as `set` would, in order. Returns how many were stored. `items` is
    /// any range of pairs (see `item_range`), or a braced list. If reading an item throws, the
    /// items before it are stored.
    template <class Items = std::initializer_list<std::pair<std::string_view, std::string_view>>>
    requires item_range<Items, std::string> || item_range<Items, std::string_view> std::size_t
    set_many(Items&& items, set_options options = {}) {
        const storing how(lifetime(options.time_to_live), options.if_not_exists);
        std::size_t stored = 0;
        in_batches(
            items,
            [&](batch& commands, auto&& item) {
                const std::string_view key = std::get<0>(item);
                const auto& value =
                    detail::redis::bytes_of(std::get<1>(detail::forward_item<Items>(item)));
                how.add_to(commands, full(key), value);
            },
            [&](std::string_view, const answer& given) {
                if (how.has_stored(given)) {
                    ++stored;
                }
            });
        return stored;
    }

    /// Returns the value of `key`. If there is none, stores what `factory()` returns and returns
    /// that.
    ///
    /// A factory that returns `expiring<std::string>` decides the time to live, which counts from
    /// when the value is stored. Several clients may run theirs at once: all of them get the value
    /// that was stored first.
    template <factory_of<std::string> Factory>
    std::string
    get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        if (std::optional<std::string> found = find(key)) {
            return *std::move(found);
        }
        const std::string kept_key(key); // `factory` may change what `key` views
        std::string made =
            cachetory::make_wire<std::string>(std::forward<Factory>(factory), time_to_live);
        batch command;
        storing(lifetime(time_to_live), true).add_exchange_to(command, full(kept_key), made);
        std::optional<std::string> first = exchange(command).text();
        return first ? *std::move(first) : std::move(made);
    }

    /// Sets the deadline of `key` by the server's clock, or removes it (`std::nullopt`). Returns
    /// whether there was a live entry. If the server refuses MULTI, it may have removed the
    /// deadline although this throws.
    bool expire_at(std::string_view key, std::optional<time_point> deadline) {
        return expire(key, deadline ? lifetime(*deadline) : lifetime(std::nullopt));
    }
    /// The same for a time in other ticks, rounded up to a millisecond.
    template <class Duration>
    bool expire_at(std::string_view key, std::chrono::sys_time<Duration> deadline) {
        return expire(key, lifetime(deadline));
    }
    template <class Duration>
    bool expire_at(std::string_view key, std::optional<std::chrono::sys_time<Duration>> deadline) {
        return expire(key, deadline ? lifetime(*deadline) : lifetime(std::nullopt));
    }

    /// Gives the entry of `key` a new time to live from now on (`std::nullopt`: forever). Returns
    /// whether there was a live entry. Fails as `expire_at` does.
    bool expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return expire(key, lifetime(time_to_live));
    }

    /// Erases the entry of `key`. Returns whether there was a live one.
    bool erase(std::string_view key) { return ask(is_integer, "UNLINK", key).integer() != 0; }

    /// Erases the entries of all `keys`. Returns how many live ones there were.
    template <key_range Keys = std::initializer_list<std::string_view>>
    std::size_t erase_many(Keys&& keys) {
        std::size_t erased = 0;
        in_batches(
            keys,
            [&](batch& commands, auto&& key) {
                commands.add(is_integer, "UNLINK", full(std::string_view(key)));
            },
            [&](std::string_view, const answer& given) {
                if (given.integer() != 0) {
                    ++erased;
                }
            });
        return erased;
    }

    /// Erases all entries of the database, whoever stored them. On a handle that `under` returned,
    /// erases only the entries whose keys begin with its prefix; to find them, it visits every key
    /// in the database. An entry that is stored in the meantime may stay.
    void clear() {
        if (prefix_.empty()) {
            detail::redis::clear_database(*servers_);
        } else {
            detail::redis::clear_under(*servers_, prefix_);
        }
    }

private:
    using answer = detail::redis::answer;
    using arguments = detail::redis::arguments;
    using batch = detail::redis::batch;
    using expectation = detail::redis::expectation;
    using full_key = detail::redis::full_key;
    using lifetime = detail::redis::lifetime;
    using storing = detail::redis::storing;

    static constexpr expectation is_integer = detail::redis::is_integer;
    static constexpr expectation is_text_or_nil = detail::redis::is_text_or_nil;

    [[nodiscard]] full_key full(std::string_view key) const { return {prefix_, key}; }

    /// Sends one command and returns its answer.
    answer ask(expectation expected,
               std::string_view name,
               std::string_view key,
               const arguments& rest = {}) {
        batch command;
        command.add(expected, name, full(key), rest);
        return exchange(command);
    }

    /// Sends a batch of one part and returns its answer.
    answer exchange(const batch& command) { return std::move(servers_->exchange(command).front()); }

    template <class Value>
    bool store(std::string_view key, Value&& value, const storing& how) {
        batch command;
        how.add_to(command, full(key), detail::redis::bytes_of(std::forward<Value>(value)));
        return how.has_stored(exchange(command));
    }

    bool expire(std::string_view key, const lifetime& until) {
        if (until.is_over()) {
            return erase(key);
        }
        if (!until.is_endless()) {
            return ask(is_integer, until.command(), key, {until.number()}).integer() != 0;
        }
        // PERSIST alone answers 0 both for an entry without a deadline and for no entry.
        batch commands;
        commands.add_transaction(detail::redis::is_two_integers, full(key), {"PERSIST", "EXISTS"});
        return exchange(commands).value().element[1]->integer != 0;
    }

    /// Calls `add(commands, item)` to make a command of each of `items`, and `consume(full key,
    /// answer)` with each answer, batch by batch. If `items` or `add` throw, the commands before
    /// that are still sent.
    template <class Items, class Add, class Consume>
    void in_batches(Items& items, Add add, Consume consume) {
        auto next = std::ranges::begin(items);
        const auto end = std::ranges::end(items);
        std::exception_ptr failure;
        bool done = false;
        while (!done) {
            batch commands;
            try {
                for (; !(done = !(next != end)) && !commands.full(); ++next) {
                    add(commands, *next);
                }
            } catch (...) {
                failure = std::current_exception();
                done = true;
            }
            if (!commands.empty()) {
                const std::vector<answer> answers = servers_->exchange(commands);
                for (std::size_t i = 0; i != answers.size(); ++i) {
                    consume(commands.key_of(commands.parts()[i]), answers[i]);
                }
            }
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    std::shared_ptr<detail::redis::transport> servers_;
    std::string prefix_ = {};
};

static_assert(backend<redis_backend>);

} // namespace cachetory

#endif
