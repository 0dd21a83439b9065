// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BENCHMARKS_REQUESTS_HPP
#define CACHETORY_BENCHMARKS_REQUESTS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Made-up sequences of requests, the same on every machine. Caches of all kinds replay them.

namespace bench {

/// The keys that are asked for, in order.
using requests = std::vector<std::string>;

/// SplitMix64. The standard's distributions would produce different numbers with another library.
class random_numbers {
public:
    explicit random_numbers(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e37'79b9'7f4a'7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9U;
        mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11ebU;
        return mixed ^ mixed >> 31;
    }

    /// Returns a number in [0, 1).
    double fraction() { return double(next() >> 11) * 0x1p-53; }

    /// Returns a number below `limit`.
    std::size_t below(std::size_t limit) { return std::size_t(fraction() * double(limit)); }

private:
    std::uint64_t state_;
};

/// Requests whose popularity follows Zipf's law: the key of rank r is asked for in proportion to
/// 1 / r^exponent.
struct zipf_shape {
    double exponent = 0.9;
    std::size_t keys = 100'000;
    std::size_t count = 1'000'000;
    double once = 0;             ///< The share of requests for a key that is never asked for again.
    std::size_t scan = 0;        ///< This many such keys in a row,
    std::size_t scan_every = 0;  ///< each time after this many requests.
    std::size_t drift_every = 0; ///< Each time after this many requests, two keys change places.
    std::uint64_t seed = 1;
};

inline requests zipf(const zipf_shape& shape) {
    random_numbers random(shape.seed);
    std::vector<double> up_to(shape.keys); // the popularity of this rank and all before it
    std::vector<std::size_t> key_of(shape.keys);
    double sum = 0;
    for (std::size_t rank = 0; rank != shape.keys; ++rank) {
        sum += std::pow(double(rank + 1), -shape.exponent);
        up_to[rank] = sum;
        key_of[rank] = rank;
    }
    const auto draw = [&] {
        const auto rank = std::lower_bound(up_to.begin(), up_to.end(), random.fraction() * sum);
        return std::min(std::size_t(rank - up_to.begin()), shape.keys - 1);
    };

    requests made;
    made.reserve(shape.count);
    std::size_t fresh = 0;
    const auto add_fresh = [&] { made.push_back("once:" + std::to_string(fresh++)); };
    for (std::size_t i = 1; made.size() < shape.count; ++i) {
        if (shape.once != 0 && random.fraction() < shape.once) {
            add_fresh();
        } else {
            made.push_back("key:" + std::to_string(key_of[draw()]));
        }
        if (shape.drift_every != 0 && i % shape.drift_every == 0) {
            std::swap(key_of[draw()], key_of[random.below(shape.keys)]);
        }
        if (shape.scan_every != 0 && i % shape.scan_every == 0) {
            for (std::size_t n = 0; n != shape.scan; ++n) {
                add_fresh();
            }
        }
    }
    return made;
}

/// Requests for the same keys in the same order, round after round.
inline requests loop(std::size_t keys, std::size_t rounds) {
    requests made;
    made.reserve(keys * rounds);
    for (std::size_t i = 0; i != keys * rounds; ++i) {
        made.push_back("loop:" + std::to_string(i % keys));
    }
    return made;
}

/// Replays `all` on `cache`, and stores each key that is not found. Returns the share found, in per
/// cent.
template <class Cache>
double hit_ratio(Cache&& cache, const requests& all) {
    std::size_t hits = 0;
    for (const std::string& key : all) {
        if (cache.find(key)) {
            ++hits;
        } else {
            cache.set(key, 0);
        }
    }
    return all.empty() ? 0 : 100 * double(hits) / double(all.size());
}

} // namespace bench

#endif
