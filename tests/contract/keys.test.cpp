// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <cstddef>
#include <string>
#include <vector>

using support::all_backends;
using support::fresh;
using support::has_size;
using support::result;

BACKEND_TEST_CASE("any bytes are a valid key", "[keys]", all_backends) {
    const std::vector<std::string> keys = {"",
                                           " ",
                                           "a",
                                           std::string("a\0", 2),
                                           std::string("a\0b", 3),
                                           std::string("\0", 1),
                                           "\xff\xfe\x80",
                                           "\xc3",
                                           std::string(1 << 20, 'x'),
                                           std::string(1 << 20, 'x') + "y"};
    auto cache = fresh<TestType>();
    for (std::size_t i = 0; i != keys.size(); ++i) {
        CHECK(result(cache.set(keys[i], int(i), {.if_not_exists = true})));
    }
    CHECK(has_size(cache, keys.size()));
    for (std::size_t i = 0; i != keys.size(); ++i) {
        CHECK(result(cache.get(keys[i])) == int(i));
        CHECK(result(cache.erase(keys[i])));
        CHECK(!result(cache.contains(keys[i])));
    }
    CHECK(has_size(cache, 0));
}

BACKEND_TEST_CASE("keys that differ in one byte only are different keys", "[keys]", all_backends) {
    auto cache = fresh<TestType>();
    const std::string long_one(1 << 20, 'x');
    const std::vector<std::string> stems = {"", std::string(1, '\0'), "\xc3", "0123456789abcdef",
                                            long_one};
    for (const std::string& stem : stems) {
        for (int byte = 0; byte < 256; byte += stem == long_one ? 51 : 1) {
            (void)result(cache.set(stem + static_cast<char>(byte), byte));
        }
    }
    CHECK(has_size(cache, 4 * 256 + 6));
    int right = 0;
    for (const std::string& stem : stems) {
        for (int byte = 0; byte < 256; byte += stem == long_one ? 51 : 1) {
            right += result(cache.take(stem + static_cast<char>(byte))) == byte ? 1 : 0;
        }
    }
    CHECK(right == 4 * 256 + 6);
    CHECK(has_size(cache, 0));
}
