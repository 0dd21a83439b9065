// SPDX-License-Identifier: MIT
#include "support/contract.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using support::all_backends;
using support::fresh;
using support::has_size;
using support::names_missing_key;
using support::result;

BACKEND_TEST_CASE("get and deadline of a missing key throw a key_error that names it",
                  "[errors][promise-8]",
                  all_backends) {
    auto cache = fresh<TestType>();
    const std::string key("a\0b", 3);
    CHECK(names_missing_key(key, [&] { (void)result(cache.get(key)); }));
    CHECK(names_missing_key(key, [&] { (void)result(cache.deadline(key)); }));
    CHECK(has_size(cache, 0));
}

BACKEND_TEST_CASE("nothing but get and deadline throws for a missing key",
                  "[errors][promise-8]",
                  all_backends) {
    auto cache = fresh<TestType>();
    CHECK(!result(cache.find("key")));
    CHECK(!result(cache.contains("key")));
    CHECK(!result(cache.touch("key", 1h)));
    CHECK(!result(cache.take("key")));
    CHECK(!result(cache.erase("key")));
    CHECK(result(cache.erase_many({"key", "other"})) == 0);
    CHECK(result(cache.get_many({"key", "other"})).empty());
    CHECK(!result(cache.expire_in("key", 1h)));
    CHECK(!result(cache.expire_at("key", decltype(cache)::clock::now() + 1h)));
}

BACKEND_TEST_CASE("the error names the whole missing key, whatever its bytes",
                  "[errors][keys][promise-8]",
                  all_backends) {
    auto cache = fresh<TestType>();
    for (const std::string& key :
         {std::string(), std::string("\0", 1), std::string("a\0b", 3), std::string("\xff\xc3("),
          std::string(1 << 20, 'x') + '\0' + '"'}) {
        const auto names_key = [&](auto operation) {
            try {
                operation();
            } catch (const cachetory::key_error& error) {
                const std::string_view what = error.what(); // ends at the first NUL
                return error.key() == key && what.find('"' + std::string(key.c_str())) != what.npos;
            }
            return false;
        };
        CHECK(names_key([&] { (void)result(cache.get(key)); }));
        CHECK(names_key([&] { (void)result(cache.deadline(key)); }));
    }
}

BACKEND_TEST_CASE("a URL of another kind is refused", "[errors]", all_backends) {
    using backend = decltype(fresh<TestType>());
    const std::string url = GENERATE("no-such-backend://localhost", "://", "");
    CAPTURE(url);
    CHECK_THROWS_AS(backend::from_url(url), std::invalid_argument);
}
