// SPDX-License-Identifier: MIT
// Attacks on the hash. Nothing is timed, only counted. All random numbers come from a fixed seed,
// except the key of the process, which must also withstand the attacks.
#include "support/catch.hpp"
#include "support/hashing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

using namespace support::hashing;

namespace {

/// How many keys share the fullest of some bins, and a number that random keys reach with a chance
/// under 1e-12: for each bin, P(load >= n) <= exp(-mean) * (e * mean / n)^n (Chernoff).
struct crowd {
    template <class Choose>
    crowd(const keys& all, std::size_t bins, Choose choose) {
        std::vector<std::size_t> loads(bins);
        for (const std::string& key : all) {
            fullest = std::max(fullest, ++loads[choose(key)]);
        }
        const double mean = double(all.size()) / double(bins);
        double n = std::ceil(mean);
        while (double(bins) * std::exp(n - mean + n * std::log(mean / n)) > 1e-12) {
            ++n;
        }
        limit = std::size_t(n);
    }

    std::size_t fullest = 0;
    std::size_t limit = 0;
};

/// Asks a table for the buckets of the keys, but inserts none, because 20,000 keys in one bucket
/// would take long.
template <class Hash>
crowd in_buckets(const keys& all, const Hash& hash) {
    const std::unordered_set<std::string, Hash> table(all.size(), hash);
    return {all, table.bucket_count(), [&](const std::string& key) { return table.bucket(key); }};
}

constexpr std::size_t enough = 20'000;

/// An attacker does not know the key, so the hash must withstand the attack with any key: that of
/// this process, and 20 others.
void check_withstood(const keys& attack) {
    REQUIRE(std::set(attack.begin(), attack.end()).size() >= enough);
    for (std::uint64_t seed = 0; seed != 21; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random = repeatable(seed);
        const string_hash hash = seed == 0 ? string_hash() : string_hash(random_key(random));
        const crowd bucket = in_buckets(attack, hash);
        CHECK(bucket.fullest < bucket.limit);
        const crowd shard = {attack, shards, [&](const auto& key) { return shard_of(hash(key)); }};
        CHECK(shard.fullest < shard.limit);
        CHECK((seed == 0 || distinct(hashes_of(attack, hash))));
    }
}

/// MurmurHash64A as the std::hash of libstdc++ has it, for texts of whole words.
struct murmur {
    static constexpr word factor = 0xc6a4'a793'5bd1'e995;
    static constexpr word inverse = 0x5f7a'0ea7'e59b'19bd;
    static_assert(factor * inverse == 1);

    static word shift_mix(word value) { return value ^ value >> 47; } // its own inverse
    static word mix(word value) { return shift_mix(value * factor) * factor; }
    static word unmix(word value) { return shift_mix(value * inverse) * inverse; }

    std::size_t operator()(std::string_view text) const {
        word state = seed ^ text.size() * factor;
        for (std::size_t at = 0; at != text.size(); at += sizeof(word)) {
            word value = 0;
            std::memcpy(&value, text.data() + at, sizeof value);
            state = (state ^ mix(value)) * factor;
        }
        return static_cast<std::size_t>(shift_mix(shift_mix(state) * factor));
    }

    word seed = 0xc70f'6907;
};

/// Texts of 15 parts, each either two random words or `change` of them.
keys all_choices(words (*change)(word a, word b)) {
    std::mt19937_64 random = repeatable();
    std::array<std::array<std::string, 2>, 15> parts;
    for (auto& [one, other] : parts) {
        const word a = random();
        const word b = random();
        one = text_of({a, b});
        other = text_of(change(a, b));
    }
    keys all(enough);
    for (std::size_t i = 0; i != enough; ++i) {
        for (std::size_t part = 0; part != parts.size(); ++part) {
            all[i] += parts[part][i >> part & 1];
        }
    }
    return all;
}

} // namespace

TEST_CASE("keys that collide in libstdc++'s std::hash crowd no bucket and no shard",
          "[string_hash][hostile][promise-13]") {
    std::mt19937_64 random = repeatable();
    const word goal = random();
    keys attack;
    while (attack.size() != enough) {
        const word first = random();
        const word state = (murmur().seed ^ 16 * murmur::factor ^ murmur::mix(first));
        attack.push_back(text_of({first, murmur::unmix(state * murmur::factor ^ goal)}));
    }
    REQUIRE(in_buckets(attack, murmur()).fullest == enough); // the attack works on murmur
#ifdef __GLIBCXX__
    REQUIRE((in_buckets(attack, std::hash<std::string>()).fullest == enough || hash_bits < 64));
#endif
    check_withstood(attack);
}

TEST_CASE("keys that collide in murmur whatever its seed crowd no bucket and no shard",
          "[string_hash][hostile][promise-13]") {
    // An odd factor keeps a difference in the top bit alone, and the second word cancels it.
    const keys attack = all_choices([](word a, word b) -> words {
        constexpr word top = word(1) << 63;
        return {murmur::unmix(murmur::mix(a) ^ top), murmur::unmix(murmur::mix(b) ^ top)};
    });
    for (const word seed : {0xc70f'6907ULL, 0x243f'6a88'85a3'08d3ULL, 0x1319'8a2e'0370'7344ULL}) {
        REQUIRE(in_buckets(attack, murmur{seed}).fullest == enough);
    }
    check_withstood(attack);
}

TEST_CASE("keys that cancel the secrets of wyhash and rapidhash crowd no bucket and no shard",
          "[string_hash][hostile][promise-13]") {
    // Version 3 of wyhash; version 4, which are also those of rapidhash; more of rapidhash 3.
    const words secrets = {0xa076'1d64'78bd'642f, 0xe703'7ed1'a0b4'28db, 0x8ebc'6af0'9c88'c6e3,
                           0x5899'65cc'7537'4cc3, 0x2d35'8dcc'aa6c'78a5, 0x8bb8'4b93'962e'acc9,
                           0x4b33'a62e'd433'd4a3, 0x4d5a'2da5'1de1'aa47, 0x90ed'1765'281c'388c,
                           0xaaaa'aaaa'aaaa'aaaa};
    std::mt19937_64 random = repeatable();
    keys attack;
    for (const word secret : secrets) {
        for (const std::size_t length : {2U, 4U, 6U, 8U}) {
            for (std::size_t lane = 0; lane != length; ++lane) {
                for (int i = 0; i != 100; ++i) {
                    words lanes(length);
                    std::generate_n(lanes.begin(), lane / 2 * 2 + 2, [&] { return random(); });
                    lanes[lane] = secret; // a factor becomes 0, and the random part is lost
                    attack.push_back(text_of(lanes));
                }
            }
        }
    }
    for (const std::size_t i : {0U, 4U}) { // if these were our secrets
        const string_hash published({secrets[i], secrets[i + 1], secrets[i + 2], secrets[i + 3]});
        REQUIRE(in_buckets(attack, published).fullest >= 500);
    }
    check_withstood(attack);
}

TEST_CASE("keys that exploit how words are read and multiplied crowd no bucket and no shard",
          "[string_hash][hostile][promise-13]") {
    constexpr word ones = ~word(0);
    // The halves of x * y and of x * ~y have the same sum modulo 2^64 - 1, except for its sign.
    check_withstood(all_choices([](word a, word b) -> words { return {~a, b}; }));
    check_withstood(all_choices([](word a, word b) -> words { return {a, ~b}; }));
    check_withstood(all_choices([](word a, word b) -> words { return {~a, ~b}; }));
    check_withstood(all_choices([](word a, word b) -> words { return {b, a}; }));
    check_withstood(all_choices([](word a, word b) -> words { return {a, b ^ ones / 255}; }));
    check_withstood(all_choices([](word a, word b) -> words { return {a, b ^ (ones / 2 + 1)}; }));

    const words special = {0,        1,         2,          ones / 2 + 1, ones,       ones - 1,
                           ones / 3, ones / 15, ones / 255, ones / 65535, ones >> 32, ones << 32};
    keys special_lanes;
    keys equal_lanes; // which are, or are read as, the same
    for (std::size_t i = 0; i != enough; ++i) {
        special_lanes.push_back(text_of(
            {special[i % 12], special[i / 12 % 12], special[i / 144 % 12], special[i / 1728]}));
        equal_lanes.push_back(text_of({i}));
        equal_lanes.push_back(text_of({i + enough, i + enough}));
    }
    check_withstood(special_lanes);
    check_withstood(equal_lanes);
}
