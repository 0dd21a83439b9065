// SPDX-License-Identifier: MIT
#ifndef CACHETORY_STRING_HASH_HPP
#define CACHETORY_STRING_HASH_HPP

#include "version.hpp"

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

// Where the C library is known to have getentropy, we declare it instead of including its header:
// <unistd.h> would bring a hundred names into the global namespace. Some versions of Android and of
// Apple's systems have the header but not the function, so they use <random>.
#if defined(__linux__) && !defined(__ANDROID__) && !defined(__UCLIBC__) && __has_include(<sys/random.h>)
namespace cachetory::detail {

// NOLINTNEXTLINE(readability-redundant-declaration): not redundant everywhere
extern "C" int getentropy(void* buffer, std::size_t length);

/// Fills `key` with random bits from the system.
template <class Key>
void draw(Key& key) {
    if (detail::getentropy(key.data(), sizeof key) != 0) {
        throw std::runtime_error("cachetory: getentropy failed, so keys cannot be hashed safely");
    }
}

} // namespace cachetory::detail
#else
#include <random>

namespace cachetory::detail {

template <class Key>
void draw(Key& key) {
    std::random_device device; // throws if it fails
    for (auto& part : key) {
        part = std::uint64_t(device()) << 32 | device();
    }
}

} // namespace cachetory::detail
#endif

namespace cachetory {

/// A hash of keys: copyable, and transparent (`is_transparent`), so that a `std::string_view` is
/// hashed as it is. Copying one must not throw, because moving and clearing a cache copies it.
template <class Hash>
concept key_hash = std::copyable<Hash> && requires(const Hash& hash, std::string_view key) {
    typename Hash::is_transparent;
    { hash(key) } -> std::convertible_to<std::size_t>;
};

namespace detail {

struct product {
    std::uint64_t low;
    std::uint64_t high;
};

constexpr product multiply_portably(std::uint64_t a, std::uint64_t b) noexcept {
    constexpr std::uint64_t lower = 0xffff'ffff;
    const std::uint64_t low = (a & lower) * (b & lower);
    const std::uint64_t cross = (a >> 32) * (b & lower) + (low >> 32); // cannot overflow
    const std::uint64_t middle = (a & lower) * (b >> 32) + (cross & lower);
    return {middle << 32 | (low & lower), (a >> 32) * (b >> 32) + (cross >> 32) + (middle >> 32)};
}

/// Returns all 128 bits of `a * b`.
constexpr product multiply(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
    __extension__ using wide = unsigned __int128;
    const wide whole = static_cast<wide>(a) * b;
    return {static_cast<std::uint64_t>(whole), static_cast<std::uint64_t>(whole >> 64)};
#else
    return multiply_portably(a, b);
#endif
}

} // namespace detail

/// The default hash of keys: fast, transparent, and keyed.
///
/// Its key is drawn from the system's entropy once in each process, so that nobody who sends us
/// keys can choose keys that collide. `std::hash<std::string>` of some libraries has no key, and
/// thousands of keys that collide under it are easy to find. The key is part of the object: a table
/// that is handed to another shared library, which has drawn another key, still works. Hashes
/// differ between processes. Nothing may depend on them, nor on the order of iteration that follows
/// from them.
///
/// The text is read as 64-bit words, and each is combined with a secret word. The hash is made of
/// their 128-bit products, folded to 64 bits.
///
/// It is made so that an attacker who does not know the key cannot choose texts that crowd a bucket
/// or a shard. The tests try texts that collide in `std::hash`, in murmur under every seed, and
/// under the public constants of wyhash and rapidhash; and complements, swaps, multiples and
/// factors that become zero. It is not a cryptographic hash. Whoever knows the key, or can time
/// many millions of look-ups, may break it. Keys made of one byte repeated at most 16 times may
/// share a bucket. Pass another `Hash` to a backend that needs more.
class string_hash {
public:
    using is_transparent = void;
    using key_type = std::array<std::uint64_t, 4>;

    /// Uses the key of this process. Throws `std::runtime_error` if there is no entropy to draw it
    /// from.
    string_hash() : key_(key_of_process()) {}
    /// Uses a given key, for tests that must be repeatable. A known key gives no protection.
    explicit string_hash(const key_type& key) noexcept : key_(key) {}

    /// Complexity: linear in the size of `text`.
    ///
    /// Not `noexcept`, although it never throws: libstdc++ keeps the hash in each node only if the
    /// hasher may throw. Without the kept hash, every rehash and every walk along a bucket would
    /// hash the keys again.
    [[nodiscard]] std::size_t operator()(std::string_view text) const {
        const char* at = text.data();
        std::size_t left = text.size();
        std::uint64_t state = key_[0];
        for (; left > 16; left -= 16, at += 16) {
            // x * y and ~x * y often fold alike, because their halves have the same sum modulo
            // 2^64 - 1. The rotation breaks that.
            const auto [low, high] = detail::multiply(word(at) ^ key_[1], word(at + 8) ^ state);
            state = std::rotl(low, 3) ^ high;
        }
        std::uint64_t a = 0; // at most the last 16 bytes; if there are fewer, a and b overlap
        std::uint64_t b = 0;
        if (left >= 8) {
            a = word(at);
            b = word(at + left - 8);
        } else if (left >= 4) {
            a = half_word(at);
            b = half_word(at + left - 4);
        } else if (left > 0) {
            a = byte(at) << 16 | byte(at + left / 2) << 8 | byte(at + left - 1);
        }
        const auto [low, high] = detail::multiply(a ^ key_[1], b ^ state);
        return static_cast<std::size_t>(fold(low ^ key_[2] ^ text.size(), high ^ key_[3]));
    }

private:
    // Words are read at any address, in the machine's byte order, which does not affect the quality
    // of the hash.
    static std::uint64_t word(const char* at) {
        std::uint64_t value = 0;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    static std::uint64_t half_word(const char* at) {
        std::uint32_t value = 0;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    static std::uint64_t byte(const char* at) { return static_cast<unsigned char>(*at); }

    static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
        const auto [low, high] = detail::multiply(a, b);
        return low ^ high;
    }

    static const key_type& key_of_process() {
        static const key_type key = draw();
        return key;
    }

    static key_type draw() {
        key_type key{};
        detail::draw(key);
        return key;
    }

    key_type key_;
};

static_assert(!noexcept(std::declval<const string_hash&>()(std::string_view())), "see operator()");

} // namespace cachetory

#endif
