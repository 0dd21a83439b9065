// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_VISITOR_HPP
#define CACHETORY_DETAIL_VISITOR_HPP

#include "../version.hpp"

#include <optional>
#include <utility>

namespace cachetory::detail {

template <class F, class... Args>
concept callable = requires(F&& f, Args&&... args) {
    static_cast<F&&>(f)(static_cast<Args&&>(args)...);
};

/// What may visit an entry: a function that takes `args`, and the deadline after them if it likes.
template <class F, class TimePoint, class... Args>
concept visitor = callable<F, Args..., std::optional<TimePoint>> || callable<F, Args...>;

/// Returns `f(key..., value, deadline)`, or `f(key..., value)` if `f` takes no deadline.
template <class F, class Entry, class... Key>
decltype(auto) visit_entry(F&& f, Entry& entry, Key... key) {
    if constexpr (callable<F, Key..., decltype((entry.value)), decltype(entry.expiry())>) {
        return std::forward<F>(f)(std::move(key)..., entry.value, entry.expiry());
    } else {
        return std::forward<F>(f)(std::move(key)..., entry.value);
    }
}

} // namespace cachetory::detail

#endif
