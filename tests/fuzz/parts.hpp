// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_FUZZ_PARTS_HPP
#define CACHETORY_TESTS_FUZZ_PARTS_HPP

#include "caches.hpp"
#include "input.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

// The parts of operations.
namespace fuzz {

/// A key of an operation: a separate text or, if the cache returns references, a view of a stored
/// key.
struct any_key {
    enum class view { of_itself, of_key, of_value };

    template <class Cache>
    std::string_view in(Cache& c) const {
        if (of != view::of_itself) {
            const everything_lives here;
            const auto found = result(c.get_many({stored_under}));
            if constexpr (hands_out_references<Cache>) {
                if (!found.empty()) {
                    return of == view::of_key ? found[0].first : found[0].second.text;
                }
            }
        }
        return text;
    }

    std::string text;
    view of = view::of_itself;
    std::string stored_under = {};
};

/// What a factory may do. A destructor may do the first four, because their result does not depend
/// on the order in which values are destroyed.
struct action {
    enum class verb { nothing, look_up, erase, keep, store, clear, wait };

    verb what = verb::nothing;
    std::string key = {};
    ticks time = 0;
};

struct content {
    std::string text;
    action on_destruction;
};

struct factory_error : std::exception {};

template <class Operation>
void finish(Operation operation) {
    if constexpr (std::is_void_v<decltype(operation())>) {
        operation();
    } else {
        result(operation());
    }
}

/// Clears twice, because destructors may store something meanwhile.
template <class Cache>
void clear(Cache& c, bool callbacks) {
    for (int times = callbacks ? 2 : 1; times != 0; --times) {
        finish([&] { return c.clear(); });
    }
}

inline constexpr std::string_view by_destructor = "stored by a destructor";

template <class Cache>
void perform(Cache& c, const action& does) {
    static constexpr std::string_view kept = "kept"; // no destructor erases it
    switch (does.what) {
    case action::verb::nothing:
        break;
    case action::verb::erase:
        if (does.key != kept) {
            result(c.erase(does.key));
            break;
        }
        [[fallthrough]];
    case action::verb::look_up:
        static_cast<void>(result(c.contains(does.key)));
        break;
    case action::verb::keep:
        result(c.set(kept, value({}, std::string(by_destructor)), {}));
        break;
    case action::verb::store:
        result(c.set(does.key, value({}, "meanwhile"), {std::chrono::nanoseconds(does.time)}));
        break;
    case action::verb::clear:
        clear(c, true);
        break;
    case action::verb::wait:
        clock::current = clock::at(saturated(wide(now()) + does.time));
        break;
    }
}

} // namespace fuzz

#endif
