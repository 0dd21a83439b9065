// SPDX-License-Identifier: MIT
#ifndef CACHETORY_SERIALIZED_BACKEND_HPP
#define CACHETORY_SERIALIZED_BACKEND_HPP

#include "backend.hpp"
#include "detail/items_as_bytes.hpp"
#include "detail/number_text.hpp"
#include "ttl.hpp"
#include "version.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cachetory {

/// Writes a `Value` as bytes and reads it back. Specialize it for your own types, as you would
/// `std::hash`:
///
///     static std::string serialize(const Value& value);
///     static std::optional<Value> deserialize(std::string_view bytes); // nullopt: cannot be read
///
/// It must not call the backend whose values it reads or writes.
template <class Value>
struct serializer;

/// A string is its own bytes.
template <>
struct serializer<std::string> {
    [[nodiscard]] static const std::string& serialize(const std::string& value) noexcept {
        return value;
    }

    [[nodiscard]] static std::optional<std::string> deserialize(std::string_view bytes) {
        return std::string(bytes);
    }
};

/// `true` or `false`, as in JSON.
template <>
struct serializer<bool> {
    [[nodiscard]] static std::string serialize(bool value) { return value ? "true" : "false"; }

    [[nodiscard]] static std::optional<bool> deserialize(std::string_view bytes) noexcept {
        return bytes == "true"    ? std::optional(true)
               : bytes == "false" ? std::optional(false)
                                  : std::nullopt;
    }
};

/// A decimal number as in JSON, whatever the locale. A `float` or `double` is written as the
/// shortest number that reads back as the same value. JSON lacks `inf`, `-inf` and `nan`, which
/// stands for every NaN.
///
/// There is no serializer for character types: convert them to an integer or to a string. There is
/// none for `long double`, because its range differs between platforms.
template <detail::plain_number Value>
struct serializer<Value> {
    [[nodiscard]] static std::string serialize(Value value) { return detail::write_number(value); }

    [[nodiscard]] static std::optional<Value> deserialize(std::string_view bytes) {
        return detail::read_number<Value>(bytes);
    }
};

/// What `serialized_backend` takes for a serializer of `Value`: `serializer<Value>`, or a class
/// with the same two members, which may have state.
template <class S, class Value>
concept serializer_of = requires(const S& s, const Value& value, std::string_view bytes) {
    { s.serialize(value) } -> std::convertible_to<std::string>;
    { s.deserialize(bytes) } -> std::same_as<std::optional<Value>>;
};

/// A backend of values of any type, made of a backend of strings: it writes each value as bytes and
/// reads it back.
///
/// The verbs are those of the backend, but they return copies. Bytes that `Serializer` cannot read,
/// such as those of an older version of the program, count as absent in every verb that reads a
/// value: `get`, `find`, `touch`, `get_many`, `take` and `get_or_set`, which replaces them. In the
/// other verbs, `set` with `if_not_exists` included, they are an entry like any other.
///
/// Exceptions of the serializer propagate. The entry then stays as it is, except that `take` has
/// erased it, `touch` has set its deadline, and `get_or_set` may have stored what its factory made.
///
/// As safe to share between threads as `Backend` is, if threads may call the serializer at the same
/// time.
template <class Value, backend Backend, serializer_of<Value> Serializer = serializer<Value>>
class serialized_backend {
    static_assert(std::same_as<typename Backend::wire_type, std::string>,
                  "cachetory: values are stored as bytes, so Backend must be a backend of "
                  "std::string");
    static_assert(std::movable<Value>,
                  "cachetory: values are moved in and out, so Value must be movable");

public:
    using wire_type = Value;
    using clock = typename Backend::clock;
    using time_point = typename Backend::time_point;

    /// Passed as a limit: no limit.
    static constexpr std::size_t unlimited = (std::numeric_limits<std::size_t>::max)();

    serialized_backend() = default;
    template <std::same_as<Backend> B = Backend>
    requires std::move_constructible<B>
    explicit serialized_backend(B owned, Serializer format = {})
        : backend_(std::move(owned)), serializer_(std::move(format)) {}

    /// Constructs the backend in place from `args`, for example one that cannot be moved.
    template <class... Args>
    requires std::constructible_from<Backend, Args...>
    explicit serialized_backend(std::in_place_t, Args&&... args)
        : backend_(std::forward<Args>(args)...), serializer_() {}
    template <class... Args>
    requires std::constructible_from<Backend, Args...>
    serialized_backend(Serializer format, std::in_place_t, Args&&... args)
        : backend_(std::forward<Args>(args)...), serializer_(std::move(format)) {}

    /// Constructs the backend in place by `Backend::from_url(url)`. Throws what that throws.
    template <std::default_initializable S = Serializer>
    [[nodiscard]] static serialized_backend from_url(std::string_view url) {
        return serialized_backend(in_place_from_url(), url, S());
    }
    [[nodiscard]] static serialized_backend from_url(std::string_view url, Serializer format) {
        return serialized_backend(in_place_from_url(), url, std::move(format));
    }

    // Look-up

    /// Returns the value of `key`. Throws `key_error` if there is none that can be read.
    [[nodiscard]] Value get(std::string_view key) {
        if (std::optional<Value> found = find(key)) {
            return *std::move(found);
        }
        detail::throw_missing(key);
    }

    /// Returns the value of `key`, or `std::nullopt` if there is none that can be read.
    [[nodiscard]] std::optional<Value> find(std::string_view key) {
        return read(backend_.find(key));
    }

    /// Same as `find`, then `expire_in`, in one step. Bytes that cannot be read also get the new
    /// deadline.
    std::optional<Value> touch(std::string_view key, std::optional<ttl> time_to_live) {
        return read(backend_.touch(key, time_to_live));
    }

    /// Returns whether `key` has an entry, whether or not its bytes can be read.
    [[nodiscard]] bool contains(std::string_view key) { return backend_.contains(key); }

    /// Same as the backend's `deadline`, whether or not the bytes can be read.
    [[nodiscard]] std::optional<time_point> deadline(std::string_view key) {
        return backend_.deadline(key);
    }

    /// Returns the keys and values of all `keys` that have a value that can be read, in that order.
    template <key_range Keys = std::initializer_list<std::string_view>>
    [[nodiscard]] auto get_many(Keys&& keys) -> std::vector<std::pair<std::string, Value>> {
        auto stored = backend_.get_many(std::forward<Keys>(keys));
        std::vector<std::pair<std::string, Value>> found;
        detail::reserve_for(stored, found);
        for (auto& [key, bytes] : stored) {
            if (std::optional<Value> value = serializer_.deserialize(std::string_view(bytes))) {
                found.emplace_back(std::string(std::move(key)), *std::move(value));
            }
        }
        return found;
    }

    /// Erases the entry of `key`, even if its bytes cannot be read. Returns its value, or
    /// `std::nullopt` if there is none that can be read.
    std::optional<Value> take(std::string_view key) { return read(backend_.take(key)); }

    // Modifiers

    /// Stores the bytes of `value` as the backend's `set` does. Even an rvalue is only read.
    /// Returns whether it was stored.
    template <std::convertible_to<Value> V = Value>
    bool set(std::string_view key, V&& value, set_options options = {}) {
        return backend_.set(key, detail::to_bytes<Value>(serializer_, std::forward<V>(value)),
                            options);
    }
    template <std::convertible_to<Value> V = Value, std::convertible_to<std::optional<ttl>> T>
    bool set(std::string_view key, V&& value, T time_to_live) {
        return set(key, std::forward<V>(value), set_options{time_to_live, false});
    }
    template <std::convertible_to<Value> V = Value, class C, class Duration>
    requires requires(Backend& of,
                      std::string_view key,
                      std::chrono::time_point<C, Duration> deadline) {
        of.set(key, std::string(), deadline);
    }
    bool set(std::string_view key, V&& value, std::chrono::time_point<C, Duration> deadline) {
        return backend_.set(key, detail::to_bytes<Value>(serializer_, std::forward<V>(value)),
                            deadline);
    }

    /// Stores each of `items` as `set` would, in order. Returns how many were stored. If one fails,
    /// those before it stay.
    template <item_range<Value> Items = std::initializer_list<std::pair<std::string_view, Value>>>
    std::size_t set_many(Items&& items, set_options options = {}) {
        return backend_.set_many(
            detail::items_as_bytes<Items, Value, Serializer>(items, serializer_), options);
    }

    /// Returns the value of `key`; if there is none that can be read, stores what `factory()`
    /// returns and returns that.
    ///
    /// If `key` is absent, this is as atomic as the backend's `get_or_set`. Bytes that cannot be
    /// read are replaced, unless another client has replaced them by the time `factory` returns. If
    /// several clients replace them at the same time, each may store and return its own value.
    template <factory_of<Value> Factory>
    Value
    get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        std::optional<Value> made;
        std::string kept_key; // `factory` may change what `key` views
        const auto make_bytes = [&] {
            kept_key = key;
            made = cachetory::make_wire<Value>(std::forward<Factory>(factory), time_to_live);
            return detail::to_bytes<Value>(serializer_, *made);
        };
        const auto make = [&] {
            if constexpr (detail::expiring_of<std::invoke_result_t<Factory>, Value>) {
                std::string bytes = make_bytes();
                return expiring<std::string>{std::move(bytes), time_to_live};
            } else {
                return make_bytes();
            }
        };
        if (std::optional<Value> first = serializer_.deserialize(
                std::string_view(backend_.get_or_set(key, make, time_to_live)))) {
            return *std::move(first);
        }
        // There are bytes that cannot be read, perhaps stored while `factory` ran.
        std::string bytes = made ? detail::to_bytes<Value>(serializer_, *made) : make_bytes();
        if (std::optional<Value> other = find(kept_key)) {
            return *std::move(other);
        }
        backend_.set(kept_key, std::move(bytes), set_options{time_to_live, false});
        return *std::move(made);
    }

    /// Same as the backend's `expire_at`, whether or not the bytes can be read.
    template <class Deadline = std::optional<time_point>>
    requires requires(Backend& of, std::string_view key, Deadline deadline) {
        of.expire_at(key, deadline);
    }
    bool expire_at(std::string_view key, Deadline deadline) {
        return backend_.expire_at(key, deadline);
    }

    /// Same as the backend's `expire_in`, whether or not the bytes can be read.
    bool expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return backend_.expire_in(key, time_to_live);
    }

    /// Erases the entry of `key`, whether or not its bytes can be read. Returns whether there was a
    /// live one.
    bool erase(std::string_view key) { return backend_.erase(key); }

    /// Erases the entries of all `keys`. Returns how many live ones there were.
    template <key_range Keys = std::initializer_list<std::string_view>>
    std::size_t erase_many(Keys&& keys) {
        return backend_.erase_many(std::forward<Keys>(keys));
    }

    void clear() noexcept(noexcept(std::declval<Backend&>().clear())) { backend_.clear(); }

    // Verbs that not every backend has. Each can be called if the backend has it.

    /// Same as the backend's `purge_expired`. The verbs below are also the backend's.
    template <class B = Backend>
    requires requires(B& b) { b.purge_expired(std::size_t()); }
    std::size_t purge_expired(std::size_t max_visits = unlimited) {
        return static_cast<B&>(backend_).purge_expired(max_visits);
    }

    template <class B = Backend>
    requires requires(B& b) { b.evict(std::size_t()); }
    std::size_t evict(std::size_t count) { return static_cast<B&>(backend_).evict(count); }

    template <class B = Backend>
    requires requires(B& b) { b.reserve(std::size_t()); }
    void reserve(std::size_t entries) { static_cast<B&>(backend_).reserve(entries); }

    template <class B = Backend>
    requires requires(const B& b) { b.size(); }
    [[nodiscard]] std::size_t size() const noexcept(noexcept(std::declval<const B&>().size())) {
        return static_cast<const B&>(backend_).size();
    }

    template <class B = Backend>
    requires requires(const B& b) { b.empty(); }
    [[nodiscard]] bool empty() const noexcept(noexcept(std::declval<const B&>().empty())) {
        return static_cast<const B&>(backend_).empty();
    }

    template <class B = Backend>
    requires requires(const B& b) { b.max_entries(); }
    [[nodiscard]] std::size_t max_entries() const noexcept {
        return static_cast<const B&>(backend_).max_entries();
    }

private:
    struct in_place_from_url {};

    serialized_backend(in_place_from_url, std::string_view url, Serializer format)
        : backend_(Backend::from_url(url)), serializer_(std::move(format)) {}

    /// `found` is what the backend's look-up returned: a pointer or an optional.
    template <class Found>
    std::optional<Value> read(const Found& found) const {
        return found ? serializer_.deserialize(std::string_view(*found)) : std::nullopt;
    }

    Backend backend_;
    Serializer serializer_;
};

} // namespace cachetory

#endif
