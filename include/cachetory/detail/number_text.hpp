// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_NUMBER_TEXT_HPP
#define CACHETORY_DETAIL_NUMBER_TEXT_HPP

#include "../version.hpp"

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace cachetory::detail {

/// The integers whose text is a number. A `bool` is written as a word. A character may be meant as
/// a number or as text, and the range of `char` and `wchar_t` differs between platforms.
template <class T>
concept plain_integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                        !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                        !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// The floating-point types that are the same everywhere. `long double` is not one of them.
template <class T>
concept plain_floating = std::same_as<T, float> || std::same_as<T, double>;

template <class T>
concept plain_number = plain_integer<T> || plain_floating<T>;

/// Returns the shortest text that `read_number` reads back as the same value: a JSON number, or
/// `nan`, `inf`, `-inf`. A NaN loses its sign and its payload.
template <plain_number Number>
[[nodiscard]] std::string write_number(Number value) {
    if constexpr (plain_floating<Number>) {
        if (std::isnan(value)) {
            return "nan"; // to_chars may add a sign or a kind
        }
    }
    char text[64];
    return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

/// Returns whether the whole of `text` is a number in the grammar of JSON.
[[nodiscard]] constexpr bool is_json_number(std::string_view text) noexcept {
    const auto skip_one_of = [&](std::string_view characters) {
        if (text.empty() || characters.find(text.front()) == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(1);
        return true;
    };
    const auto skip_digits = [&] {
        const std::size_t before = text.size();
        while (skip_one_of("0123456789")) {
        }
        return text.size() != before;
    };
    skip_one_of("-");
    if (!skip_one_of("0") && !skip_digits()) {
        return false;
    }
    if (skip_one_of(".") && !skip_digits()) {
        return false;
    }
    if (skip_one_of("eE")) {
        skip_one_of("+-");
        if (!skip_digits()) {
            return false;
        }
    }
    return text.empty();
}

/// Returns the value nearest to `text`, which is a JSON number, or `std::nullopt` if it is out of
/// range. Does not use `from_chars`, because libc++ before version 20 has none for `Floating`.
///
/// The decimal point is all that a locale changes for `strtod`. So `strtod` gets a text without
/// one: 15e-4 instead of 1.5e-3.
template <plain_floating Floating>
[[nodiscard]] std::optional<Floating> read_by_strtod(std::string_view text) {
    const std::size_t mark = text.find_first_of("eE");
    std::string digits(text.substr(0, mark));
    if (digits.find_first_of("123456789") == std::string::npos) {
        return digits.starts_with('-') ? -Floating(0) : Floating(0);
    }
    std::int64_t exponent = 0;
    if (mark != std::string_view::npos) {
        text.remove_prefix(text[mark + 1] == '+' ? mark + 2 : mark + 1);
        std::int32_t written = 0; // narrow, so that the sums below cannot overflow
        if (std::from_chars(text.data(), text.data() + text.size(), written).ec != std::errc()) {
            return std::nullopt;
        }
        exponent = written;
    }
    if (const std::size_t point = digits.find('.'); point != std::string::npos) {
        exponent -= static_cast<std::int64_t>(digits.size() - point - 1);
        digits.erase(point, 1);
    }
    digits += 'e';
    digits += std::to_string(exponent);
    Floating value;
    if constexpr (std::same_as<Floating, float>) {
        value = std::strtof(digits.c_str(), nullptr);
    } else {
        value = std::strtod(digits.c_str(), nullptr);
    }
    if (std::isinf(value) || std::fpclassify(value) == FP_ZERO) {
        return std::nullopt;
    }
    return value;
}

/// Returns the number that the whole of `text` is. An integer must be written exactly as
/// `write_number` writes it; a floating-point number may be any JSON number, `nan`, `inf` or
/// `-inf`. Returns `std::nullopt` for anything else, and for numbers out of range. No locale
/// changes that.
template <plain_number Number>
[[nodiscard]] std::optional<Number> read_number(std::string_view text) {
    Number value{};
    if constexpr (plain_integer<Number>) {
        const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
        if (digits.starts_with('0') && text != "0") {
            return std::nullopt;
        }
    } else {
        using limits = std::numeric_limits<Number>;
        if (text == "nan") {
            return limits::quiet_NaN();
        }
        if (text == "inf") {
            return limits::infinity();
        }
        if (text == "-inf") {
            return -limits::infinity();
        }
        if (!is_json_number(text)) {
            return std::nullopt;
        }
    }
    const char* const end = text.data() + text.size();
    if constexpr (requires { std::from_chars(end, end, value); }) {
        const auto [stopped, error] = std::from_chars(text.data(), end, value);
        return stopped == end && error == std::errc() ? std::optional(value) : std::nullopt;
    } else {
        return read_by_strtod<Number>(text);
    }
}

} // namespace cachetory::detail

#endif
