// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BACKEND_HPP
#define CACHETORY_BACKEND_HPP

#include "detail/shared_string.hpp"
#include "ttl.hpp"
#include "version.hpp"

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cachetory {

/// How `set` stores a value.
struct set_options {
    std::optional<ttl> time_to_live = {}; ///< `std::nullopt`: the entry never expires.
    bool if_not_exists = false;           ///< Store only where there is no live entry.
};

// Both exceptions have default visibility, even in a program that hides its symbols: otherwise one
// shared object could not catch what another throws. Copying them does not throw.

/// Thrown by look-ups that must return a value if the key has none. `what()` names the key.
class CACHETORY_GNU(visibility("default")) key_error : public std::out_of_range {
public:
    explicit key_error(std::string_view key)
        : std::out_of_range("key not found: \"" + std::string(key) + '"'), key_(key) {}

    /// The whole key, whatever bytes it contains. Valid as long as the exception lives.
    [[nodiscard]] const std::string& key() const noexcept { return key_.text(); }

private:
    detail::shared_string key_;
};

/// Thrown by backends that are not in memory if a server cannot be reached, is silent for too long,
/// or answers with an error. `what()` says what happened, and never contains a password.
class CACHETORY_GNU(visibility("default")) backend_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A value together with its time to live, for a factory that knows it: the value is a token, for
/// example, or a page with a `max-age`.
template <class Wire>
struct expiring {
    Wire value;
    std::optional<ttl> time_to_live = {}; ///< `std::nullopt`: the entry never expires.
};

namespace detail {

/// A separate function, so that the code that throws does not enlarge look-ups that inline the hit.
[[noreturn]] inline void throw_missing(std::string_view key) { throw key_error(key); }

template <class T, class Wire>
concept expiring_of = std::same_as<std::remove_cvref_t<T>, expiring<Wire>>;

} // namespace detail

/// What `get_or_set` takes for `factory`: something that, when called, returns a value or exactly
/// `expiring<Wire>` (const and references aside). The latter decides the time to live.
template <class Factory, class Wire>
concept factory_of = std::invocable<Factory> &&
    (detail::expiring_of<std::invoke_result_t<Factory>, Wire> ||
     std::convertible_to<std::invoke_result_t<Factory>, Wire>);

/// Returns the value that `factory` makes. If it also returns a time to live, sets `time_to_live`.
/// For backends: each `get_or_set` needs it.
template <class Wire, factory_of<Wire> Factory>
[[nodiscard]] Wire make_wire(Factory&& factory, std::optional<ttl>& time_to_live) {
    using made = std::invoke_result_t<Factory>;
    if constexpr (detail::expiring_of<made, Wire>) {
        made&& result = std::forward<Factory>(factory)();
        time_to_live = result.time_to_live;
        return std::forward<made>(result).value;
    } else {
        return std::forward<Factory>(factory)();
    }
}

/// What code that is generic over backends may rely on: a map from strings to values, each of which
/// may have a deadline. `wire_type` is the type of the values.
///
/// 1. *Expiry.* An entry is expired when its deadline is not later than the current time of
///    `clock`. Every verb treats an expired entry as absent. The deadline `std::nullopt` means
///    never. A time to live counts from the call; with one of zero or less, the entry has expired
///    at once. Times out of range saturate. No entry expires early.
/// 2. *Look-up.* `get`, `find`, `touch` and `get_many` return the stored value: by reference if the
///    backend can do so safely, otherwise as a copy. Generic code does not keep the result across
///    another call. The result of `find` and `touch` converts to `false` for a miss and is
///    dereferenced for a hit. `touch` also sets the deadline.
/// 3. *Storing.* `set` replaces value and deadline together and returns `true`. With
///    `if_not_exists` and a live entry it returns `false`, and changes neither the entry nor an
///    rvalue `wire_type` that it was given. `get_or_set` calls its factory only on a miss, and
///    returns the value that is stored afterwards. A factory that returns `expiring<wire_type>`
///    decides the time to live.
/// 4. *Results.* A `bool` says whether there was a live entry, or whether a value was stored. A
///    number says how many. Bulk verbs work in the order of their range and are not transactions:
///    each element is looked up or stored on its own.
/// 5. *Errors.* `get` and `deadline` throw `key_error` for a missing key; no other verb throws
///    because of a miss. An operation on one key that fails has no effect. There is one exception:
///    an operation that throws `backend_error` may have taken effect. If a bulk verb fails, the
///    operations on the elements before the failure stay done.
/// 6. *Identity.* A backend need not be copyable or movable, and need not be safe to share between
///    threads. Its verbs need not have default arguments: generic code passes the options.
template <class B>
concept backend = requires(B b,
                           std::string_view key,
                           typename B::wire_type value,
                           typename B::wire_type (*factory)(),
                           expiring<typename B::wire_type> (*expiring_factory)(),
                           set_options options,
                           std::optional<ttl> time_to_live,
                           std::optional<typename B::time_point> deadline,
                           const std::vector<std::string>& keys,
                           std::vector<std::pair<std::string, typename B::wire_type>> items) {
    typename B::clock;
    { b.get(key) } -> std::convertible_to<const typename B::wire_type&>;
    static_cast<bool>(b.find(key));
    { *b.find(key) } -> std::convertible_to<const typename B::wire_type&>;
    static_cast<bool>(b.touch(key, time_to_live));
    { *b.touch(key, time_to_live) } -> std::convertible_to<const typename B::wire_type&>;
    { b.contains(key) } -> std::same_as<bool>;
    { b.deadline(key) } -> std::same_as<std::optional<typename B::time_point>>;
    b.get_many(keys);
    { b.take(key) } -> std::same_as<std::optional<typename B::wire_type>>;
    { b.set(key, std::move(value), options) } -> std::same_as<bool>;
    { b.set_many(std::move(items), options) } -> std::same_as<std::size_t>;
    {
        b.get_or_set(key, factory, time_to_live)
        } -> std::convertible_to<const typename B::wire_type&>;
    {
        b.get_or_set(key, expiring_factory, time_to_live)
        } -> std::convertible_to<const typename B::wire_type&>;
    { b.expire_at(key, deadline) } -> std::same_as<bool>;
    { b.expire_in(key, time_to_live) } -> std::same_as<bool>;
    { b.erase(key) } -> std::same_as<bool>;
    { b.erase_many(keys) } -> std::same_as<std::size_t>;
    { b.clear() } -> std::same_as<void>;
    { B::from_url(key) } -> std::same_as<B>;
};

/// What the bulk verbs take for `keys`: a range of things convertible to `std::string_view`.
template <class Keys>
concept key_range = requires(Keys& keys) {
    { *std::ranges::begin(keys) } -> std::convertible_to<std::string_view>;
    std::ranges::end(keys);
};

namespace detail {

/// A range whose const propagates to its elements, as a container's does; a view's does not.
template <class Range>
concept deep_const = requires(const Range& range) {
    requires std::is_const_v<std::remove_reference_t<decltype(*std::ranges::begin(range))>>;
};

/// Returns `item`, as an rvalue if its value may be moved out of it (see `item_range`).
template <class Items, class Item>
constexpr auto&& forward_item(Item&& item) noexcept {
    using range = std::remove_cvref_t<Items>;
    using reference = decltype(*std::ranges::begin(std::declval<Items&>()));
    if constexpr (!std::is_lvalue_reference_v<reference> ||
                  (!std::is_lvalue_reference_v<Items> && !std::ranges::enable_view<range> &&
                   deep_const<range>)) {
        return static_cast<std::remove_reference_t<Item>&&>(item);
    } else {
        return static_cast<std::remove_reference_t<Item>&>(item);
    }
}

/// Makes room in `found` for one item per key, if the number of `keys` is known.
template <class Keys, class Found>
constexpr void reserve_for(Keys& keys, Found& found) {
    if constexpr (requires { std::ranges::size(keys); }) {
        found.reserve(static_cast<std::size_t>(std::ranges::size(keys)));
    }
}

} // namespace detail

/// What `set_many` takes for `items`: a range of pairs of a key and something convertible to
/// `Wire`.
///
/// Values are moved out of an rvalue container (a `std::map` moved in), and out of items that are
/// themselves rvalues (made on the fly, or seen through `std::move_iterator`). All others are
/// copied: nothing is moved through a view, nor through a pair of lvalue references.
template <class Items, class Wire>
concept item_range = requires(Items& items) {
    { std::get<0>(*std::ranges::begin(items)) } -> std::convertible_to<std::string_view>;
    {
        std::get<1>(detail::forward_item<Items>(*std::ranges::begin(items)))
        } -> std::convertible_to<Wire>;
    std::ranges::end(items);
};

namespace detail {

/// Returns `value` as the backend stores it. An rvalue `Wire` stays a reference, so that it is
/// moved from only if it is stored. Anything else is converted now, before the look-up and before
/// any lock.
template <class Wire, class V>
constexpr auto as_wire(V&& value) -> std::conditional_t<std::same_as<V, Wire>, Wire&&, Wire> {
    if constexpr (std::is_arithmetic_v<Wire> && std::is_arithmetic_v<std::remove_cvref_t<V>>) {
        return static_cast<std::conditional_t<std::same_as<V, Wire>, Wire&&, Wire>>(value);
    } else {
        return std::forward<V>(value);
    }
}

} // namespace detail

} // namespace cachetory

#endif
