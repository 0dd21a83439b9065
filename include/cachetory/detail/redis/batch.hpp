// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_REDIS_BATCH_HPP
#define CACHETORY_DETAIL_REDIS_BATCH_HPP

#include "../../version.hpp"
#include "answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace cachetory::detail::redis {

/// What follows the key in a command.
class arguments {
public:
    arguments() = default;
    arguments(std::initializer_list<std::string_view> words) {
        for (const std::string_view word : words) {
            add(word);
        }
    }

    /// Adds one word. There is room for six, which is more than any command here has.
    void add(std::string_view word) { words_.at(count_++) = word; }

    [[nodiscard]] const std::string_view* begin() const noexcept { return words_.data(); }
    [[nodiscard]] const std::string_view* end() const noexcept { return words_.data() + count_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

private:
    std::array<std::string_view, 6> words_ = {};
    std::size_t count_ = 0;
};

/// A key as the server knows it: the backend's prefix and the user's key.
struct full_key {
    std::string_view prefix;
    std::string_view name;

    [[nodiscard]] std::size_t size() const noexcept { return prefix.size() + name.size(); }
};

/// Commands in the form in which they are sent. A batch consists of parts, each of them one command
/// or one transaction. A part has one answer: the first error among the answers to its commands, or
/// else the last of them.
class batch {
public:
    struct part {
        std::size_t begin; // in the bytes
        std::size_t end;
        std::size_t key_begin;
        std::size_t key_end;
        std::size_t commands;
        expectation expected; // of the answer of the last command
    };

    /// Adds a command without a key.
    void add(expectation expected, std::initializer_list<std::string_view> words) {
        start(expected);
        add_command(words);
        finish();
    }

    /// Adds the command `name key rest...`.
    void
    add(expectation expected, std::string_view name, full_key key, const arguments& rest = {}) {
        start(expected);
        add_command(name, key, rest);
        finish();
    }

    /// Adds commands whose only argument is the key. The server executes them with nothing in
    /// between.
    void add_transaction(expectation expected,
                         full_key key,
                         std::initializer_list<std::string_view> names) {
        start(expected);
        add_command({"MULTI"});
        for (const std::string_view name : names) {
            add_command(name, key);
        }
        add_command({"EXEC"});
        finish();
    }

    /// Adds a part of another batch, with the command `before` in front unless that is empty.
    void add(const batch& other, const part& copied, std::string_view before) {
        start(copied.expected);
        if (!before.empty()) {
            add_command({before});
        }
        const std::size_t begin = bytes_.size();
        bytes_ += other.bytes_of(copied);
        open_.key_begin = begin + (copied.key_begin - copied.begin);
        open_.key_end = begin + (copied.key_end - copied.begin);
        open_.commands += copied.commands;
        finish();
    }

    [[nodiscard]] const std::vector<part>& parts() const noexcept { return parts_; }

    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }

    /// Whether this is enough to send before any answers are read.
    [[nodiscard]] bool full() const noexcept {
        return parts_.size() >= 1024 || bytes_.size() >= std::size_t(256) * 1024;
    }

    [[nodiscard]] std::string_view bytes() const noexcept {
        return parts_.empty() ? std::string_view()
                              : std::string_view(bytes_).substr(0, parts_.back().end);
    }

    /// The key of a part, with its prefix.
    [[nodiscard]] std::string_view key_of(const part& of) const noexcept {
        return std::string_view(bytes_).substr(of.key_begin, of.key_end - of.key_begin);
    }

private:
    [[nodiscard]] std::string_view bytes_of(const part& of) const noexcept {
        return std::string_view(bytes_).substr(of.begin, of.end - of.begin);
    }

    // A part counts only after finish(). If something fails before, the next start() overwrites it.
    void start(expectation expected) {
        const std::size_t begin = parts_.empty() ? 0 : parts_.back().end;
        bytes_.resize(begin);
        open_ = {begin, begin, begin, begin, 0, expected};
    }

    void finish() {
        open_.end = bytes_.size();
        parts_.push_back(open_);
    }

    void add_command(std::initializer_list<std::string_view> words) {
        add_header('*', words.size());
        for (const std::string_view word : words) {
            add_word(word);
        }
        ++open_.commands;
    }

    void add_command(std::string_view name, full_key key, const arguments& rest = {}) {
        add_header('*', 2 + rest.size());
        add_word(name);
        add_header('$', key.size());
        open_.key_begin = bytes_.size();
        bytes_ += key.prefix;
        bytes_ += key.name;
        open_.key_end = bytes_.size();
        bytes_ += line_end;
        for (const std::string_view word : rest) {
            add_word(word);
        }
        ++open_.commands;
    }

    void add_word(std::string_view word) {
        add_header('$', word.size());
        bytes_ += word;
        bytes_ += line_end;
    }

    void add_header(char kind, std::size_t count) {
        std::array<char, std::numeric_limits<std::size_t>::digits10 + 4> line{};
        line.front() = kind;
        char* end = std::to_chars(line.data() + 1, line.data() + line.size(), count).ptr;
        end = std::copy(line_end.begin(), line_end.end(), end);
        bytes_.append(line.data(), end);
    }

    static constexpr std::string_view line_end = "\r\n";

    std::string bytes_ = {};
    std::vector<part> parts_ = {};
    part open_ = {};
};

} // namespace cachetory::detail::redis

#endif
