// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_HASHING_HPP
#define CACHETORY_TESTS_SUPPORT_HASHING_HPP

#include <cachetory/string_hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

// Keys, their hashes, and the shards and buckets that these choose.
namespace support::hashing {

using cachetory::string_hash;
using word = std::uint64_t;
using words = std::vector<word>;
using keys = std::vector<std::string>;
using hashes = std::vector<std::size_t>;
using hash_key = string_hash::key_type;

inline constexpr std::size_t hash_bits = std::numeric_limits<std::size_t>::digits;
inline constexpr std::size_t shards = 1024;

/// The formula of `detail::sharded_map`, for a number of shards that tests of statistics use.
inline std::size_t shard_of(std::size_t hash) {
    return ((hash >> hash_bits / 2) * shards) >> hash_bits / 2;
}

/// The same numbers in each run.
inline std::mt19937_64 repeatable(std::uint64_t seed = 100) { return std::mt19937_64(seed); }

inline hash_key random_key(std::mt19937_64& random) {
    return {random(), random(), random(), random()};
}

inline std::string text_of(const words& lanes) {
    std::string text(lanes.size() * sizeof(word), '\0');
    std::memcpy(text.data(), lanes.data(), text.size());
    return text;
}

inline hashes hashes_of(const keys& all, const string_hash& hash) {
    hashes result(all.size());
    std::ranges::transform(all, result.begin(), hash);
    return result;
}

/// Whether no two are equal. Hashes of 32 bits would have collisions by chance.
inline bool distinct(hashes all) {
    std::ranges::sort(all);
    return std::ranges::adjacent_find(all) == all.end() || hash_bits < 64;
}

inline keys counters(int count, const char* before, std::size_t width, const char* after) {
    keys all;
    for (int i = 0; i != count; ++i) {
        const std::string digits = std::to_string(i);
        const std::size_t padding = width - std::min(width, digits.size());
        all.push_back(before + std::string(padding, '0') + digits + after);
    }
    return all;
}

} // namespace support::hashing

#endif
