// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_HASHES_HPP
#define CACHETORY_TESTS_SUPPORT_HASHES_HPP

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace support {

/// A hash that sends every key to one bucket, and remembers its own key.
struct constant_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view) const { return value; }

    std::size_t value = 7;
};

/// Keys are hexadecimal digits, and those are the upper bits of their hashes. Needs to be told.
struct digit_hash {
    using is_transparent = void;

    explicit digit_hash(int* counter) : calls(counter) {}

    std::size_t operator()(std::string_view text) const {
        ++*calls;
        const auto digit = static_cast<std::size_t>(std::stoi(std::string(text), nullptr, 16));
        return digit << (std::numeric_limits<std::size_t>::digits - 4);
    }

    int* calls;
};
static_assert(!std::is_default_constructible_v<digit_hash>);

} // namespace support

#endif
