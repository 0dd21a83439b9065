// SPDX-License-Identifier: MIT
#include <cachetory/redis_backend.hpp>

#include "../support/catch.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;

using cachetory::redis_address;
using cachetory::redis_options;
using support::contains;

namespace {

struct meaning {
    std::string url;
    redis_options options;
};

redis_options server(std::string host, int port = 6379, int database = 0) {
    redis_options options;
    options.host = std::move(host);
    options.port = port;
    options.database = database;
    return options;
}

redis_options with_login(redis_options options, std::string user, std::string password) {
    options.user = std::move(user);
    options.password = std::move(password);
    return options;
}

redis_options with_timeout(redis_options options, std::chrono::milliseconds timeout) {
    options.timeout = timeout;
    return options;
}

redis_options cluster(std::vector<redis_address> servers) {
    redis_options options;
    options.cluster = std::move(servers);
    return options;
}

redis_options sentinels(std::vector<redis_address> servers, std::string service, int database = 0) {
    redis_options options;
    options.sentinels = std::move(servers);
    options.service = std::move(service);
    options.database = database;
    return options;
}

void check_all(const std::vector<meaning>& table) {
    for (const meaning& row : table) {
        INFO(row.url);
        CHECK((redis_options::from_url(row.url) == row.options));
        CHECK_NOTHROW(cachetory::redis_backend::from_url(row.url)); // does not connect
    }
}

} // namespace

TEST_CASE("default options mean a server on this machine", "[redis]") {
    const redis_options options;
    CHECK(options.host == "127.0.0.1");
    CHECK(options.port == 6379);
    CHECK(options.user.empty());
    CHECK(options.password.empty());
    CHECK(options.database == 0);
    CHECK(options.timeout == 1s);
}

TEST_CASE("a backend can be made from options in braces, even from none", "[redis]") {
    // None of these connects.
    const cachetory::redis_backend none({});
    const cachetory::redis_backend some({.host = "host"});
    const cachetory::redis_backend both({.host = "host", .port = 7'000});
    const cachetory::redis_backend braces{{.host = "host"}};
    const cachetory::redis_backend empty_braces{{}};
    const cachetory::redis_backend assigned = {};
    const cachetory::redis_backend copy(none);
    CHECK_THROWS_AS(cachetory::redis_backend({.port = 0}), std::invalid_argument);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<redis_options, cachetory::redis_backend>);
}

TEST_CASE("a URL of one server gives its options", "[redis]") {
    check_all({
        {"redis://host", server("host")},
        {"redis://host/", server("host")},
        {"redis://host:1", server("host", 1)},
        {"redis://host:65535/", server("host", 65'535)},
        {"redis://127.0.0.1:7000/15", server("127.0.0.1", 7'000, 15)},
        {"redis://host/3", server("host", 6'379, 3)},
        {"redis://[::1]", server("::1")},
        {"redis://[fe80::1]:7000/2", server("fe80::1", 7'000, 2)},
        {"redis://:secret@host", with_login(server("host"), "", "secret")},
        {"redis://user:secret@host:7000/1", with_login(server("host", 7'000, 1), "user", "secret")},
        {"redis://user:@host", with_login(server("host"), "user", "")},
        {"redis://user:a:b@host", with_login(server("host"), "user", "a:b")},
        {"redis://host?timeout=250", with_timeout(server("host"), 250ms)},
        {"redis://host:7000/4?timeout=1", with_timeout(server("host", 7'000, 4), 1ms)},
    });
}

TEST_CASE("a URL of a Unix socket gives its options", "[redis]") {
    check_all({
        {"redis+unix:///run/redis.sock", server("/run/redis.sock")},
        {"redis+unix:///run/redis.sock?db=3", server("/run/redis.sock", 6'379, 3)},
        {"redis+unix:///s?db=3&timeout=20", with_timeout(server("/s", 6'379, 3), 20ms)},
        {"redis+unix:///s?timeout=20&db=3", with_timeout(server("/s", 6'379, 3), 20ms)},
        {"redis+unix://user:secret@/s", with_login(server("/s"), "user", "secret")},
        {"redis+unix:///with%20blank%3F", server("/with blank?")},
    });
}

TEST_CASE("a URL of sentinels or of a cluster gives its options", "[redis]") {
    check_all({
        {"redis+sentinel://a:1,b/main", sentinels({{"a", 1}, {"b", 26'379}}, "main")},
        {"redis+sentinel://a/main/2", sentinels({{"a", 26'379}}, "main", 2)},
        {"redis+sentinel://:secret@a:1,[::1]:2/main?timeout=5",
         with_timeout(with_login(sentinels({{"a", 1}, {"::1", 2}}, "main"), "", "secret"), 5ms)},
        {"redis+cluster://a:1,b:2", cluster({{"a", 1}, {"b", 2}})},
        {"redis+cluster://a", cluster({{"a", 6'379}})},
        {"redis+cluster://a/0", cluster({{"a", 6'379}})},
        {"redis+cluster://user:secret@a:1,b?timeout=5",
         with_timeout(with_login(cluster({{"a", 1}, {"b", 6'379}}), "user", "secret"), 5ms)},
    });
}

TEST_CASE("each part of a URL is percent-decoded by itself", "[redis]") {
    const redis_options options =
        redis_options::from_url("redis://us%3aer:%40%3A%2F%3f%23%25%00%ff@ho%73t/1");
    CHECK(options.user == "us:er");
    CHECK(options.password == std::string("@:/?#%\0\xff", 8));
    CHECK(options.host == "host");
    CHECK(redis_options::from_url("redis+sentinel://a/my%2Fmain/2").service == "my/main");
    CHECK(redis_options::from_url("redis://a%2Bb").host == "a+b");
    CHECK(redis_options::from_url("redis://:a+b@h").password == "a+b"); // "+" stands for itself
}

TEST_CASE("other URLs are refused, with a reason and without the password", "[redis]") {
    for (const std::string url : {
             "",
             "redis",
             "redis:",
             "redis:/host",
             "redis:host",
             "redis://",
             "redis:///1",
             "redis://:7000",
             "redis://?timeout=1",
             "//host",
             "host:6379",
             "memory://",
             "http://host",
             "Redis+unknown://host",
             "redis+unix://host/s",
             "redis+unix://",
             "redis+unix:///",
             "redis+unix:relative",
             "redis+unix:///s/1?db=x",
             "redis+unix:///s?db=-1",
             "redis+unix:///s?db=1&db=1",
             "redis+unix:///%00",
             "redis://host:",
             "redis://host:0",
             "redis://host:65536",
             "redis://host:99999999999999999999",
             "redis://host:-1",
             "redis://host:+1",
             "redis://host: 1",
             "redis://host:1x",
             "redis://host:1:2",
             "redis://[::1",
             "redis://[::1]x",
             "redis://[]",
             "redis://host/x",
             "redis://host/-1",
             "redis://host/1/2",
             "redis://host/1/",
             "redis://host/99999999999",
             "redis://host//",
             "redis://host?",
             "redis://host?timeout",
             "redis://host?timeout=",
             "redis://host?timeout=0",
             "redis://host?timeout=-1",
             "redis://host?timeout=1s",
             "redis://host?timeout=1&timeout=2",
             "redis://host?timeout=1&",
             "redis://host?db=1",
             "redis://host?pool=3",
             "redis://host#fragment",
             "redis://ho%st",
             "redis://host%",
             "redis://host%4",
             "redis://host%4x",
             "redis://ho%00st",
             "redis://%2Fsocket",
             "redis://a,b:1:2",
             "redis+sentinel://a",
             "redis+sentinel://a/",
             "redis+sentinel://a//1",
             "redis+sentinel:///main",
             "redis+sentinel://a,/main",
             "redis+sentinel://,a/main",
             "redis+sentinel://a/main/x",
             "redis+cluster://",
             "redis+cluster://a,",
             "redis+cluster://a,,b",
             "redis+cluster://a/1",
             "redis+cluster://a/main",
             "redis://s3cret@host",
             "redis://user:s3cret@host:x",
             "redis://:s3cret@",
             "redis://:s3cret@a@host",
             "redis://:s3cret%@host",
             "redis://:s3cret#@host",
             "redis://:s3cret@host?what=1",
             "redis://:s3@s3cret@host:x",
             "redis://:s3cret",
             "redis://user:s3cret/host",
             "redis://:s3cret?@host",
             "redis://host?password=s3cret",
             "redis+sentinel://:s3cret@a,b",
             "s3cret:s3cret@host",
             "user:s3cret://def@host",
             "user:s3cret://def",
             "user@s3cret://def@host",
             "user?s3cret://def@host",
             "redis:s3cret",
             "http://:s3cret@host",
         }) {
        INFO("'" << url << "'");
        std::string reason;
        try {
            static_cast<void>(redis_options::from_url(url));
        } catch (const std::invalid_argument& error) {
            reason = error.what();
        }
        CHECK_THAT(reason, contains("URL"));
        CHECK_THAT(reason, !contains("s3cret"));
        CHECK_THROWS_AS(cachetory::redis_backend::from_url(url), std::invalid_argument);
    }
}

TEST_CASE("a URL that is refused is named", "[redis]") {
    const auto shown = [](const std::string& url) -> std::string {
        try {
            static_cast<void>(redis_options::from_url(url));
        } catch (const std::invalid_argument& error) {
            const std::string text = error.what();
            const std::size_t begin = text.find('"') + 1;
            return text.substr(begin, text.find('"', begin) - begin);
        }
        return "none";
    };
    CHECK(shown("") == "");
    CHECK(shown("http://host/1") == "http://host/1");
    CHECK(shown("redis://host:x/1") == "redis://host:...");
    CHECK(shown("redis://host?what=1") == "redis://host?...");
    CHECK(shown("redis://user:s3cret@host:x/1") == "redis://...@host:x/1");
    CHECK(shown("redis://:s3@cret@host?what=1") == "redis://...@host?...");
    CHECK(shown("redis+sentinel://:s3cret@a:1,b:2") == "redis+sentinel://...@a:1,b:2");
    CHECK(shown("host:6379") == "host:...");
    CHECK(shown("default:s3cret://def@host") == "...@host"); // "://" is in the password
    CHECK(shown("default:s3cret://def") == "default:...");
    CHECK(shown("s3cret@://host") == "...@://host");
    CHECK(shown("default@s3cret://def@host") == "...@host");
}

TEST_CASE("a URL that asks for TLS is refused with a message that names stunnel", "[redis]") {
    for (const std::string url : {"rediss://host", "rediss://:s3cret@host:6380/1"}) {
        CHECK_THROWS_WITH(redis_options::from_url(url), contains("stunnel"));
        CHECK_THROWS_WITH(redis_options::from_url(url), !contains("s3cret"));
        CHECK_THROWS_AS(redis_options::from_url(url), std::invalid_argument);
    }
}

TEST_CASE("options that are out of range or contradict each other are refused", "[redis]") {
    const auto refused = [](redis_options options) {
        CHECK_THROWS_AS(cachetory::redis_backend(options), std::invalid_argument);
    };
    refused(server(""));
    refused(server(std::string("a\0b", 3)));
    refused(server("host", 0));
    refused(server("host", -1));
    refused(server("host", 65'536));
    refused(server("host", 6'379, -1));
    refused(with_timeout(server("host"), 0ms));
    refused(with_timeout(server("host"), -1ms));
    refused(sentinels({{"a", 1}}, ""));
    refused(sentinels({}, "main"));
    refused(cluster({{"a", 0}}));
    refused(cluster({{"", 1}}));
    redis_options both = cluster({{"a", 1}});
    both.sentinels = {{"a", 1}};
    both.service = "main";
    refused(both);
    redis_options database = cluster({{"a", 1}});
    database.database = 1;
    refused(database);
}

TEST_CASE("any timeout of at least a millisecond is accepted", "[redis]") {
    for (const auto timeout : {1ms, 1'000ms, (std::chrono::milliseconds::max)()}) {
        CHECK_NOTHROW(cachetory::redis_backend(with_timeout(server("host"), timeout)));
    }
}
