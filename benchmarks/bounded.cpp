// SPDX-License-Identifier: MIT
// What a bound costs: one operation of a full cache, compared with the unbounded cache, textbook
// LRU behind a mutex, and Poco's LRU.
#include "requests.hpp"
#include "textbook.hpp"
#include "workload.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(CACHETORY_BENCHMARK_POCO)
#include <Poco/ExpireLRUCache.h>
#include <Poco/LRUCache.h>
#endif

namespace bench {
namespace {

using word = value<8>;

// Every contender has find(key), which returns whether it is there, set(key), get_or_set(key) and,
// without a bound, erase(key).

template <class Cache>
struct ours_with {
    static constexpr bool has_bound = requires(const Cache& cache) { cache.max_entries(); };

    explicit ours_with(std::size_t entries) : cache(make(entries)) {}

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

    void set(std::string_view key) { cache.set(key, word{1}); }

    void get_or_set(std::string_view key) {
        sum += cache.get_or_set(key, [] { return word{1}; })[0];
    }

    void erase(std::string_view key) requires(!has_bound) { cache.erase(key); }

    Cache cache;
    std::uint64_t sum = 0;
};

using unbounded_cache = ours_with<cachetory::memory_backend<word>>;
using bounded_cache = ours_with<cachetory::bounded_memory_backend<word>>;
using bounded_shared = ours_with<cachetory::bounded_concurrent_memory_backend<word>>;

class textbook {
public:
    explicit textbook(std::size_t entries) : cache_(entries) {}

    bool find(std::string_view key) {
        const std::lock_guard lock(mutex_);
        return cache_.find(key).has_value();
    }

    void set(std::string_view key) {
        const std::lock_guard lock(mutex_);
        cache_.set(key, word{1});
    }

    void get_or_set(std::string_view key) {
        const std::lock_guard lock(mutex_);
        if (!cache_.find(key)) {
            cache_.set(key, word{1});
        }
    }

private:
    std::mutex mutex_;
    textbook_lru<word> cache_;
};

#if defined(CACHETORY_BENCHMARK_POCO)
template <class Cache>
class poco {
public:
    explicit poco(std::size_t entries) : cache_(make(entries)) {}

    bool find(std::string_view key) { return !cache_->get(std::string(key)).isNull(); }

    void set(std::string_view key) { cache_->update(std::string(key), word{1}); }

    void get_or_set(std::string_view key) {
        const std::string owned(key);
        if (cache_->get(owned).isNull()) {
            cache_->add(owned, word{1});
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

using poco_lru = poco<Poco::LRUCache<std::string, word>>;
using poco_expire_lru = poco<Poco::ExpireLRUCache<std::string, word>>;
#endif

std::string key_number(std::size_t number) { return fmt::format("user:{:07}", number); }

enum class operation { hit, overwrite, insert_and_evict, get_or_set };

std::string_view name_of(operation asked) {
    constexpr std::string_view names[] = {"bounded_hit", "bounded_overwrite", "bounded_insert",
                                          "bounded_get_or_set"};
    return names[std::size_t(asked)];
}

/// The keys of one operation, in the order in which they are asked for, round after round.
struct plan {
    plan(operation chosen, std::size_t entries) {
        constexpr std::size_t count = 400'000;
        for (std::size_t i = 0; i != entries; ++i) {
            stored.push_back(key_number(i));
        }
        const bool some_miss =
            chosen == operation::insert_and_evict || chosen == operation::get_or_set;
        const std::size_t keys = some_miss ? 10 * entries : entries;
        for (const std::string& name : zipf({.keys = keys, .count = count})) {
            asked.push_back(key_number(std::stoul(name.substr(4)))); // "key:" and a number
        }
        if (chosen == operation::insert_and_evict) {
            used.assign(asked.begin(), asked.begin() + std::ptrdiff_t(4 * entries));
            asked.clear();
            for (std::size_t i = 0; i != std::max<std::size_t>(10 * entries, count / 4); ++i) {
                asked.push_back(key_number(keys + i)); // which no cache has
            }
            random_numbers random(1);
            for (std::size_t i = asked.size(); i > 1; --i) {
                std::swap(asked[i - 1], asked[random.below(i)]); // else the CPU's cache would help
            }
        }
    }

    requests stored;
    requests used; ///< Asked for beforehand: otherwise LRU would evict in the order of memory.
    requests asked;
};

/// Made when first asked for.
const plan& plan_of(operation chosen, std::size_t entries) {
    static std::map<std::pair<operation, std::size_t>, plan> all;
    const auto [place, added] = all.try_emplace(std::pair(chosen, entries), chosen, entries);
    return place->second;
}

/// A full cache and what it is asked for. Each operation is a type of its own: in one function for
/// all of them the compiler would inline some and not others, not the same for all contenders.
template <class Contender, operation Chosen>
class full_cache {
public:
    explicit full_cache(std::size_t entries)
        : plan_(plan_of(Chosen, entries)), contender_(entries) {
        for (const std::string& key : plan_.stored) {
            contender_.set(key);
        }
        if constexpr (!can_erase) { // it has a bound
            for (const std::string& key : plan_.used) {
                contender_.get_or_set(key);
            }
        }
    }

    void step() {
        const std::string_view key = plan_.asked[next_];
        if (++next_ == plan_.asked.size()) {
            next_ = 0;
        }
        if constexpr (Chosen == operation::hit) {
            hits_ += std::size_t(contender_.find(key));
        } else if constexpr (Chosen == operation::get_or_set) {
            contender_.get_or_set(key);
        } else {
            contender_.set(key);
        }
        if constexpr (Chosen == operation::insert_and_evict && can_erase) {
            contender_.erase(key); // the unbounded one, which does not evict
        }
    }

    /// Runs until the cache has reached its steady state.
    void settle() {
        for (std::size_t i = 0; i != 2 * plan_.stored.size(); ++i) {
            step();
        }
    }

private:
    static constexpr bool can_erase = requires(Contender & contender, std::string_view key) {
        contender.erase(key);
    };

    const plan& plan_;
    Contender contender_;
    std::size_t next_ = 0;
    std::size_t hits_ = 0;
};

/// The bytes of the heap that are in use, including the allocator's overhead; 0 if unknown.
std::size_t heap() {
#if defined(__GLIBC__)
    const auto used = mallinfo2();
    return used.uordblks + used.hblkhd;
#else
    return 0;
#endif
}

template <operation Chosen, class Contender>
void add_operation(std::size_t entries, std::string_view contender) {
    const auto cache = std::make_shared<std::unique_ptr<full_cache<Contender, Chosen>>>();
    add_benchmark(name(name_of(Chosen), {12, entries}, 8, contender), [=](benchmark::State& state) {
        if (*cache == nullptr) {
            *cache = std::make_unique<full_cache<Contender, Chosen>>(entries);
            (*cache)->settle();
        }
        for (auto _ : state) {
            (*cache)->step();
        }
    });
}

template <class Contender>
void add_operations(std::size_t entries, std::string_view contender) {
    add_operation<operation::hit, Contender>(entries, contender);
    add_operation<operation::overwrite, Contender>(entries, contender);
    add_operation<operation::insert_and_evict, Contender>(entries, contender);
    add_operation<operation::get_or_set, Contender>(entries, contender);
}

template <class Contender>
void add_weight(std::size_t entries, std::string_view contender) {
    const shape of{12, entries};
    add_benchmark(
        name("bounded_memory", of, 8, contender),
        [=](benchmark::State& state) {
            for (auto _ : state) {
                plan_of(operation::insert_and_evict, entries); // made before the heap is measured
                const std::size_t before = heap();
                full_cache<Contender, operation::insert_and_evict> filled(entries);
                filled.settle(); // so that it has allocated whatever it needs to evict
                state.counters["bytes"] = double(heap() - before) / double(entries);
            }
        },
        once);
}

} // namespace

void add_bounded() {
    add_weight<unbounded_cache>(100'000, "unbounded");
    add_weight<bounded_cache>(100'000, "bounded");
    add_weight<textbook>(100'000, "textbook");
#if defined(CACHETORY_BENCHMARK_POCO)
    add_weight<poco_lru>(100'000, "poco_lru");
    add_weight<poco_expire_lru>(100'000, "poco_expire_lru");
#endif
    for (const std::size_t entries : {1000U, 100'000U}) {
        add_operations<unbounded_cache>(entries, "unbounded");
        add_operations<bounded_cache>(entries, "bounded");
        add_operations<bounded_shared>(entries, "bounded_shared");
        add_operations<textbook>(entries, "textbook");
#if defined(CACHETORY_BENCHMARK_POCO)
        add_operations<poco_lru>(entries, "poco_lru");
        add_operations<poco_expire_lru>(entries, "poco_expire_lru");
#endif
    }
}

} // namespace bench
