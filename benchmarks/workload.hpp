// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BENCHMARKS_WORKLOAD_HPP
#define CACHETORY_BENCHMARKS_WORKLOAD_HPP

#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace bench {

/// A value of that many bytes.
template <std::size_t Bytes>
using value = std::array<std::uint64_t, Bytes / 8>;

/// Keys of one length, end to end in the order of their use, so that reading them costs next to
/// nothing, and the same for every contender.
class key_list {
public:
    key_list() = default;

    key_list(std::size_t key_size, const std::vector<std::uint32_t>& ids) : key_size_(key_size) {
        for (const std::uint32_t id : ids) {
            if (key_size == 12) { // short enough to be stored inside a std::string
                fmt::format_to(std::back_inserter(text_), "user:{:07x}", id);
            } else if (key_size == 40) { // too long for that
                fmt::format_to(std::back_inserter(text_), "session:{:016x}{:016x}",
                               id * 0x9e37'79b9'7f4a'7c15U, (id + 1) * 0xd1b5'4a32'd192'ed03U);
            } else {
                throw std::logic_error("keys have 12 or 40 bytes");
            }
        }
    }

    std::string_view operator[](std::size_t i) const {
        return {text_.data() + i * key_size_, key_size_};
    }

    std::size_t size() const { return text_.size() / key_size_; }

private:
    std::string text_;
    std::size_t key_size_ = 1;
};

enum class access { uniform, zipf };

struct shape {
    std::size_t key_size = 12;
    std::size_t entries = 1000;
    access pattern = access::uniform;

    auto operator<=>(const shape&) const = default;
};

/// Which keys are stored, and which are asked for, in which order. The same for all contenders.
struct workload {
    explicit workload(const shape& of) {
        std::mt19937_64 random(20);
        std::vector<std::uint32_t> ids(2 * of.entries);
        std::iota(ids.begin(), ids.end(), 0U);
        std::shuffle(ids.begin(), ids.end(), random);
        const std::vector<std::uint32_t> absent(ids.begin() + std::ptrdiff_t(of.entries),
                                                ids.end());
        ids.resize(of.entries);
        stored = key_list(of.key_size, ids);
        std::shuffle(ids.begin(), ids.end(), random);
        hits = key_list(of.key_size,
                        of.pattern == access::zipf ? zipf(ids, random) : sequence(ids, random));
        if (of.entries == 1 || of.entries > 1'000'000) {
            return; // nothing asks such a cache for anything else
        }
        misses = key_list(of.key_size, sequence(absent, random));
        const auto middle = ids.begin() + std::ptrdiff_t(of.entries / 2);
        halves = {key_list(of.key_size, sequence({ids.begin(), middle}, random)),
                  key_list(of.key_size, sequence({middle, ids.end()}, random))};
    }

    key_list stored;
    key_list hits;
    key_list misses;
    std::array<key_list, 2> halves; ///< Hits, no key of one being in the other.

private:
    using engine = std::mt19937_64;

    /// All of `ids` in random order, repeatedly in new random orders, until the sequence is too
    /// long for branch predictors to learn.
    static std::vector<std::uint32_t> sequence(std::vector<std::uint32_t> ids, engine& random) {
        std::vector<std::uint32_t> order;
        do {
            std::shuffle(ids.begin(), ids.end(), random);
            order.insert(order.end(), ids.begin(), ids.end());
        } while (order.size() < 1U << 16U);
        return order;
    }

    /// The k-th of `ids` with a probability proportional to 1 / k.
    static std::vector<std::uint32_t> zipf(const std::vector<std::uint32_t>& ids, engine& random) {
        std::vector<double> sums(ids.size());
        double sum = 0;
        for (std::size_t k = 0; k != ids.size(); ++k) {
            sum += 1.0 / double(k + 1);
            sums[k] = sum;
        }
        std::uniform_real_distribution<double> anywhere(0, sum);
        std::vector<std::uint32_t> order(std::max<std::size_t>(ids.size(), 1U << 18U));
        for (std::uint32_t& id : order) {
            const auto drawn = std::upper_bound(sums.begin(), sums.end(), anywhere(random));
            id = ids[std::min(std::size_t(drawn - sums.begin()), ids.size() - 1)];
        }
        return order;
    }
};

/// Made when first asked for, because most runs need few of them.
inline const workload& workload_of(const shape& of) {
    static std::mutex mutex;
    static std::map<shape, workload> all;
    const std::lock_guard lock(mutex);
    return all.try_emplace(of, of).first->second;
}

/// "<operation>/<sizes>/<entries>/<contender>": what stands before the last slash is one
/// comparison.
inline std::string
name(std::string_view operation, const shape& of, std::size_t bytes, std::string_view contender) {
    return fmt::format("{}{}/k{}_v{}/{}/{}", operation, of.pattern == access::zipf ? "_zipf" : "",
                       of.key_size, bytes, of.entries, contender);
}

/// All benchmarks, in the order in which they were added.
inline std::vector<benchmark::internal::Benchmark*>& all_benchmarks() {
    static std::vector<benchmark::internal::Benchmark*> all;
    return all;
}

/// Which benchmarks are wanted. Google Benchmark matches its own filter with every name before each
/// run, which takes longer than a short run.
inline std::regex& wanted() {
    static std::regex names("");
    return names;
}

/// Adds a benchmark if it is wanted. `set_up(*benchmark)` may change how it is run.
template <class Function, class SetUp = void (*)(benchmark::internal::Benchmark&)>
void add_benchmark(
    const std::string& name, Function function, SetUp set_up = [](auto&) {}) {
    if (std::regex_search(name, wanted())) {
        all_benchmarks().push_back(benchmark::RegisterBenchmark(name.c_str(), std::move(function)));
        set_up(*all_benchmarks().back());
    }
}

/// For functions that report how long they took, for those that need only one run, and for both.
inline void manual_time(benchmark::internal::Benchmark& of) { of.UseManualTime(); }

inline void once(benchmark::internal::Benchmark& of) { of.Iterations(1); }

inline void manual_time_once(benchmark::internal::Benchmark& of) {
    of.UseManualTime()->Iterations(1);
}

/// A contender that is filled, alone, when its benchmark first runs.
template <class Contender>
class filled {
public:
    explicit filled(const shape& of) : shape_(of) {}

    Contender& operator()() {
        std::call_once(once_, [this] {
            cache_ = std::make_unique<Contender>();
            const key_list& keys = workload_of(shape_).stored;
            for (std::size_t i = 0; i != keys.size(); ++i) {
                cache_->insert(keys[i], {i});
            }
        });
        return *cache_;
    }

    std::size_t position = 0; ///< Where in the sequence of keys the last repetition stopped.

private:
    shape shape_;
    std::once_flag once_;
    std::unique_ptr<Contender> cache_;
};

/// The CPU time of this process so far: other processes do not make it longer.
inline double seconds() { return double(std::clock()) / double(CLOCKS_PER_SEC); }

template <class Value>
void consume(const Value& value) {
    std::uint64_t word = value[0]; // a copy, so that it is loaded
    benchmark::DoNotOptimize(word);
}

/// A contender as benchmarks share it.
template <class Contender>
using full = std::shared_ptr<filled<Contender>>;

constexpr auto find = [](auto& contender, std::string_view key) {
    return contender.find(key, [](const auto& value) { consume(value); });
};

/// Looks up `keys` in turn, from `position` on. `ask(key)` looks up one and returns whether it was
/// there. Returns how many were.
template <class Ask>
std::size_t look_up(benchmark::State& state, const key_list& keys, std::size_t& position, Ask ask) {
    std::size_t hits = 0;
    std::size_t i = position; // not `position` itself, which would be written each time
    for (auto _ : state) {
        hits += std::size_t(ask(keys[i]));
        if (++i == keys.size()) {
            i = 0;
        }
    }
    position = i;
    return hits;
}

void add_look_ups();
void add_changes();
void add_whole_caches();
void add_bounded();
void add_serialized();
void add_threads();
void add_redis();

} // namespace bench

#endif
