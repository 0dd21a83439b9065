// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_MEMORY_URL_HPP
#define CACHETORY_DETAIL_MEMORY_URL_HPP

#include "../version.hpp"
#include "eviction.hpp"

#include <concepts>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cachetory::detail {

[[noreturn]] inline void throw_bad_url(std::string_view url, std::string_view expected) {
    throw std::invalid_argument("cachetory: not the URL of a memory backend (" +
                                std::string(expected) + "): \"" + std::string(url) + '"');
}

/// Returns the bound that `url` states. Throws `std::invalid_argument` if it states none.
inline std::size_t max_entries_of(std::string_view url) {
    constexpr std::string_view prefix = "memory://?max_entries=";
    constexpr auto most = (std::numeric_limits<std::size_t>::max)();
    const std::string_view digits =
        url.substr(0, prefix.size()) == prefix ? url.substr(prefix.size()) : std::string_view();
    std::size_t number = 0;
    for (const char each : digits) {
        const auto digit = static_cast<std::size_t>(each - '0');
        if (each < '0' || each > '9' || number > (most - digit) / 10) {
            number = 0;
            break;
        }
        number = number * 10 + digit;
    }
    if (number == 0) {
        throw_bad_url(url, "memory://?max_entries=1000, with at least 1");
    }
    return number;
}

/// Makes the `Backend` that `url` describes. Throws `std::invalid_argument` if `url` describes
/// something else.
template <class Backend, class Bound>
Backend from_memory_url(std::string_view url) {
    if constexpr (std::same_as<Bound, bounded>) {
        return Backend(max_entries_of(url));
    } else if (url != "memory://") {
        throw_bad_url(url, "memory://");
    } else {
        return Backend();
    }
}

} // namespace cachetory::detail

#endif
