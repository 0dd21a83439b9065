// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_FULL_HPP
#define CACHETORY_TESTS_FUZZ_FULL_HPP

#include "caches.hpp"
#include "input.hpp"

#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fuzz {

/// Operations on a bounded cache so small that it is soon full. Which entries it evicts is not
/// promised. Whatever it keeps must be what its key was given last.
template <class Cache>
class full_cache {
public:
    full_cache(input& in, std::size_t max, auto... shards)
        : in_(in), max_(max), cache_(max, shards..., uneven_hash()) {
        clock::reset();
    }

    void run() {
        while (!in_.empty()) {
            step();
            expect(cache_.size() <= max_ && cache_.max_entries() == max_, "the bound");
            for (const auto& [key, kept] : live()) {
                expect(given_.contains(key) && given_.at(key) == kept,
                       "what a key was given: ", key.c_str());
            }
        }
    }

private:
    struct content {
        bool operator==(const content&) const = default;

        std::string text;
        std::optional<clock::time_point> deadline;
    };
    using contents = std::map<std::string, content>;

    contents live() {
        contents all;
        cache_.for_each([&](std::string_view key, const value& kept, auto deadline) {
            expect(!deadline || *deadline > clock::current, "an expired entry is shown");
            all[std::string(key)] = {kept.text, deadline};
        });
        expect(all.size() <= cache_.size(), "the size");
        return all;
    }

    void step() {
        const std::size_t chosen = in_.below(16);
        const contents before = live();
        const std::size_t size = cache_.size();
        const std::string key = in_.text();
        const bool known = before.contains(key);
        contents expected = before;
        switch (chosen) {
        default:
            return store(chosen, key, before);
        case 8:
            expect(cache_.contains(key) == known, "contains");
            break;
        case 9:
            expect(static_cast<bool>(cache_.find(key)) == known, "find");
            break;
        case 10:
            expect((in_.flag() ? cache_.erase(key) : cache_.take(key).has_value()) == known,
                   "erase or take");
            expected.erase(key);
            break;
        case 11: {
            const auto deadline = this->deadline();
            expect(cache_.expire_at(key, deadline) == known, "expire_at");
            if (known) {
                expected.at(key).deadline = given_.at(key).deadline = deadline;
                std::erase_if(expected, is_expired);
            }
            break;
        }
        case 12: {
            const std::size_t count = in_.below(4);
            const std::size_t evicted = cache_.evict(count);
            expect(evicted == count || (evicted < count && cache_.empty()), "evict");
            // Destructors look keys up, which erases what has expired.
            expect(cache_.size() + evicted <= size, "the size after evict");
            const contents left = live();
            expect(std::includes(before.begin(), before.end(), left.begin(), left.end(), by_key),
                   "evict has stored something");
            return;
        }
        case 13:
            static_cast<void>(cache_.purge_expired(in_.flag() ? Cache::unlimited : in_.byte()));
            break;
        case 14:
            static_cast<void>(cache_.purge_expired()); // if the clock goes back, they live again
            clock::current = clock::at(in_.byte());
            std::erase_if(expected, is_expired);
            break;
        case 15:
            replace(expected);
        }
        expect(live() == expected, "other entries have changed");
    }

    void store(std::size_t chosen, const std::string& key, const contents& before) {
        const bool known = before.contains(key);
        const bool only_new = chosen >= 4;
        const content given{in_.text(), only_new ? std::nullopt : deadline()};
        value made([this, other = in_.text()] { static_cast<void>(cache_.contains(other)); },
                   given.text);
        if (!only_new || !known) {
            given_[key] = given;
        }
        if (!only_new) {
            expect(given.deadline ? cache_.set(key, std::move(made), *given.deadline)
                                  : cache_.set(key, std::move(made)),
                   "set");
        } else if (chosen == 4) {
            expect(cache_.set(key, std::move(made), {.if_not_exists = true}) != known,
                   "set, if it does not exist");
        } else if (chosen == 5) {
            expect(cache_.set_or_visit(key, std::move(made), [](const value&) {}) != known,
                   "set_or_visit");
        } else {
            const value& found = cache_.get_or_set(key, [&] { return std::move(made); });
            expect(found.text == given_[key].text, "get_or_set");
        }
        const contents after = live();
        expect(after.contains(key) == !is_expired(std::pair(key, given_[key])),
               "what was stored last: ", key.c_str());
        for (const auto& [kept, unused] : after) {
            expect(kept == key || before.contains(kept), "an entry from nowhere: ", kept.c_str());
        }
        for (const auto& [old, unused] : before) {
            expect(!known || old == key || after.contains(old), "an overwrite has evicted ",
                   old.c_str());
        }
    }

    /// Copies, moves or empties the cache.
    void replace(contents& expected) {
        if constexpr (std::copyable<Cache>) {
            switch (in_.below(4)) {
            case 0:
                cache_ = Cache(cache_);
                return;
            case 1: {
                Cache moved = std::move(cache_);
                expect(cache_.empty() && cache_.max_entries() == max_, "a moved-from cache");
                cache_.set("stored in between", value());
                cache_ = std::move(moved);
                return;
            }
            case 2:
                cache_.reserve(in_.byte());
                return;
            default:
                break;
            }
        }
        cache_.clear();
        expected.clear();
    }

    std::optional<clock::time_point> deadline() {
        return in_.flag() ? std::optional(clock::at(in_.byte())) : std::nullopt;
    }

    static bool is_expired(const std::pair<const std::string, content>& one) {
        return one.second.deadline && *one.second.deadline <= clock::current;
    }

    static bool by_key(const typename contents::value_type& a,
                       const typename contents::value_type& b) {
        return a.first < b.first;
    }

    input& in_;
    std::size_t max_;
    contents given_ = {};
    Cache cache_;
};

inline void full(input& in) {
    const std::size_t max = 1 + in.below(12);
    if (in.flag()) {
        full_cache<cachetory::bounded_memory_backend<value, clock, uneven_hash>>(in, max).run();
    } else {
        using shared =
            cachetory::bounded_concurrent_memory_backend<value, clock, uneven_hash, strict_mutex>;
        full_cache<shared>(in, max, 1 + in.below(max)).run();
    }
}

} // namespace fuzz

#endif
