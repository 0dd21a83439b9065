// SPDX-License-Identifier: MIT
#ifndef CACHETORY_BENCHMARKS_TEXTBOOK_HPP
#define CACHETORY_BENCHMARKS_TEXTBOOK_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "requests.hpp"

// Bounded caches as textbooks have them, to compare with.

namespace bench {

/// Evicts the least recently used entry: a list in the order of use, and a map into it. Each key is
/// stored once.
template <class Value>
class textbook_lru {
public:
    using wire_type = Value;

    explicit textbook_lru(std::size_t max_entries) : max_entries_(max_entries) {}

    std::optional<Value> find(std::string_view key) {
        const auto found = places_.find(key);
        if (found == places_.end()) {
            return std::nullopt;
        }
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->second;
    }

    void set(std::string_view key, const Value& value) {
        const auto found = places_.find(key);
        if (found != places_.end()) {
            entries_.splice(entries_.begin(), entries_, found->second);
            found->second->second = value;
            return;
        }
        if (entries_.size() == max_entries_) {
            places_.erase(entries_.back().first);
            entries_.pop_back();
        }
        entries_.emplace_front(std::string(key), value);
        places_.emplace(entries_.front().first, entries_.begin());
    }

    std::size_t size() const { return entries_.size(); }

private:
    using entries = std::list<std::pair<const std::string, Value>>;

    std::size_t max_entries_;
    entries entries_;
    std::unordered_map<std::string_view, typename entries::iterator> places_;
};

/// Evicts the oldest entry, used or not.
class textbook_fifo {
public:
    explicit textbook_fifo(std::size_t max_entries) : max_entries_(max_entries) {}

    bool find(const std::string& key) const { return stored_.count(key) != 0; }

    void set(const std::string& key, int) {
        if (stored_.size() == max_entries_) {
            stored_.erase(by_age_.front());
            by_age_.pop();
        }
        if (stored_.insert(key).second) {
            by_age_.push(key);
        }
    }

private:
    std::size_t max_entries_;
    std::unordered_set<std::string> stored_;
    std::queue<std::string> by_age_;
};

/// Evicts a random entry.
class textbook_random {
public:
    explicit textbook_random(std::size_t max_entries) : max_entries_(max_entries) {}

    bool find(const std::string& key) const { return stored_.count(key) != 0; }

    void set(const std::string& key, int) {
        if (!stored_.insert(key).second) {
            return;
        }
        if (keys_.size() < max_entries_) {
            keys_.push_back(key);
        } else {
            std::string& victim = keys_[random_.below(keys_.size())];
            stored_.erase(victim);
            victim = key;
        }
    }

private:
    std::size_t max_entries_;
    std::unordered_set<std::string> stored_;
    std::vector<std::string> keys_;
    random_numbers random_{1};
};

/// Returns the hit ratio, in per cent, of the cache that knows the future: it evicts the entry that
/// is asked for last. No cache has a higher one.
inline double best_hit_ratio(std::size_t max_entries, const requests& all) {
    constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> next(all.size(), never); // when the same key is asked for again
    std::unordered_map<std::string_view, std::size_t> later;
    for (std::size_t i = all.size(); i-- != 0;) {
        const auto [place, is_last] = later.try_emplace(all[i], i);
        if (!is_last) {
            next[i] = std::exchange(place->second, i);
        }
    }
    std::set<std::pair<std::size_t, std::string_view>> stored; // the first is asked for first
    std::size_t hits = 0;
    for (std::size_t i = 0; i != all.size(); ++i) {
        const std::size_t hit = stored.erase({i, all[i]});
        hits += hit;
        if (hit == 0 && stored.size() == max_entries) {
            stored.erase(std::prev(stored.end()));
        }
        stored.emplace(next[i], all[i]);
    }
    return all.empty() ? 0 : 100 * double(hits) / double(all.size());
}

} // namespace bench

#endif
