// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_ITEMS_AS_BYTES_HPP
#define CACHETORY_DETAIL_ITEMS_AS_BYTES_HPP

#include "../backend.hpp"
#include "../version.hpp"

#include <concepts>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cachetory::detail {

/// Returns the bytes that `format` makes of `value`, which is first converted to a `Value` if it is
/// not one. Nothing is moved out of a `Value`.
template <class Value, class Serializer, class V>
std::string to_bytes(const Serializer& format, V&& value) {
    if constexpr (std::same_as<std::remove_cvref_t<V>, Value>) {
        return format.serialize(std::as_const(value));
    } else {
        const Value converted = detail::as_wire<Value>(std::forward<V>(value));
        return format.serialize(converted);
    }
}

/// A view of `Items`, pairs of a key and a value, as pairs of a key and bytes: a value is
/// serialized when its item is read.
template <class Items, class Value, class Serializer>
class items_as_bytes {
    using range = std::remove_reference_t<Items>;
    using place = decltype(std::ranges::begin(std::declval<range&>()));
    using sentinel = decltype(std::ranges::end(std::declval<range&>()));
    // If items are made when they are read, a view of a key would outlive its item.
    using key = std::conditional_t<std::is_lvalue_reference_v<decltype(*std::declval<place&>())>,
                                   std::string_view,
                                   std::string>;

public:
    class iterator {
    public:
        using value_type = std::pair<key, std::string>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        iterator(place at, const Serializer& format)
            : at_(std::move(at)), serializer_(std::addressof(format)) {}

        value_type operator*() const {
            auto&& item = *at_;
            const std::string_view name = std::get<0>(item);
            return value_type(
                name, detail::to_bytes<Value>(*serializer_,
                                              std::get<1>(detail::forward_item<Items>(item))));
        }

        iterator& operator++() {
            ++at_;
            return *this;
        }

        iterator operator++(int) {
            iterator before = *this;
            ++at_;
            return before;
        }

        friend bool operator==(const iterator& a, const sentinel& b) { return a.at_ == b; }

    private:
        place at_;
        const Serializer* serializer_;
    };

    items_as_bytes(range& items, const Serializer& format)
        : items_(std::addressof(items)), serializer_(std::addressof(format)) {}

    [[nodiscard]] iterator begin() const {
        return iterator(std::ranges::begin(*items_), *serializer_);
    }

    [[nodiscard]] sentinel end() const { return std::ranges::end(*items_); }

private:
    range* items_;
    const Serializer* serializer_;
};

} // namespace cachetory::detail

#endif
