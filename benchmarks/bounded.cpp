// SPDX-License-Identifier: MIT
// What a bound costs: one operation of a full cache, beside the unbounded cache, the textbook's LRU
// behind a mutex, and Poco's. All take turns, and the CPU time of this process is measured, so
// other processes disturb the ratios little.
//
// Without arguments, everything. Two arguments, an operation and a contender, run that alone,
// 20,000 times on 1,000 entries, to count instructions: valgrind --tool=callgrind
// --toggle-collect='*runner_of<*>::run*' cachetory_bounded overwrite bounded
#include "requests.hpp"
#include "textbook.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(CACHETORY_BENCHMARK_POCO)
#include <Poco/ExpireLRUCache.h>
#include <Poco/LRUCache.h>
#endif

namespace bench {
namespace {

using value = std::array<std::uint64_t, 1>;

// Every contender has find(key), which returns whether it is there, set(key), get_or_set(key) and,
// without a bound, erase(key).

template <class Cache>
struct ours {
    static constexpr bool has_bound = requires(const Cache& cache) { cache.max_entries(); };

    explicit ours(std::size_t entries) : cache(make(entries)) {}

    static Cache make(std::size_t entries) {
        if constexpr (has_bound) {
            return Cache(entries);
        } else {
            return Cache();
        }
    }

    bool find(std::string_view key) {
        if (const auto found = cache.find(key)) {
            sum += (*found)[0];
            return true;
        }
        return false;
    }

    void set(std::string_view key) { cache.set(key, value{1}); }

    void get_or_set(std::string_view key) {
        sum += cache.get_or_set(key, [] { return value{1}; })[0];
    }

    void erase(std::string_view key) requires(!has_bound) { cache.erase(key); }

    Cache cache;
    std::uint64_t sum = 0;
};

using unbounded = ours<cachetory::memory_backend<value>>;
using bounded = ours<cachetory::bounded_memory_backend<value>>;
using bounded_shared = ours<cachetory::bounded_concurrent_memory_backend<value>>;

class textbook {
public:
    explicit textbook(std::size_t entries) : cache_(entries) {}

    bool find(std::string_view key) {
        const std::lock_guard lock(mutex_);
        return cache_.find(key).has_value();
    }

    void set(std::string_view key) {
        const std::lock_guard lock(mutex_);
        cache_.set(key, value{1});
    }

    void get_or_set(std::string_view key) {
        const std::lock_guard lock(mutex_);
        if (!cache_.find(key)) {
            cache_.set(key, value{1});
        }
    }

private:
    std::mutex mutex_;
    textbook_lru<value> cache_;
};

#if defined(CACHETORY_BENCHMARK_POCO)
template <class Cache>
class poco {
public:
    explicit poco(std::size_t entries) : cache_(make(entries)) {}

    bool find(std::string_view key) { return !cache_->get(std::string(key)).isNull(); }

    void set(std::string_view key) { cache_->update(std::string(key), value{1}); }

    void get_or_set(std::string_view key) {
        const std::string owned(key);
        if (cache_->get(owned).isNull()) {
            cache_->add(owned, value{1});
        }
    }

private:
    static std::unique_ptr<Cache> make(std::size_t entries) {
        if constexpr (std::is_constructible_v<Cache, std::size_t, Poco::Timestamp::TimeDiff>) {
            return std::make_unique<Cache>(entries, 3'600'000);
        } else {
            return std::make_unique<Cache>(entries);
        }
    }

    std::unique_ptr<Cache> cache_;
};

using poco_lru = poco<Poco::LRUCache<std::string, value>>;
using poco_expire_lru = poco<Poco::ExpireLRUCache<std::string, value>>;
#endif

std::string key_number(std::size_t number) { return fmt::format("user:{:07}", number); }

/// The keys of one operation, in the order in which they are asked for, round after round.
struct plan {
    plan(std::string_view operation_name, std::size_t entries_of_each, std::size_t count = 400'000)
        : operation(operation_name), entries(entries_of_each) {
        for (std::size_t i = 0; i != entries; ++i) {
            stored.push_back(key_number(i));
        }
        random_numbers random(1);
        if (operation == "insert and evict") { // keys that nobody has
            for (std::size_t i = 0; i != std::max<std::size_t>(10 * entries, count / 4); ++i) {
                asked.push_back(key_number(entries + i));
            }
            for (std::size_t i = asked.size(); i > 1;
                 --i) { // or a tree of keys would stay in the CPU's cache
                std::swap(asked[i - 1], asked[random.below(i)]);
            }
        } else {
            const std::size_t keys = operation == "get or set" ? 10 * entries : entries;
            for (const std::string& name : zipf({.keys = keys, .count = count})) {
                asked.push_back(key_number(std::stoul(name.substr(4)))); // "key:" and a number
            }
        }
    }

    std::string operation;
    std::size_t entries;
    requests stored;
    requests asked;
};

/// One contender at one operation: run(n) does it n times.
class runner {
public:
    virtual ~runner() = default;

    virtual void run(std::size_t times) = 0;
};

template <class Contender>
class runner_of : public runner {
public:
    explicit runner_of(const plan& of) : plan_(of), contender_(of.entries) {
        for (const std::string& key : of.stored) {
            contender_.set(key);
        }
    }

    void run(std::size_t times) override {
        if (plan_.operation == "hit") {
            repeat(times, [&](std::string_view key) { hits_ += contender_.find(key) ? 1U : 0U; });
        } else if (plan_.operation == "get or set") {
            repeat(times, [&](std::string_view key) { contender_.get_or_set(key); });
        } else if (plan_.operation == "insert and evict") {
            repeat(times, [&](std::string_view key) { insert_and_evict(key); });
        } else {
            repeat(times, [&](std::string_view key) { contender_.set(key); });
        }
    }

private:
    void insert_and_evict(std::string_view key) {
        contender_.set(key);
        if constexpr (requires { contender_.erase(key); }) {
            contender_.erase(key); // the unbounded one: nothing else goes
        }
    }

    void repeat(std::size_t times, auto operation) {
        for (std::size_t i = 0; i != times; ++i) {
            if (next_ == plan_.asked.size()) {
                next_ = 0;
            }
            operation(std::string_view(plan_.asked[next_++]));
        }
    }

    const plan& plan_;
    Contender contender_;
    std::size_t next_ = 0;
    std::size_t hits_ = 0;
};

struct contender {
    std::string name;
    std::function<std::unique_ptr<runner>(const plan&)> make;
};

template <class Contender>
contender of(const char* name) {
    return {name,
            [](const plan& chosen) { return std::make_unique<runner_of<Contender>>(chosen); }};
}

std::vector<contender> contenders() {
    return {
        of<unbounded>("unbounded"), of<bounded>("bounded"), of<bounded_shared>("bounded, shared"),
            of<textbook>("textbook LRU, mutex"),
#if defined(CACHETORY_BENCHMARK_POCO)
            of<poco_lru>("Poco::LRUCache"), of<poco_expire_lru>("Poco::ExpireLRUCache"),
#endif
    };
}

double seconds() { return double(std::clock()) / double(CLOCKS_PER_SEC); }

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void compare(const plan& chosen) {
    constexpr std::size_t rounds = 41;
    constexpr std::size_t times = 20'000;
    const std::vector<contender> all = contenders();
    std::vector<std::unique_ptr<runner>> runners;
    for (const contender& each : all) {
        runners.push_back(each.make(chosen));
        runners.back()->run(chosen.asked.size() / 4); // until it is as it will stay
    }
    std::vector<std::vector<double>> taken(all.size());
    for (std::size_t round = 0; round != rounds; ++round) {
        for (std::size_t i = 0; i != all.size(); ++i) {
            const std::size_t which = (i + round) % all.size();
            const double start = seconds();
            runners[which]->run(times);
            taken[which].push_back((seconds() - start) * 1e9 / double(times));
        }
    }
    fmt::print("| {}, {} entries |", chosen.operation, chosen.entries);
    for (std::size_t i = 0; i != all.size(); ++i) {
        std::vector<double> ratios; // to what bounded took in the same round
        for (std::size_t round = 0; round != rounds; ++round) {
            ratios.push_back(taken[i][round] / taken[1][round]);
        }
        fmt::print(" {:.1f} ({:.2f}x) |", median(taken[i]), median(ratios));
    }
    fmt::print("\n");
}

/// The bytes of the heap that are in use, with what the allocator adds; 0 if it does not tell.
std::size_t heap() {
#if defined(__GLIBC__)
    const auto used = mallinfo2();
    return used.uordblks + used.hblkhd;
#else
    return 0;
#endif
}

void weigh(std::size_t entries) {
    const plan chosen("insert and evict", entries);
    fmt::print("| bytes an entry, {} entries |", entries);
    for (const contender& each : contenders()) {
        const std::size_t before = heap();
        const std::unique_ptr<runner> filled = each.make(chosen);
        filled->run(entries); // so that it has allocated whatever it needs to evict
        fmt::print(" {:.1f} |", double(heap() - before) / double(entries));
    }
    fmt::print("\n");
}

const char* const operations[] = {"hit", "overwrite", "insert and evict", "get or set"};

int run_one(std::string_view operation, std::string_view name) {
    for (const contender& each : contenders()) {
        if (each.name == name) {
            const plan chosen(operation, 1000, 40'000);
            each.make(chosen)->run(20'000);
            return 0;
        }
    }
    fmt::print(stderr, "no such contender: {}\n", name);
    return 2;
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    // The C library locks more cheaply in a process that has never had a second thread.
    std::thread([] {}).join();

    if (argc == 3) {
        return bench::run_one(argv[1], argv[2]);
    }
    fmt::print("| nanoseconds (times bounded) |");
    for (const bench::contender& each : bench::contenders()) {
        fmt::print(" {} |", each.name);
    }
    fmt::print("\n|---|");
    for (std::size_t i = 0; i != bench::contenders().size(); ++i) {
        fmt::print("--:|");
    }
    fmt::print("\n");
    for (const std::size_t entries : {1'000U, 100'000U}) {
        for (const char* operation : bench::operations) {
            bench::compare(bench::plan(operation, entries));
        }
        bench::weigh(entries);
    }
    return 0;
}
