// SPDX-License-Identifier: MIT
// Statistics of the hash. Nothing is timed, only counted. All random numbers come from a fixed
// seed.
#include "support/catch.hpp"
#include "support/hashing.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace support::hashing;

namespace {

/// In standard deviations of the same number of coin tosses. Of a million such counts, the worst is
/// about 5 off. The chance that one of them is 7 off is 3 in a million.
constexpr double tolerance = 7;
constexpr int trials = 4096; // so 7 are 5.5 % of them

/// Counts how often each of 64 bits was set. A plane holds one digit of all the counts.
class tally {
public:
    void add(word bits) {
        for (std::size_t i = 0; bits != 0; ++i) {
            bits &= std::exchange(planes_[i], planes_[i] ^ bits);
        }
    }

    /// How far the count of a bit of a hash is from half of `tosses`, at the worst.
    [[nodiscard]] int bias(int tosses) const {
        int worst = 0;
        for (std::size_t bit = 0; bit != hash_bits; ++bit) {
            int count = 0;
            for (std::size_t i = 0; i != planes_.size(); ++i) {
                count += int(planes_[i] >> bit & 1) << i;
            }
            worst = std::max(worst, std::abs(count - tosses / 2));
        }
        return worst;
    }

private:
    std::array<word, 16> planes_ = {};
};

double worst_bias(const std::vector<tally>& all, int tosses) {
    int worst = 0;
    for (const tally& each : all) {
        worst = std::max(worst, each.bias(tosses));
    }
    return worst / (std::sqrt(tosses) / 2);
}

/// Flips some bits, one at a time, of a key or a text that is new each time. Returns by how much
/// the bits of the hash prefer to flip, or not to flip.
template <class Flip>
double bias_of_flips(std::size_t length, std::size_t bits, int times, Flip flip) {
    std::mt19937_64 random = repeatable(length);
    std::vector<tally> flips(bits);
    std::string text(length, '\0');
    for (int trial = 0; trial != times; ++trial) {
        hash_key key = random_key(random);
        std::ranges::generate(text, [&] { return char(random()); });
        const std::size_t before = string_hash(key)(text);
        for (std::size_t bit = 0; bit != bits; ++bit) {
            flip(key, text, bit);
            flips[bit].add(before ^ string_hash(key)(text));
            flip(key, text, bit);
        }
    }
    return worst_bias(flips, times);
}

/// Many of them are prefixes of each other.
keys repeated_bytes(int first, int last, std::size_t longest) {
    keys all;
    for (int byte = first; byte <= last; ++byte) {
        for (std::size_t length = 1; length <= longest; ++length) {
            all.emplace_back(length, char(byte));
        }
    }
    return all;
}

keys one_or_two_bits() {
    keys all;
    for (std::size_t first = 0; first != 512; ++first) {
        for (std::size_t second = 0; second <= first; ++second) {
            words lanes(8);
            lanes[first / 64] |= word(1) << first % 64;
            lanes[second / 64] |= word(1) << second % 64;
            all.push_back(text_of(lanes));
        }
    }
    return all;
}

keys two_words() {
    keys all(std::size_t(1) << 17);
    for (std::size_t i = 0; i != all.size(); ++i) {
        for (int at = 0; at != 17; ++at) {
            all[i] += (i >> at & 1) != 0 ? "ping " : "pong ";
        }
    }
    return all;
}

keys permuted_lanes() {
    keys all;
    words lanes = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    do {
        all.push_back(text_of(lanes));
    } while (std::ranges::next_permutation(lanes).found);
    return all;
}

struct family {
    const char* name;
    keys (*make)();
};

const std::array families = {
    family{"counters", [] { return counters(1'000'000, "", 1, ""); }},
    family{"padded counters", [] { return counters(500'000, "user:", 16, ""); }},
    family{"paths", [] { return counters(500'000, "/srv/www/img/", 6, "/a.webp"); }},
    family{"zeros", [] { return repeated_bytes(0, 0, 5000); }},
    family{"a byte repeated", [] { return repeated_bytes(128, 255, 160); }},
    family{"one or two bits set", one_or_two_bits},
    family{"two words repeated", two_words},
    family{"permuted lanes", permuted_lanes},
};

/// By how many standard deviations chi-squared differs from what chance gives, in either direction.
template <class Choose>
double unevenness(const hashes& all, std::size_t bins, Choose choose) {
    std::vector<double> loads(bins);
    for (const std::size_t hash : all) {
        ++loads[choose(hash)];
    }
    const double mean = double(all.size()) / double(bins);
    double sum = 0;
    for (const double load : loads) {
        sum += (load - mean) * (load - mean) / mean;
    }
    const double freedom = double(bins - 1);
    return std::abs(sum - freedom) / std::sqrt(2 * freedom);
}

} // namespace

TEST_CASE("each bit of a text flips each bit of its hash half of the time",
          "[string_hash][promise-13]") {
    for (std::size_t length = 1; length <= 64; ++length) {
        CAPTURE(length);
        const auto flip = [](const hash_key&, std::string& text, std::size_t bit) {
            text[bit / 8] = char(text[bit / 8] ^ 1 << bit % 8);
        };
        const int times = length <= 16 ? trials : trials / 4; // otherwise it takes too long
        CHECK(bias_of_flips(length, length * 8, times, flip) < tolerance);
    }
}

TEST_CASE("each bit of the hasher's key flips bits of a hash about half of the time",
          "[string_hash][promise-13]") {
    for (const std::size_t length : {0U, 1U, 3U, 4U, 7U, 8U, 16U, 17U, 32U, 33U, 64U}) {
        CAPTURE(length);
        const auto flip = [](hash_key& key, const std::string&, std::size_t bit) {
            key[bit / 64] ^= word(1) << bit % 64;
        };
        CHECK(bias_of_flips(length, 128, trials, flip) < tolerance);
        // The other half of the key takes part in the last product only: 43 % at the worst.
        CHECK(bias_of_flips(length, 256, trials, flip) < 2 * tolerance);
    }
}

TEST_CASE("no bit of a hash under one key predicts a bit of the hash under another",
          "[string_hash][promise-13]") {
    std::mt19937_64 random = repeatable();
    for (int pair = 0; pair != 16; ++pair) {
        const string_hash one(random_key(random));
        const string_hash other(random_key(random));
        std::vector<tally> differences(hash_bits);
        for (const std::string& key : counters(trials, "user:", 1, "")) {
            for (std::size_t by = 0; by != hash_bits; ++by) {
                differences[by].add(one(key) ^ std::rotl(other(key), int(by)));
            }
        }
        CHECK(worst_bias(differences, trials) < tolerance);
    }
}

TEST_CASE("no two of millions of structured keys have the same hash", "[string_hash][promise-13]") {
    std::mt19937_64 random = repeatable();
    const string_hash hash(random_key(random));
    hashes all = {hash("")};
    for (const family& each : families) {
        const hashes of_family = hashes_of(each.make(), hash);
        all.insert(all.end(), of_family.begin(), of_family.end());
    }
    CHECK(all.size() > 2'500'000);
    CHECK(distinct(all)); // the chance of an accidental collision is 2e-7
}

TEST_CASE("structured keys fall evenly into buckets and shards", "[string_hash][promise-13]") {
    std::mt19937_64 random = repeatable();
    const string_hash hash(random_key(random));
    for (const family& each : families) {
        CAPTURE(each.name);
        const hashes all = hashes_of(each.make(), hash);
        for (const std::size_t buckets : {257U, 541U, 1024U, 1109U, 2357U}) { // as tables have them
            CHECK(unevenness(all, buckets, [=](std::size_t h) { return h % buckets; }) < 6);
        }
        CHECK(unevenness(all, 1024, [](std::size_t h) { return h >> (hash_bits - 10); }) < 6);
        CHECK(unevenness(all, shards, shard_of) < 6);
        const auto bucket_in_shard = [](std::size_t h) { return shard_of(h) * 16 + h % 16; };
        CHECK(unevenness(all, shards * 16, bucket_in_shard) < 6);
    }
}

TEST_CASE("no difference between blocks of a text is likely to vanish",
          "[string_hash][promise-13]") {
    // These keys make the last two multiplications multiplications by 1, so the hash is the state
    // after the first block.
    constexpr word ones = ~word(0);
    words differences = {ones, ones - 2, ones - 6, ones / 3, ones / 15, ones / 255, ones / 65535};
    for (int bit = 0; bit != 64; ++bit) {
        differences.push_back(word(1) << bit);
    }
    std::mt19937_64 random = repeatable();
    for (const word difference : differences) {
        for (const words& lanes : {words{1, 0}, words{0, 1}, words{1, 1}}) {
            CAPTURE(difference, lanes);
            int vanished =
                0; // in 12 neighbouring bits: 5 are expected at most; (3/4)^12 would give 600
            for (int trial = 0; trial != trials; ++trial) {
                const hash_key key = {random(), random(), random(), 1};
                const word a = random();
                const word b = random();
                const word c = key[1] ^ 1;
                const std::size_t left =
                    string_hash(key)(text_of({a, b, c, 0})) ^
                    string_hash(key)(
                        text_of({a ^ lanes[0] * difference, b ^ lanes[1] * difference, c, 0}));
                for (std::size_t at = 0; at + 12 <= hash_bits; at += 12) {
                    vanished += (left >> at & 0xfff) == 0 ? 1 : 0;
                }
            }
            CHECK(vanished < 60);
        }
    }
}
