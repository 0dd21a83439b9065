// SPDX-License-Identifier: MIT
#ifndef CACHETORY_DETAIL_VISITOR_HPP
#define CACHETORY_DETAIL_VISITOR_HPP

#include "../version.hpp"

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace cachetory::detail {

template <class F, class... Args>
concept callable = requires(F&& f, Args&&... args) {
    static_cast<F&&>(f)(static_cast<Args&&>(args)...);
};

/// A function that may visit an entry. It takes `args`, optionally followed by the deadline.
template <class F, class TimePoint, class... Args>
concept visitor = callable<F, Args..., std::optional<TimePoint>> || callable<F, Args...>;

/// The same for a function that visits many entries: it is called as an lvalue.
template <class F, class TimePoint, class... Args>
concept walking_visitor = visitor<F&, TimePoint, Args...>;

/// Returns `f(key..., value, deadline)`, or `f(key..., value)` if `f` takes no deadline.
template <class F, class Entry, class... Key>
decltype(auto) visit_entry(F&& f, Entry& entry, Key... key) {
    if constexpr (callable<F, Key..., decltype((entry.value)), decltype(entry.expiry())>) {
        return std::forward<F>(f)(std::move(key)..., entry.value, entry.expiry());
    } else {
        return std::forward<F>(f)(std::move(key)..., entry.value);
    }
}

/// Keeps the result of a visitor `F` of an `Entry`, if it can be moved, and destroys it later.
template <class F, class Entry>
class dropped_result {
    using result = decltype(detail::visit_entry(std::declval<F>(), std::declval<Entry&>()));
    static constexpr bool is_kept = std::is_object_v<result> && std::move_constructible<result>;

public:
    void keep(F&& f, Entry& visited) {
        if constexpr (is_kept) {
            kept_.emplace(detail::visit_entry(std::forward<F>(f), visited));
        } else {
            static_cast<void>(detail::visit_entry(std::forward<F>(f), visited));
        }
    }

private:
    std::optional<std::conditional_t<is_kept, result, bool>> kept_ = {};
};

} // namespace cachetory::detail

#endif
