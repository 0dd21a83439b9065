// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_LINEARIZABILITY_HPP
#define CACHETORY_TESTS_SUPPORT_LINEARIZABILITY_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

/// Checks whether one order of all operations explains what several threads saw.
namespace support::linearizability {

enum class verb {
    look_up, ///< find, get, get_many, for_each, and the first half of get_or_set
    contains,
    deadline,
    touch,
    take, ///< and erase_if, of a key that it chooses
    erase,
    set,
    set_if_absent,
    store_first, ///< the second half of get_or_set, and set_or_visit that only looks
    expire_in,
    expire_at,
    add,        ///< with visit
    set_or_add, ///< with set_or_visit, which adds 1
    clear,      ///< of one key
    advance_clock,
};

/// Results for a key without a value, or a value without a deadline.
inline constexpr std::int64_t absent = -1;
inline constexpr std::int64_t never = -2;

/// What one thread did and saw, stamped before and after with a counter that all threads share.
struct operation {
    verb what = verb::look_up;
    std::size_t key = 0;
    std::int64_t argument = 0;             ///< A value, a time, or what to add.
    std::optional<std::int64_t> life = {}; ///< A time to live; nullopt: forever.
    std::int64_t result = 0;               ///< A value, a time, or a bool.
    std::int64_t invoked = 0;
    std::int64_t returned = 0;
    int thread = 0;
};

using history = std::vector<operation>;

inline std::ostream& operator<<(std::ostream& out, const operation& op) {
    constexpr const char* names[] = {"look_up",     "contains",  "deadline",     "touch",
                                     "take",        "erase",     "set",          "set_if_absent",
                                     "store_first", "expire_in", "expire_at",    "add",
                                     "set_or_add",  "clear",     "advance_clock"};
    out << '[' << op.invoked << ", " << op.returned << "] thread " << op.thread << ": "
        << names[static_cast<std::size_t>(op.what)] << " key " << op.key << ", " << op.argument;
    if (op.life) {
        out << " for " << *op.life;
    }
    return out << " -> " << op.result;
}

inline std::ostream& operator<<(std::ostream& out, const history& all) {
    for (const operation& each : all) {
        out << each << '\n';
    }
    return out;
}

/// A cache of three keys together with its clock: an operation reads the time and acts at one
/// instant. They are together because the keys share the clock: a search key by key could let the
/// clock show another time for each.
class model {
public:
    static constexpr std::int64_t first_time = 1000;

    /// Executes `op`. Returns whether its result is right.
    bool apply(const operation& op) {
        entry& at = entries_[op.key];
        if (at.deadline <= now_) {
            at = {};
        }
        const bool live = at.value != absent;
        switch (op.what) {
        case verb::look_up:
            return op.result == at.value;
        case verb::contains:
            return op.result == live;
        case verb::deadline:
            return op.result == (!live ? absent : at.deadline == never_ ? never : at.deadline);
        case verb::touch:
            if (live) {
                at.deadline = after(op.life);
            }
            return op.result == at.value;
        case verb::take:
            return op.result == std::exchange(at, {}).value;
        case verb::erase:
            at = {};
            return op.result == live;
        case verb::set:
            at = {op.argument, after(op.life)};
            return op.result == true;
        case verb::set_if_absent:
            if (!live) {
                at = {op.argument, after(op.life)};
            }
            return op.result == !live;
        case verb::store_first:
            if (!live) {
                at = {op.argument, after(op.life)};
                return op.result == op.argument;
            }
            return op.result == at.value;
        case verb::expire_in:
            if (live) {
                at.deadline = after(op.life);
            }
            return op.result == live;
        case verb::expire_at:
            if (live) {
                at.deadline = op.argument;
            }
            return op.result == live;
        case verb::add: {
            const std::int64_t before = at.value;
            if (live) {
                at.value += op.argument;
            }
            return op.result == before;
        }
        case verb::set_or_add: {
            const std::int64_t before = at.value;
            if (live) {
                ++at.value;
            } else {
                at = {op.argument, after(op.life)};
            }
            return op.result == before;
        }
        case verb::clear:
            at = {};
            return true;
        case verb::advance_clock:
            now_ += op.argument;
            return op.result == now_;
        }
        return false;
    }

    friend auto operator<=>(const model&, const model&) = default;

private:
    static constexpr std::int64_t never_ = std::numeric_limits<std::int64_t>::max();

    struct entry {
        std::int64_t value = absent;
        std::int64_t deadline = never_;

        friend auto operator<=>(const entry&, const entry&) = default;
    };

    std::int64_t after(std::optional<std::int64_t> life) const {
        return life ? now_ + *life : never_;
    }

    std::array<entry, 3> entries_;
    std::int64_t now_ = first_time;
};

/// Looks for an order of at most 64 operations that `model` allows and in which none comes before
/// one that had returned when it was invoked (Wing and Gong 1993, with Lowe's memory of states that
/// were tried).
class checker {
public:
    explicit checker(const history& all) : all_(all) {}

    bool linearizable() { return search(0, model()); }

private:
    using mask = std::uint64_t;

    bool search(mask done, const model& state) {
        std::int64_t first_return = std::numeric_limits<std::int64_t>::max();
        for (std::size_t i = 0; i != all_.size(); ++i) {
            if (!(done >> i & 1)) {
                first_return = std::min(first_return, all_[i].returned);
            }
        }
        if (first_return == std::numeric_limits<std::int64_t>::max()) {
            return true;
        }
        if (dead_ends_.contains({done, state})) {
            return false;
        }
        for (std::size_t i = 0; i != all_.size(); ++i) {
            if (!(done >> i & 1) && all_[i].invoked < first_return) {
                model next = state;
                if (next.apply(all_[i]) && search(done | mask(1) << i, next)) {
                    return true;
                }
            }
        }
        dead_ends_.emplace(done, state);
        return false;
    }

    const history& all_;
    std::set<std::pair<mask, model>> dead_ends_;
};

inline bool linearizable(const history& all) { return checker(all).linearizable(); }

} // namespace support::linearizability

#endif
