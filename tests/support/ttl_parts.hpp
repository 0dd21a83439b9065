// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_TTL_PARTS_HPP
#define CACHETORY_TESTS_SUPPORT_TTL_PARTS_HPP

#include "catch.hpp"

#include <cachetory/ttl.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

namespace support {

template <class Rep, class Period = std::ratio<1>>
using duration_of = std::chrono::duration<Rep, Period>;

/// What a ttl should be.
struct parts {
    std::int64_t seconds;
    std::int64_t fraction = 0;
};

inline constexpr parts forever = {(std::numeric_limits<std::int64_t>::max)(), 999'999'999};
inline constexpr parts long_ago = {(std::numeric_limits<std::int64_t>::min)()};

inline void check(cachetory::ttl length, parts expected) {
    CHECK(length.seconds().count() == expected.seconds);
    CHECK(length.fraction().count() == expected.fraction);
}

} // namespace support

#endif
