// SPDX-License-Identifier: MIT
// For libFuzzer. An exception that escapes ends the program, and libFuzzer keeps the input. The
// first byte of an input says what the rest is.
#include <cachetory/redis_backend.hpp>

#include "../../support/redis_verbs.hpp"
#include "../../support/scripted_server.hpp"

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <hiredis/hiredis.h>

namespace {

using cachetory::redis_address;
using cachetory::redis_options;

void require(bool holds, const char* what) {
    if (!holds) {
        throw std::logic_error(what);
    }
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        encoded += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
    return encoded;
}

std::string url_of(const redis_address& address) {
    return percent_encoded(address.host) + ':' + std::to_string(address.port);
}

std::string url_of(const redis_options& options) {
    std::string login;
    if (!options.user.empty() || !options.password.empty()) {
        login = percent_encoded(options.user) + ':' + percent_encoded(options.password) + '@';
    }
    const std::string database = std::to_string(options.database);
    const std::string timeout = "timeout=" + std::to_string(options.timeout.count());
    if (options.host.starts_with('/')) {
        return "redis+unix://" + login + '/' + percent_encoded(options.host.substr(1)) +
               "?db=" + database + '&' + timeout;
    }
    const auto& several = options.cluster.empty() ? options.sentinels : options.cluster;
    std::string hosts;
    for (const redis_address& address : several) {
        hosts += (hosts.empty() ? "" : ",") + url_of(address);
    }
    if (!options.cluster.empty()) {
        return "redis+cluster://" + login + hosts + '?' + timeout;
    }
    if (!options.sentinels.empty()) {
        return "redis+sentinel://" + login + hosts + '/' + percent_encoded(options.service) + '/' +
               database + '?' + timeout;
    }
    return "redis://" + login + url_of(redis_address{options.host, options.port}) + '/' + database +
           '?' + timeout;
}

/// A URL is refused, or gives options that can be used and written as a URL again.
void parse_url(const std::string& url) {
    redis_options options;
    try {
        options = redis_options::from_url(url);
    } catch (const std::invalid_argument&) {
        return;
    }
    static_cast<void>(cachetory::redis_backend(options));
    require(redis_options::from_url(url_of(options)) == options,
            "another URL means something else");
}

/// Whatever the server answers, a verb returns or throws what it should, and the next call gets its
/// own answer.
void answer_verb(std::size_t number, const std::string& answers) {
    static support::scripted_server server([](const support::words&) { return ""; });
    static auto cache = cachetory::redis_backend::from_url(server.url());
    server.play([left = answers](const support::words&) mutable { // once, or SCAN might never end
        return support::and_close(std::exchange(left, ""));
    });
    const auto& verbs = support::redis_verbs();
    try {
        verbs[number % verbs.size()].call(cache);
    } catch (const cachetory::backend_error&) {
    } catch (const cachetory::key_error&) {
    }
    server.wait_until_closed();
    server.play([](const support::words&) { return "$2\r\nok\r\n"; });
    require(cache.get("key") == "ok", "a late answer");
}

/// What a cluster says about its slots leads to possible addresses, or nowhere.
void read_directions(const std::string& bytes) {
    namespace redis = cachetory::detail::redis;
    struct free_reader {
        void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
    };
    const std::unique_ptr<redisReader, free_reader> reader(::redisReaderCreate());
    ::redisReaderFeed(reader.get(), bytes.data(), bytes.size());
    const redis_address from{"from", 1};
    for (void* next = nullptr;
         ::redisReaderGetReply(reader.get(), &next) == REDIS_OK && next != nullptr;) {
        redis::reply_pointer reply(static_cast<redisReply*>(next));
        if (redis::is_slot_map(*reply)) {
            for (const redis::slot_range& range : redis::slot_map_of(*reply, from)) {
                require(range.first <= range.last && range.last < redis::slot_count, "no slot");
                redis::check_address(range.owner);
            }
        }
        const redis::answer answer(std::move(reply), "from");
        if (const auto elsewhere = redis::redirection_of(answer, from)) {
            require(elsewhere->slot < redis::slot_count, "no slot");
            redis::check_address(elsewhere->to);
        }
    }
}

/// Whether `bytes` announce an array so large that hiredis would spend minutes and gigabytes on it.
bool is_huge(std::string_view bytes) {
    std::size_t digits = 0;
    bool in_array = false;
    for (const char c : bytes) {
        if (c == '*' || c == '%' || c == '~' || c == '>' || c == '|') {
            in_array = true;
            digits = 0;
        } else if (std::isdigit(static_cast<unsigned char>(c)) == 0 && c != '+') {
            in_array = false;
        }
        digits += in_array ? 1U : 0U;
        if (digits > 6) {
            return true;
        }
    }
    return false;
}

} // namespace

extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string rest(data + 1, data + size);
    if (data[0] == 'u') {
        parse_url(rest);
    } else if (!is_huge(rest)) {
        if (data[0] == 'd') {
            read_directions(rest);
        } else {
            answer_verb(data[0], rest);
        }
    }
    return 0;
}
