// SPDX-License-Identifier: MIT
// The hash under statistics and under attack. Nothing here is timed, only counted; whatever is
// random comes from a fixed seed, but for the key of the process, which the attacks must face, too.
#include <cachetory/string_hash.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

using cachetory::string_hash;

namespace {

using word = std::uint64_t;
using words = std::vector<word>;
using keys = std::vector<std::string>;
using hashes = std::vector<std::size_t>;
using hash_key = string_hash::key_type;

constexpr std::size_t hash_bits = std::numeric_limits<std::size_t>::digits;
constexpr std::size_t shards = 1024;

/// The formula of `concurrent_memory_backend::shard_of`.
std::size_t shard_of(std::size_t hash) {
    return ((hash >> hash_bits / 2) * shards) >> hash_bits / 2;
}

/// The same numbers each time.
std::mt19937_64 repeatable(std::uint64_t seed = 100) { return std::mt19937_64(seed); }

hash_key random_key(std::mt19937_64& random) { return {random(), random(), random(), random()}; }

std::string text_of(const words& lanes) {
    std::string text(lanes.size() * sizeof(word), '\0');
    std::memcpy(text.data(), lanes.data(), text.size());
    return text;
}

hashes hashes_of(const keys& all, const string_hash& hash) {
    hashes result(all.size());
    std::ranges::transform(all, result.begin(), hash);
    return result;
}

/// Whether no two are equal. So many hashes of 32 bits could not be.
bool distinct(hashes all) {
    std::ranges::sort(all);
    return std::ranges::adjacent_find(all) == all.end() || hash_bits < 64;
}

/// In standard deviations of so many tosses of a coin. Of a million such counts the worst is some 5
/// off; that one is 7 off has a chance of 3 in a million.
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

    /// How far from half of `tosses` the count of a bit of a hash is, at the worst.
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

/// Flips each of some bits of a key or a text, which are fresh each time. Returns by how much the
/// bits of the hash prefer to flip, or not to.
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

keys counters(int count, const char* before, std::size_t width, const char* after) {
    keys all;
    for (int i = 0; i != count; ++i) {
        const std::string digits = std::to_string(i);
        const std::size_t padding = width - std::min(width, digits.size());
        all.push_back(before + std::string(padding, '0') + digits + after);
    }
    return all;
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

/// By how many standard deviations chi-squared is off what chance gives, either way.
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

/// How many keys share the fullest of some bins, and a number that random keys reach with a chance
/// under 1e-12, for of each bin P(load >= n) <= exp(-mean) * (e * mean / n)^n (Chernoff).
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

/// Asks a table for their buckets, but inserts nothing: 20,000 keys in one bucket would take long.
template <class Hash>
crowd in_buckets(const keys& all, const Hash& hash) {
    const std::unordered_set<std::string, Hash> table(all.size(), hash);
    return {all, table.bucket_count(), [&](const std::string& key) { return table.bucket(key); }};
}

constexpr std::size_t enough = 20'000;

/// Whoever attacks knows no key, so all must withstand: that of this process, and 20 others.
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

TEST_CASE("each bit of a text flips each bit of its hash half of the time", "[string_hash]") {
    for (std::size_t length = 1; length <= 64; ++length) {
        CAPTURE(length);
        const auto flip = [](const hash_key&, std::string& text, std::size_t bit) {
            text[bit / 8] = char(text[bit / 8] ^ 1 << bit % 8);
        };
        const int times = length <= 16 ? trials : trials / 4; // or it takes long
        CHECK(bias_of_flips(length, length * 8, times, flip) < tolerance);
    }
}

TEST_CASE("each bit of the hasher's key flips bits of a hash about half of the time",
          "[string_hash]") {
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

TEST_CASE("no bit of a hash under one key tells a bit of that under another", "[string_hash]") {
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

TEST_CASE("no two of millions of structured keys have the same hash", "[string_hash]") {
    std::mt19937_64 random = repeatable();
    const string_hash hash(random_key(random));
    hashes all = {hash("")};
    for (const family& each : families) {
        const hashes of_family = hashes_of(each.make(), hash);
        all.insert(all.end(), of_family.begin(), of_family.end());
    }
    CHECK(all.size() > 2'500'000);
    CHECK(distinct(all)); // by chance they are not: 2e-7
}

TEST_CASE("structured keys fall evenly into buckets and shards", "[string_hash]") {
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

TEST_CASE("keys that collide in libstdc++'s std::hash crowd no bucket and no shard",
          "[string_hash]") {
    std::mt19937_64 random = repeatable();
    const word goal = random();
    keys attack;
    while (attack.size() != enough) {
        const word first = random();
        const word state = (murmur().seed ^ 16 * murmur::factor ^ murmur::mix(first));
        attack.push_back(text_of({first, murmur::unmix(state * murmur::factor ^ goal)}));
    }
    REQUIRE(in_buckets(attack, murmur()).fullest == enough); // so it does see a flood
#ifdef __GLIBCXX__
    REQUIRE((in_buckets(attack, std::hash<std::string>()).fullest == enough || hash_bits < 64));
#endif
    check_withstood(attack);
}

TEST_CASE("keys that collide in murmur whatever its seed crowd no bucket and no shard",
          "[string_hash]") {
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
          "[string_hash]") {
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
                    lanes[lane] = secret; // a factor becomes 0, and what was random is lost
                    attack.push_back(text_of(lanes));
                }
            }
        }
    }
    for (const std::size_t i : {0U, 4U}) { // had these been our secrets
        const string_hash published({secrets[i], secrets[i + 1], secrets[i + 2], secrets[i + 3]});
        REQUIRE(in_buckets(attack, published).fullest >= 500);
    }
    check_withstood(attack);
}

TEST_CASE("keys that use how words are read and multiplied crowd no bucket and no shard",
          "[string_hash]") {
    constexpr word ones = ~word(0);
    // The halves of x * y and of x * ~y have the same sum modulo 2^64 - 1, but for its sign.
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

TEST_CASE("no difference between blocks of a text is likely to vanish", "[string_hash]") {
    // These keys make the last two products products by 1: the hash is what the first block left.
    constexpr word ones = ~word(0);
    words differences = {ones, ones - 2, ones - 6, ones / 3, ones / 15, ones / 255, ones / 65535};
    for (int bit = 0; bit != 64; ++bit) {
        differences.push_back(word(1) << bit);
    }
    std::mt19937_64 random = repeatable();
    for (const word difference : differences) {
        for (const words& lanes : {words{1, 0}, words{0, 1}, words{1, 1}}) {
            CAPTURE(difference, lanes);
            int vanished = 0; // in 12 neighbouring bits: 5 are expected; (3/4)^12 would give 600
            for (int trial = 0; trial != trials; ++trial) {
                const hash_key key = {random(), random(), random(), 1};
                const word a = random();
                const word b = random();
                const word c = key[1] ^ 1;
                const std::size_t left =
                    string_hash(key)(text_of({a, b, c, 0})) ^
                    string_hash(key)(
                        text_of({a ^ lanes[0] * difference, b ^ lanes[1] * difference, c, 0}));
                for (const int at : {0, 12, 24, 36, 48}) {
                    vanished += (left >> at & 0xfff) == 0 ? 1 : 0;
                }
            }
            CHECK(vanished < 60);
        }
    }
}
