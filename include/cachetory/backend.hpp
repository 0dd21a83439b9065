// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BACKEND_HPP
#define CACHETORY_BACKEND_HPP

#include "version.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace cachetory {

/// How long an entry may live, made implicitly from any `std::chrono::duration`.
///
/// A plain `std::optional<std::chrono::nanoseconds>` would not do: `std::chrono::hours::max()`
/// overflows while it is being converted, before a library could see it. A `ttl` counts seconds and
/// nanoseconds, rounded up, and saturates instead of overflowing: what is too long for it means
/// "never expires", what is too negative, or not a number, "expired long ago". A floating-point
/// length counts to its own precision: `1.1s` is 1,100,000,000 ns.
class ttl {
public:
    template <class Rep, class Period>
    constexpr ttl(std::chrono::duration<Rep, Period> length) noexcept; // implicit on purpose

    /// The whole seconds, rounded towards minus infinity.
    [[nodiscard]] constexpr std::chrono::seconds seconds() const noexcept { return seconds_; }

    /// What is left beyond `seconds()`: at least 0, less than 1 s.
    [[nodiscard]] constexpr std::chrono::nanoseconds fraction() const noexcept { return fraction_; }

    /// Longer than any other; also what every length beyond the range becomes.
    [[nodiscard]] static constexpr ttl max() noexcept;
    /// Shorter than any other; also what every length below the range becomes.
    [[nodiscard]] static constexpr ttl min() noexcept;

    friend constexpr bool operator==(ttl, ttl) noexcept = default;
    friend constexpr ttl operator-(ttl a, ttl b) noexcept; ///< Saturates, too.

private:
    constexpr ttl(std::int64_t seconds, std::int64_t nanoseconds) noexcept; // up to a whole second

    std::chrono::seconds seconds_;
    std::chrono::nanoseconds fraction_;
};

/// How `set` stores a value.
struct set_options {
    std::optional<ttl> time_to_live = {}; ///< `std::nullopt`: the entry never expires.
    bool if_not_exists = false;           ///< Store only where there is no live entry.
};

/// Thrown by look-ups that must give a value and have none.
class key_error : public std::out_of_range {
public:
    explicit key_error(std::string_view key)
        : std::out_of_range("key not found: \"" + std::string(key) + '"'), key_(key) {}

    /// The key, whole, whatever bytes it is made of. Lives as long as the exception.
    [[nodiscard]] const std::string& key() const noexcept { return key_; }

private:
    std::string key_;
};

/// What code that is generic over backends may rely on.
///
/// `get` and `find` give the stored value in the form the backend can afford: the value itself,
/// where references to it are safe to have, else a copy of it. A backend need not be movable, nor
/// have default arguments: generic code passes the options.
template <class B>
concept backend = requires(B b,
                           const B& observed,
                           std::string_view key,
                           typename B::wire_type value,
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
    { b.expire_at(key, deadline) } -> std::same_as<bool>;
    { b.expire_in(key, time_to_live) } -> std::same_as<bool>;
    { b.erase(key) } -> std::same_as<bool>;
    { b.erase_many(keys) } -> std::same_as<std::size_t>;
    { b.clear() } -> std::same_as<void>;
    { observed.size() } -> std::same_as<std::size_t>;
    { observed.empty() } -> std::same_as<bool>;
    { B::from_url(key) } -> std::same_as<B>;
};

/// What the bulk verbs take for `keys`: a range of things convertible to `std::string_view`.
template <class Keys>
concept key_range = requires(Keys& keys) {
    { *std::ranges::begin(keys) } -> std::convertible_to<std::string_view>;
    std::ranges::end(keys);
};

namespace detail {

/// A range whose items cannot be changed through a const one, as those of a container. A view's
/// can.
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

// The rest of this file is how a ttl is made.

constexpr ttl::ttl(std::int64_t seconds, std::int64_t nanoseconds) noexcept
    : seconds_(seconds), fraction_(nanoseconds) {
    if (nanoseconds == 1'000'000'000) { // rounded up to a whole second
        *this = seconds == std::numeric_limits<std::int64_t>::max() ? max() : ttl(seconds + 1, 0);
    }
}

constexpr ttl ttl::max() noexcept { return {std::chrono::seconds::max().count(), 999'999'999}; }

constexpr ttl ttl::min() noexcept { return {std::chrono::seconds::min().count(), 0}; }

constexpr ttl operator-(ttl a, ttl b) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    if (a == ttl::max() || a == ttl::min()) {
        return a; // what was beyond the range stays there
    }
    std::int64_t nanoseconds = (a.fraction_ - b.fraction_).count();
    const std::int64_t borrow = nanoseconds < 0 ? 1 : 0;
    nanoseconds += borrow * 1'000'000'000;
    const std::int64_t from = a.seconds_.count();
    const std::int64_t taken = b.seconds_.count();
    if (taken < 0 && from > limits::max() + taken + borrow) {
        return ttl::max();
    }
    if (taken >= 0 && from < limits::min() + taken + borrow) {
        return ttl::min();
    }
    // The result is in range, but what it is made of need not be: without sign, that does not
    // matter.
    const auto seconds = static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(taken) -
                         static_cast<std::uint64_t>(borrow);
    return {static_cast<std::int64_t>(seconds), nanoseconds};
}

template <class Rep, class Period>
constexpr ttl::ttl(std::chrono::duration<Rep, Period> length) noexcept : ttl(max()) {
    using limits = std::numeric_limits<std::int64_t>;
    constexpr std::int64_t giga = 1'000'000'000;
    constexpr std::int64_t num = Period::num;
    constexpr std::int64_t den = Period::den;
    using nanoseconds =
        std::ratio<giga, den>; // in 1/den s; reduced, so that 1 ps does not overflow
    static_assert(
        num <= limits::max() / den && den <= limits::max() / nanoseconds::num,
        "cachetory::ttl: this duration's period has too many digits to be converted exactly");

    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
        using real = std::common_type_t<Rep, double>; // so that a float loses nothing when scaled
        const real count = length.count();
        constexpr real end = 0x1p63 * real(den) / real(num);
        *this = count > 0 ? max() : min(); // NaN: min()
        if (-end < count && count < end) {
            const real nanos = count * (real(num) * real(giga) / real(den));
            const real seconds = count * real(num) / real(den);
            if (-0x1p53 < nanos && nanos < 0x1p53) { // there is room for a fraction
                const auto whole = static_cast<std::int64_t>(nanos);
                *this = std::chrono::nanoseconds(real(whole) < nanos ? whole + 1 : whole);
            } else if (-0x1p63 <= seconds && seconds < 0x1p63) { // rounding may have led beyond
                const auto whole = static_cast<std::int64_t>(seconds);
                const std::int64_t floor = real(whole) > seconds ? whole - 1 : whole;
                const real rest = (seconds - real(floor)) * real(giga);
                const auto part = static_cast<std::int64_t>(rest);
                *this = {floor, real(part) < rest ? part + 1 : part};
            }
        }
    } else {
        // count * num / den without forming the product, which may overflow: for count = a * den +
        // b it is a * num + b * num / den, and b is less than den.
        using wide = std::common_type_t<Rep, std::int64_t>;
        wide a = length.count() / wide(den);
        wide b = length.count() % wide(den);
        if constexpr (wide(-1) < wide(0)) {
            if (b < 0) {
                b += den;
                --a;
            }
            if (a < wide(limits::min() / num)) {
                *this = min();
                return;
            }
        }
        const std::int64_t more = static_cast<std::int64_t>(b) * num / den;
        if (a <= wide((limits::max() - more) / num)) {
            const std::int64_t rest = static_cast<std::int64_t>(b) * num % den * nanoseconds::num;
            *this = {static_cast<std::int64_t>(a) * num + more,
                     rest / nanoseconds::den + (rest % nanoseconds::den != 0 ? 1 : 0)};
        }
    }
}

} // namespace cachetory

#endif
