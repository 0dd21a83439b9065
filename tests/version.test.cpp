// SPDX-License-Identifier: MIT
#include <cachetory/version.hpp>

#include "support/catch.hpp"

TEST_CASE("the version is one number and its three parts") {
    STATIC_REQUIRE(CACHETORY_VERSION_MAJOR == 0);
    STATIC_REQUIRE(CACHETORY_VERSION_MINOR == 2);
    STATIC_REQUIRE(CACHETORY_VERSION_PATCH == 0);
    STATIC_REQUIRE(CACHETORY_VERSION == 200);
}
