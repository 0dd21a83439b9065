// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_PURGE_HPP
#define CACHETORY_DETAIL_PURGE_HPP

#include "../version.hpp"

#include <array>
#include <cstddef>
#include <limits>

namespace cachetory::detail {

/// A position in a table: a bucket, and how many of its entries have been passed. Nothing
/// invalidates it, not even replacing the table. After a change of the table, a walk may miss an
/// entry or visit it twice; the next round makes up for that.
struct table_cursor {
    std::size_t bucket = 0;
    std::size_t position = 0;
};

/// The limit of one purge: a number of entries, and eight times as many buckets, because an empty
/// bucket costs much less than an entry.
struct purge_limit {
    static constexpr std::size_t unlimited = (std::numeric_limits<std::size_t>::max)();

    explicit purge_limit(std::size_t max_visits)
        : entries(max_visits), buckets(max_visits < unlimited / 8 ? max_visits * 8 : unlimited) {}

    std::size_t entries;
    std::size_t buckets;
};

/// How far a purge has come.
enum class purge_state {
    interrupted, ///< `dead` is full: empty it and continue.
    limited,     ///< The limit is used up.
    finished     ///< It has reached the end of the table.
};

/// Moves expired entries of `map` into `dead`, from `cursor` to the end of the table at most. Adds
/// their number to `purged`.
///
/// It walks by buckets, because only then can it stop anywhere and continue later. It extracts by
/// key, because a bucket's iterator cannot be converted to an iterator of the map.
template <class Map, class Moment, std::size_t N>
purge_state purge(Map& map,
                  table_cursor& cursor,
                  purge_limit& limit,
                  Moment& now,
                  std::array<typename Map::node_type, N>& dead,
                  std::size_t& purged) {
    std::size_t count = 0;
    if (cursor.bucket >= map.bucket_count()) { // the table has shrunk since then
        cursor = {};
    }
    for (; cursor.bucket != map.bucket_count() && !map.empty();
         cursor = {cursor.bucket + 1, 0}, --limit.buckets) {
        if (limit.buckets == 0) {
            return purge_state::limited;
        }
        auto visited = map.begin(cursor.bucket);
        const auto last = map.end(cursor.bucket);
        for (std::size_t i = 0; i != cursor.position && visited != last; ++i) {
            ++visited;
        }
        while (visited != last) {
            if (limit.entries == 0) {
                return purge_state::limited;
            }
            if (count == dead.size()) {
                return purge_state::interrupted;
            }
            const auto& [key, entry] = *visited;
            ++visited;
            if (now.has_passed(entry.deadline)) {
                dead[count++] = map.extract(key);
                ++purged;
            } else {
                ++cursor.position;
            }
            --limit.entries;
        }
    }
    cursor = {};
    return purge_state::finished;
}

} // namespace cachetory::detail

#endif
