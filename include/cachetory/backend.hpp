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

// Exceptions are visible by default even in a program that hides its symbols: otherwise one shared
// object could not catch what another throws. Copying them throws nothing.

/// Thrown by look-ups that must give a value and have none. `what()` names the key.
class [[gnu::visibility("default")]] key_error : public std::out_of_range {
public:
    explicit key_error(std::string_view key)
        : std::out_of_range("key not found: \"" + std::string(key) + '"'), key_(key) {}

    /// The key, whole, whatever bytes it is made of. Lives as long as the exception.
    [[nodiscard]] const std::string& key() const noexcept { return key_.text(); }

private:
    detail::shared_string key_;
};

/// Thrown by backends that are not in memory: one is out of reach, was silent for too long, or has
/// answered with an error. `what()` says which, and never holds a password.
class [[gnu::visibility("default")]] backend_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What code that is generic over backends may rely on.
///
/// `get` and `find` give the stored value in the form the backend can afford: the value itself,
/// where references to it are safe to have, else a copy of it. A backend need not be movable, nor
/// have default arguments: generic code passes the options.
template <class B>
concept backend = requires(B b,
                           std::string_view key,
                           typename B::wire_type value,
                           typename B::wire_type (*factory)(),
                           set_options options,
                           std::optional<ttl> time_to_live,
                           std::optional<typename B::time_point> deadline,
                           const std::vector<std::string>& keys,
                           std::vector<std::pair<std::string, typename B::wire_type>> items) {
    typename B::clock;
    { b.get(key) } -> std::convertible_to<const typename B::wire_type&>;
    static_cast<bool>(b.find(key));
    { *b.find(key) } -> std::convertible_to<const typename B::wire_type&>;
    { b.contains(key) } -> std::same_as<bool>;
    { b.deadline(key) } -> std::same_as<std::optional<typename B::time_point>>;
    b.get_many(keys);
    { b.take(key) } -> std::same_as<std::optional<typename B::wire_type>>;
    { b.set(key, std::move(value), options) } -> std::same_as<bool>;
    { b.set_many(std::move(items), options) } -> std::same_as<std::size_t>;
    {
        b.get_or_set(key, factory, time_to_live)
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

/// Makes room in `found` for one item for each of `keys`, if their number can be told.
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
/// Values are copied, unless they are the range's own to give: those of an rvalue container (a
/// `std::map` moved in), and those of items that are themselves rvalues (made on the fly, or seen
/// through `std::move_iterator`). Nothing is moved through a view, nor through a pair of lvalue
/// references.
template <class Items, class Wire>
concept item_range = requires(Items& items) {
    { std::get<0>(*std::ranges::begin(items)) } -> std::convertible_to<std::string_view>;
    {
        std::get<1>(detail::forward_item<Items>(*std::ranges::begin(items)))
        } -> std::convertible_to<Wire>;
    std::ranges::end(items);
};

/// What `get_or_set` takes for `factory`: something that returns a value when it is called.
template <class Factory, class Wire>
concept factory_of =
    std::invocable<Factory> && std::convertible_to<std::invoke_result_t<Factory>, Wire>;

} // namespace cachetory

#endif
