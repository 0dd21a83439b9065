// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_CATCH_HPP
#define CACHETORY_TESTS_SUPPORT_CATCH_HPP

#include <string>

// Catch2 3 where there is one, else Catch2 2.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace support {

/// Matches a string, or what() in the ..._THROWS_WITH assertions, that contains `part`.
inline auto contains(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::ContainsSubstring(part);
#else
    return Catch::Matchers::Contains(part);
#endif
}

} // namespace support

#endif
