// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"
#include "../support/redis_verbs.hpp"
#include "../support/scripted_server.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <hiredis/hiredis.h>

// hiredis allocates as much memory as a hostile answer says, and checks whether it got it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

using support::contains;
using support::words;

namespace {

const std::string good = "$2\r\nok\r\n";

support::scripted_server::script always(support::scripted_answer answer) {
    return [answer](const words&) { return answer; };
}

/// Answers that are valid, but not for every command.
const std::vector<std::string>& whole_answers() {
    static const std::vector<std::string> all{
        "+OK\r\n",
        "+QUEUED\r\n",
        "+\r\n",
        ":1\r\n",
        ":0\r\n",
        ":-7\r\n",
        ":9223372036854775807\r\n",
        ":-9223372036854775808\r\n",
        "$-1\r\n",
        "$0\r\n\r\n",
        "$2\r\nhi\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*1\r\n:1\r\n",
        "*2\r\n:1\r\n:1\r\n",
        "*2\r\n$-1\r\n:1\r\n",
        "*2\r\n*-1\r\n*-1\r\n",
        "*2\r\n:1\r\n-ERR no\r\n",
        "*2\r\n$1\r\n0\r\n*0\r\n",
        "*2\r\n$1\r\n0\r\n*-1\r\n",
        "*2\r\n$1\r\n0\r\n$-1\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n$-1\r\n",
        "*2\r\n:0\r\n*0\r\n",
        "*3\r\n$1\r\n0\r\n*0\r\n*0\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "-\r\n",
        "-ERR\r\n",
        "-ERR " + std::string(100'000, 'x') + "\r\n",
        "-READONLY You can't write\r\n",
        "-MOVED 1 127.0.0.1:1\r\n",
        "-ASK 1 127.0.0.1:1\r\n",
        "_\r\n",
        "#t\r\n",
        ",1.5\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "~1\r\n:1\r\n",
        "=5\r\ntxt:a\r\n",
        "(123\r\n",
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "\r\n",
        std::string("\0\0\0\0\r\n", 6),
        "$-2\r\n",
        "*-2\r\n",
        "$x\r\n",
        ":x\r\n",
        "*1x\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    return all;
}

/// Whether `answer` says that there is nothing: hiredis 1 also knows the null of a newer protocol.
bool says_nil(const std::string& answer) {
    return answer == "$-1\r\n" || answer == "*-1\r\n" || (HIREDIS_MAJOR >= 1 && answer == "_\r\n");
}

/// Whether a correct server may answer `command` like this. Errors are not counted.
bool belongs(const words& command, const std::string& answer) {
    const std::string& name = command.at(0);
    const bool is_number = answer.starts_with(':') && answer != ":x\r\n";
    const bool is_nil = says_nil(answer);
    const bool is_text = answer == "$2\r\nhi\r\n" || answer == "$0\r\n\r\n" || is_nil;
    if (name == "GET" || name == "GETEX" || name == "GETDEL") {
        return is_text;
    }
    if (name == "SET") {
        const bool gets = std::find(command.begin(), command.end(), "GET") != command.end();
        return gets ? is_text : answer == "+OK\r\n" || is_nil;
    }
    if (name == "SCAN") {
        return answer == "*2\r\n$1\r\n0\r\n*0\r\n";
    }
    return name == "FLUSHDB" ? answer == "+OK\r\n" : is_number && name != "MULTI";
}

/// Calls `verb`. Returns whether it threw a `backend_error`; it may throw a `key_error`, but
/// nothing else.
bool fails(const support::redis_verb& verb, cachetory::redis_backend& cache) {
    try {
        verb.call(cache);
    } catch (const cachetory::backend_error&) {
        return true;
    } catch (const cachetory::key_error&) {
    }
    return false;
}

} // namespace

TEST_CASE("an answer that does not belong to its command is an error, and reaches no later call",
          "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (const support::redis_verb& verb : support::redis_verbs()) {
        for (const std::string& answer : whole_answers()) {
            server.play(always(answer));
            INFO(verb.name << " is answered " << answer.substr(0, 100));
            const bool failed = fails(verb, cache);
            CHECK(failed != belongs(server.received().at(0), answer));
            server.play(always(good));
            CHECK(cache.get("key") == "ok");
        }
    }
}

TEST_CASE("get_or_set accepts only answers that belong to its commands", "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (const std::string& answer : whole_answers()) {
        server.play([=](const words& command) { return command[0] == "GET" ? "$-1\r\n" : answer; });
        INFO("SET is answered " << answer.substr(0, 100));
        std::string got = "an error";
        try {
            got = cache.get_or_set("key", [] { return "made"; });
        } catch (const cachetory::backend_error&) {
        }
        const bool is_nil = says_nil(answer);
        const bool is_text = belongs({"GET"}, answer) && !is_nil;
        CHECK(got == (is_nil    ? "made"
                      : is_text ? answer.substr(4, answer.size() - 6)
                                : "an error"));
    }
}

TEST_CASE("half an answer followed by the end of the connection is an error", "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (const support::redis_verb& verb : support::redis_verbs()) {
        for (const std::string whole :
             {"+OK\r\n", ":1\r\n", "$2\r\nhi\r\n", "*2\r\n:1\r\n:1\r\n"}) {
            for (const std::size_t part : {std::size_t(0), whole.size() / 2, whole.size() - 1}) {
                server.play(always(support::and_close(whole.substr(0, part))));
                INFO(verb.name << " is answered " << part << " bytes of " << whole);
                CHECK(fails(verb, cache));
                server.play(always(good));
                CHECK(cache.get("key") == "ok");
            }
        }
    }
}

TEST_CASE("an answer that never ends is an error after the timeout", "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=100"));
    const auto check = [&](const support::redis_verb& verb, const std::string& answer) {
        server.play(always(answer));
        INFO(verb.name << " is answered " << answer);
        CHECK(fails(verb, cache));
        server.play(always(good));
        CHECK(support::patiently([&] { return cache.get("key"); }) == "ok");
    };
    for (const support::redis_verb& verb : support::redis_verbs()) {
        if (verb.name == "get" || verb.name == "get_many" || verb.name == "expire_in, forever") {
            for (const std::string answer :
                 {"", "+OK", "$5\r\nab\r\n", "$9223372036854775807\r\n", "*2\r\n:1\r\n"}) {
                check(verb, answer);
            }
        }
    }
    // A larger number would only make an old hiredis allocate more memory.
    check(support::redis_verbs().front(), "*20000000\r\n");
}

TEST_CASE("answers that nobody asked for reach no later call", "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url());
    for (const std::string extra : {"$4\r\nevil\r\n", "$4\r\nev", "\r\n", "-ERR\r\n", "+OK\r\n"}) {
        INFO("more than was asked: " << extra);
        server.play(always(good + extra));
        CHECK(cache.get("key") == "ok");
        CHECK(cache.get("key") == "ok");
        CHECK(server.received("GET") == 2);
        CHECK(cache.get_many({"key"}).size() == 1);
        server.play(always(good));
        CHECK(cache.get("key") == "ok");
    }
}

TEST_CASE("an answer may come one byte at a time, for longer than the timeout", "[redis]") {
    const std::string value(2'500, 'v');
    const std::string text = "$2500\r\n" + value + "\r\n";
    support::scripted_server server(always(support::slowly(text)));
    auto cache = cachetory::redis_backend::from_url(server.url("?timeout=1000"));
    CHECK(cache.get("key") == value);
    server.play([](const words& command) {
        const std::map<std::string, std::string> answers{{"MULTI", "+OK\r\n"},
                                                         {"EXEC", "*2\r\n:0\r\n:1\r\n"}};
        const auto found = answers.find(command[0]);
        return support::slowly(found == answers.end() ? "+QUEUED\r\n" : found->second);
    });
    CHECK(cache.expire_in("key", std::nullopt));
    CHECK(server.accepted() == 0); // still the same connection
}

TEST_CASE("a transaction that is refused is an error", "[redis]") {
    support::scripted_server server(always(""));
    auto cache = cachetory::redis_backend::from_url(server.url());
    const auto exchange = [&](const std::string& queued, const std::string& executed) {
        server.play([=](const words& command) {
            return command[0] == "MULTI" ? "+OK\r\n" : command[0] == "EXEC" ? executed : queued;
        });
        return cache.expire_in("key", std::nullopt);
    };
    CHECK(exchange("+QUEUED\r\n", "*2\r\n:1\r\n:1\r\n"));
    CHECK_FALSE(exchange("+QUEUED\r\n", "*2\r\n:0\r\n:0\r\n"));
    CHECK_THROWS_AS(exchange("+QUEUED\r\n", "*-1\r\n"), cachetory::backend_error);
    CHECK_THROWS_AS(exchange("+QUEUED\r\n", "*1\r\n:1\r\n"), cachetory::backend_error);
    CHECK_THROWS_AS(exchange("+QUEUED\r\n", "*2\r\n:1\r\n-ERR no\r\n"), cachetory::backend_error);
    CHECK_THROWS_WITH(exchange("-ERR told why\r\n", "-EXECABORT\r\n"), contains("told why"));
    server.play(always(good));
    CHECK(cache.get("key") == "ok");
}

TEST_CASE("a login that goes wrong is an error that does not hold the password", "[redis]") {
    support::scripted_server server(always(""));
    const std::string url = "redis://user:s3cret@" + server.address() + "/2?timeout=5000";
    auto cache = cachetory::redis_backend::from_url(url);
    for (const char* const failing : {"AUTH", "SELECT"}) {
        for (const std::string answer :
             {"-ERR no\r\n", "-ERR unknown command 'AUTH', with args: 'user' 's3cret'\r\n",
              ":1\r\n", "$-1\r\n", "*-1\r\n", "+NO\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
            server.play([=](const words& command) {
                return command[0] == failing ? answer : std::string("+OK\r\n");
            });
            INFO(failing << " is answered " << answer);
            std::string what;
            try {
                static_cast<void>(cache.find("key"));
            } catch (const cachetory::backend_error& error) {
                what = error.what();
            }
            CHECK_THAT(what, contains(server.address()));
            CHECK_THAT(what, !contains("s3cret"));
            CHECK(server.received("GET") == 0);
        }
    }
    server.play([](const words& command) { return command[0] == "GET" ? good : "+OK\r\n"; });
    CHECK(cache.get("key") == "ok");
    CHECK(server.received() ==
          std::vector<words>{{"AUTH", "user", "s3cret"}, {"SELECT", "2"}, {"GET", "key"}});
}
