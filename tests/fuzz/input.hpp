// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_INPUT_HPP
#define CACHETORY_TESTS_FUZZ_INPUT_HPP

#include "../support/reference_cache.hpp"
#include "../support/wide.hpp"

#include <cachetory/backend.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <ratio>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fuzz {

struct mismatch : std::logic_error {
    using logic_error::logic_error;
};

/// Not an assertion, so that it also checks in a release build.
inline void expect(bool holds, const char* what, const char* of = "") {
    if (!holds) {
        throw mismatch(std::string(what) + of);
    }
}

using support::highest;
using support::lowest;
using support::nanoseconds_of;
using support::ticks;
using support::wide;

constexpr ticks saturated(wide exact) {
    return static_cast<ticks>(std::clamp(exact, wide(lowest), wide(highest)));
}

/// Reads the bytes of an input. Zeros follow their end, so every sequence of bytes has a meaning.
class input {
public:
    explicit input(std::span<const std::uint8_t> bytes) : left_(bytes) {}

    bool empty() const { return left_.empty(); }

    std::uint8_t byte() {
        if (left_.empty()) {
            return 0;
        }
        const std::uint8_t first = left_.front();
        left_ = left_.subspan(1);
        return first;
    }

    std::size_t below(std::size_t end) { return byte() % end; }

    bool flag() { return below(2) == 1; }

    template <class T>
    T raw() {
        std::array<std::uint8_t, sizeof(T)> bytes;
        std::generate(bytes.begin(), bytes.end(), [this] { return byte(); });
        return std::bit_cast<T>(bytes);
    }

    ticks number() {
        switch (below(8)) {
        case 0:
            return lowest + byte() % 3;
        case 1:
            return highest - byte() % 3;
        case 2:
            return raw<ticks>();
        case 3:
            return ticks(raw<std::int8_t>()) * 1'000'000'000;
        default:
            return raw<std::int8_t>();
        }
    }

    double real() {
        using limits = std::numeric_limits<double>;
        switch (below(8)) {
        case 0:
            return std::array{limits::quiet_NaN(), limits::infinity(),
                              -limits::infinity()}[below(3)];
        case 1:
            return raw<double>();
        case 2:
        case 3: {
            const int mantissa = raw<std::int8_t>();
            return std::ldexp(mantissa, raw<std::int8_t>());
        }
        default:
            return raw<std::int8_t>() / 8.0;
        }
    }

    /// The first byte chooses one of a few texts, so that operations use the same keys; or it says
    /// how often to repeat the next byte, so that a short input can be a long text; or how many
    /// bytes to take as they are.
    std::string text() {
        static constexpr std::string_view few[] = {"",
                                                   "a",
                                                   "b",
                                                   "c",
                                                   "d",
                                                   std::string_view("\0", 1),
                                                   std::string_view("a\0", 2),
                                                   "\xff\xfe not UTF-8",
                                                   "too long to be stored in the string itself"};
        const std::size_t first = byte();
        if (first < 200) {
            return std::string(few[first % std::size(few)]);
        }
        if (first < 216) {
            return std::string((first - 199) * 256, static_cast<char>(byte()));
        }
        std::string taken(first - 216, '\0');
        std::generate(taken.begin(), taken.end(), [this] { return static_cast<char>(byte()); });
        return taken;
    }

    std::optional<cachetory::ttl> life() {
        using namespace std::chrono;
        switch (below(12)) {
        case 0:
            return std::nullopt;
        case 1:
            return nanoseconds(number());
        case 2:
            return seconds(number());
        case 3:
            return hours(number());
        case 4:
            return duration<ticks, std::pico>(number());
        case 5:
            return duration<double>(real());
        case 6:
            return duration<float, std::nano>(static_cast<float>(real()));
        default:
            return nanoseconds(below(32));
        }
    }

private:
    std::span<const std::uint8_t> left_;
};

} // namespace fuzz

#endif
