// SPDX-License-Identifier: MIT
#include <cachetory/string_hash.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

using cachetory::string_hash;
using namespace std::string_literals;

TEST_CASE("the hash is transparent and copyable") {
    STATIC_REQUIRE(std::same_as<string_hash::is_transparent, void>);
    STATIC_REQUIRE(std::copyable<string_hash>);
    STATIC_REQUIRE(std::default_initializable<string_hash>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<string_hash>);
    STATIC_REQUIRE(
        std::same_as<std::invoke_result_t<const string_hash&, std::string_view>, std::size_t>);
}

TEST_CASE("the hash is not noexcept so that nodes keep it") {
    STATIC_REQUIRE_FALSE(std::is_nothrow_invocable_v<const string_hash&, std::string_view>);
    STATIC_REQUIRE_FALSE(std::is_nothrow_invocable_v<const string_hash&, const std::string&>);
#ifdef __GLIBCXX__
    STATIC_REQUIRE(std::__cache_default<std::string, string_hash>::value);
#endif
}

TEST_CASE("equal keys have equal hashes whatever type they are of") {
    const string_hash hash;
    for (const char* key : {"", "k", "user:42", "a key that is too long to be stored in place"}) {
        CAPTURE(key);
        CHECK(hash(std::string(key)) == hash(key));
        CHECK(hash(std::string_view(key)) == hash(key));
    }
    CHECK(hash(std::string_view()) == hash(""));
}

TEST_CASE("equal keys have equal hashes wherever they are in memory") {
    const string_hash hash;
    for (std::size_t length = 0; length != 200; ++length) {
        const std::string key(length, 'k');
        for (std::size_t offset = 0; offset != 9; ++offset) {
            // Memory of exactly that size, so that a sanitizer sees a read beyond it.
            std::vector<char> memory(offset + length, 'x');
            std::ranges::copy(key, memory.end() - std::ptrdiff_t(length));
            const std::string_view moved(memory.data() + offset, length);
            CHECK(hash(moved) == hash(key));
        }
    }
}

TEST_CASE("every byte of a key affects its hash, and so does its length") {
    const string_hash hash;
    std::unordered_set<std::size_t> seen;
    std::size_t keys = 0;
    for (std::size_t length = 0; length != 100; ++length) {
        std::string key(length, '\0'); // all NUL, to see that a NUL byte does not end a key
        seen.insert(hash(key));
        ++keys;
        for (char& byte : key) {
            byte = '\x80';
            seen.insert(hash(key));
            byte = '\0';
            ++keys;
        }
    }
    CHECK(seen.size() == keys);
    CHECK(hash("em\0bedded"s) != hash("em"));
}

TEST_CASE("copies of a hash agree, and a moved-from hash still works") {
    string_hash hash;
    const std::size_t expected = hash("key");
    const string_hash copy = hash;
    CHECK(copy("key") == expected);

    string_hash taken = std::move(hash);
    CHECK(taken("key") == expected);
    CHECK(hash("key") == hash(std::string("key")));

    hash = std::move(taken);
    CHECK(hash("key") == expected);
    CHECK(taken("key") == taken(std::string("key")));
}

TEST_CASE("a map with the hash finds by any kind of text") {
    std::unordered_map<std::string, int, string_hash, std::equal_to<>> numbers = {{"one", 1}};
    CHECK(numbers.find(std::string_view("one")) != numbers.end());
    CHECK(numbers.find("one") != numbers.end());
    CHECK(numbers.find("one\0"s) == numbers.end());
}

TEST_CASE("all hashes of a process share one key unless they are given another",
          "[string_hash][promise-13]") {
    const string_hash::key_type one = {1, 2, 3, 4};
    const string_hash::key_type other = {1, 2, 3, 5};
    int differing = 0;
    for (int i = 0; i != 100; ++i) {
        const std::string text(static_cast<std::size_t>(i), 'x');
        CHECK(string_hash()(text) == string_hash()(text));
        CHECK(string_hash(one)(text) == string_hash(one)(text));
        differing += string_hash(one)(text) != string_hash(other)(text) ? 1 : 0;
        differing += string_hash(one)(text) != string_hash()(text) ? 1 : 0;
    }
    CHECK(differing == 200);
}

TEST_CASE("the portable product is the product") {
    using cachetory::detail::multiply;
    using cachetory::detail::multiply_portably;
    constexpr std::uint64_t all = ~std::uint64_t(0);
    STATIC_REQUIRE(multiply_portably(all, all).low == 1);
    STATIC_REQUIRE(multiply_portably(all, all).high == all - 1);
    STATIC_REQUIRE(multiply_portably(std::uint64_t(1) << 32, std::uint64_t(1) << 32).high == 1);
    std::mt19937_64 random(1); // NOLINT(cert-msc51-cpp): repeatable on purpose
    for (int i = 0; i != 10'000; ++i) {
        // Numbers of all sizes, so that each carry sometimes happens and sometimes does not.
        const std::uint64_t a = (random() | 1) >> (random() % 64);
        const std::uint64_t b = i % 10 == 0 ? all : random() >> (random() % 64);
        CAPTURE(a, b);
        CHECK(multiply(a, b).low == a * b);
        CHECK(multiply_portably(a, b).low == multiply(a, b).low);
        CHECK(multiply_portably(a, b).high == multiply(a, b).high);
    }
}
