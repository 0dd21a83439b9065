// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_ANSWER_HPP
#define CACHETORY_DETAIL_REDIS_ANSWER_HPP

#include "../../backend.hpp"
#include "../../version.hpp"

#include <algorithm>
#include <cstddef>
#include <hiredis/hiredis.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cachetory::detail::redis {

struct free_reply {
    void operator()(redisReply* reply) const noexcept { ::freeReplyObject(reply); }
};
using reply_pointer = std::unique_ptr<redisReply, free_reply>;

/// The text of a reply that has one.
inline std::string_view text_of(const redisReply& reply) noexcept {
    return reply.str != nullptr ? std::string_view(reply.str, reply.len) : std::string_view();
}

/// Whether a command may be answered with this reply. Not called for errors, because any command
/// may fail.
using expectation = bool (*)(const redisReply&);

inline bool is_any(const redisReply&) { return true; }

inline bool is_integer(const redisReply& reply) { return reply.type == REDIS_REPLY_INTEGER; }

inline bool is_text(const redisReply& reply) { return reply.type == REDIS_REPLY_STRING; }

inline bool is_nil(const redisReply& reply) { return reply.type == REDIS_REPLY_NIL; }

inline bool is_text_or_nil(const redisReply& reply) { return is_text(reply) || is_nil(reply); }

inline bool is_status(const redisReply& reply) { return reply.type == REDIS_REPLY_STATUS; }

inline bool is_ok(const redisReply& reply) { return is_status(reply) && text_of(reply) == "OK"; }

inline bool is_ok_or_nil(const redisReply& reply) { return is_ok(reply) || is_nil(reply); }

/// Whether `reply` is an array of at least `least` elements.
inline bool is_array(const redisReply& reply, std::size_t least = 0) {
    return reply.type == REDIS_REPLY_ARRAY && reply.elements >= least;
}

/// Whether `reply` is an array whose elements are all as expected.
inline bool is_array_of(expectation expected, const redisReply& reply) {
    if (!is_array(reply)) {
        return false;
    }
    for (std::size_t i = 0; i != reply.elements; ++i) {
        if (!expected(*reply.element[i])) {
            return false;
        }
    }
    return true;
}

inline bool is_two_integers(const redisReply& reply) {
    return is_array_of(is_integer, reply) && reply.elements == 2;
}

/// Whether `reply` is an answer to SCAN: the next cursor, and names of keys.
inline bool is_scan_page(const redisReply& reply) {
    return is_array(reply) && reply.elements == 2 && is_text(*reply.element[0]) &&
           is_array_of(is_text, *reply.element[1]);
}

/// What a server said to one part of a batch: a reply of the kind expected, or an error.
class answer {
public:
    /// No answer yet: the object may only be assigned to.
    answer() = default;

    /// An answer from the server at `address`.
    answer(reply_pointer reply, std::string_view address) : reply_(std::move(reply)) {
        if (reply_->type == REDIS_REPLY_ERROR) {
            std::string words = "cachetory: redis server " + std::string(address) + ": ";
            words += text_of(*reply_);
            words_ = std::make_unique<const std::string>(std::move(words));
        }
    }

    /// The reply. Throws `backend_error` with the server's words if it is an error.
    [[nodiscard]] const redisReply& value() const {
        if (words_ != nullptr) {
            throw backend_error(*words_);
        }
        return *reply_;
    }

    [[nodiscard]] bool is_error() const noexcept { return reply_->type == REDIS_REPLY_ERROR; }

    /// Whether this is an error whose first word is `code`.
    [[nodiscard]] bool is_error(std::string_view code) const noexcept {
        return is_error() && this->code() == code;
    }

    /// The server's words for an error.
    [[nodiscard]] std::string_view error() const noexcept { return text_of(*reply_); }

    /// The first word of an error, such as READONLY. Returns "" if it is not made of capital
    /// letters.
    [[nodiscard]] std::string_view code() const noexcept {
        const std::string_view first = error().substr(0, error().find(' '));
        const bool is_code =
            std::all_of(first.begin(), first.end(), [](char c) { return 'A' <= c && c <= 'Z'; });
        return is_code ? first : std::string_view();
    }

    [[nodiscard]] long long integer() const { return value().integer; }

    [[nodiscard]] bool is_nil() const { return redis::is_nil(value()); }

    [[nodiscard]] std::optional<std::string> text() const {
        return is_nil() ? std::nullopt : std::optional<std::string>(text_of(*reply_));
    }

private:
    reply_pointer reply_ = {};
    std::unique_ptr<const std::string> words_ = {}; // of an error; a pointer is cheap to move
};

/// Adds what `error` says to a list of such texts, without the name of this library.
inline void add_failure(std::string& failures, const backend_error& error) {
    constexpr std::string_view name = "cachetory: ";
    std::string_view text = error.what();
    text.remove_prefix(text.starts_with(name) ? name.size() : 0);
    failures += failures.empty() ? "" : "; ";
    failures += text;
}

} // namespace cachetory::detail::redis

#endif
