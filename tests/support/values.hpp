// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_VALUES_HPP
#define CACHETORY_TESTS_SUPPORT_VALUES_HPP

#include <functional>
#include <stdexcept>
#include <utility>

namespace support {

/// Can be moved, but neither copied nor made without a number.
struct move_only {
    explicit move_only(int n) : number(n) {}

    move_only(move_only&&) = default;
    move_only& operator=(move_only&&) = default;

    int number;
};

struct alignas(64) over_aligned {
    int number;
};

/// Does something when it dies, unless moved from.
struct last_words {
    explicit last_words(std::function<void()> words = {}) : speak(std::move(words)) {}

    last_words(last_words&& other) noexcept : speak(std::exchange(other.speak, nullptr)) {}

    last_words& operator=(last_words&& other) noexcept {
        last_words dying = std::move(*this);
        speak = std::exchange(other.speak, nullptr);
        return *this;
    }

    ~last_words() {
        if (speak) {
            std::exchange(speak, nullptr)();
        }
    }

    std::function<void()> speak;
};

/// Throws when it is copied or moved for the `countdown`-th time from now on; -1: never. Its
/// destructor is not trivial, so that overwriting takes care of the old value.
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
