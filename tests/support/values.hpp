// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_VALUES_HPP
#define CACHETORY_TESTS_SUPPORT_VALUES_HPP

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace support {

/// Movable, but neither copyable nor default-constructible.
struct move_only {
    explicit move_only(int n) : number(n) {}

    move_only(move_only&&) = default;
    move_only& operator=(move_only&&) = default;

    int number;
};

struct alignas(64) over_aligned {
    int number;
};

/// A text, and a function that its destructor calls, unless the value has been moved from. If
/// `CopiesCall`, a copy also has the function.
template <bool CopiesCall>
struct basic_callback_value {
    explicit basic_callback_value(std::function<void()> callback = {}, std::string initial = {})
        : on_destruction(std::move(callback)), text(std::move(initial)) {}

    basic_callback_value(const basic_callback_value& other) : text(other.text) {
        if (CopiesCall) {
            on_destruction = other.on_destruction;
        }
    }

    basic_callback_value(basic_callback_value&& other) noexcept
        : on_destruction(std::exchange(other.on_destruction, nullptr)),
          text(std::move(other.text)) {}

    basic_callback_value& operator=(basic_callback_value other) noexcept {
        on_destruction.swap(other.on_destruction);
        text.swap(other.text);
        return *this;
    }

    ~basic_callback_value() {
        if (on_destruction) {
            std::exchange(on_destruction, nullptr)();
        }
    }

    std::function<void()> on_destruction;
    std::string text;
};

using callback_value = basic_callback_value<true>;

/// Throws when it is copied or moved for the `countdown`-th time from now on, or never if that is
/// -1. Its destructor is not trivial, so that overwriting moves the old value out.
struct throwing {
    struct error : std::runtime_error {
        error() : std::runtime_error("a copy or a move failed") {}
    };

    throwing(int n) : number(n) {} // implicit, so that the tests read well

    throwing(const throwing& other) : number((step(), other.number)) {}

    throwing(throwing&& other) : number((step(), std::exchange(other.number, moved_from))) {}

    throwing& operator=(const throwing& other) {
        step();
        number = other.number;
        return *this;
    }

    throwing& operator=(throwing&& other) {
        step();
        number = std::exchange(other.number, moved_from);
        return *this;
    }

    ~throwing() { number = dead; }

    static void step() {
        if (countdown > 0 && --countdown == 0) {
            countdown = -1;
            throw error();
        }
    }

    static constexpr int moved_from = -1;
    static constexpr int dead = -2;
    static inline int countdown = -1;
    int number;
};

} // namespace support

#endif
