// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_HASHES_HPP
#define CACHETORY_TESTS_SUPPORT_HASHES_HPP

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace support {

/// A hash that puts every key into one bucket. Its `value` tells one object from another.
struct constant_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view) const { return value; }

    std::size_t value = 7;
};

/// A hash of keys that are hexadecimal digits: these become the upper bits. Has no default
/// constructor.
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
