// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_CATCH_HPP
#define CACHETORY_TESTS_SUPPORT_CATCH_HPP

#include <string>
#include <tuple>

// Catch2 3 if it is installed, otherwise Catch2 2.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

/// A test case for each entry of `support/backends.hpp` in a list, as `TestType`. Like
/// TEMPLATE_LIST_TEST_CASE, but the name of a case ends with that of its backend.
#define BACKEND_TEST_CASE(NAME, TAGS, ...) /* LIST */                                              \
    CACHETORY_BACKEND_TEST_CASE(__LINE__, NAME, TAGS, __VA_ARGS__)
#define CACHETORY_BACKEND_TEST_CASE(...) CACHETORY_BACKEND_TEST_CASE_OF_LINE(__VA_ARGS__)
#define CACHETORY_BACKEND_TEST_CASE_OF_LINE(LINE, NAME, TAGS, ...)                                 \
    template <class TestType>                                                                      \
    static void test_of_line_##LINE();                                                             \
    [[maybe_unused]] static const int test_of_line_##LINE##_is_registered = [] {                   \
        support::for_each_backend<__VA_ARGS__>([]<class Entry>(Entry) {                            \
            REGISTER_TEST_CASE(test_of_line_##LINE<Entry>, NAME " - " + Entry::name(), TAGS);      \
        });                                                                                        \
        return LINE;                                                                               \
    }();                                                                                           \
    template <class TestType>                                                                      \
    static void test_of_line_##LINE()

namespace support {

/// Calls `f(Entry())` for each entry of `List`, a tuple.
template <class List, class F>
void for_each_backend(F f) {
    std::apply([&](auto... each) { (f(each), ...); }, List());
}

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
