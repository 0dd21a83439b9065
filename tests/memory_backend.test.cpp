// SPDX-License-Identifier: MIT
#include <cachetory/memory_backend.hpp>

#include "support/manual_clock.hpp"
#include "support/values.hpp"

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using cachetory::memory_backend;
using clock_type = support::manual_clock<>;

// Every member compiles for every kind of value.
template class cachetory::memory_backend<int>;
template class cachetory::memory_backend<std::string, std::chrono::system_clock>;
template class cachetory::memory_backend<std::unique_ptr<int>>;
template class cachetory::memory_backend<support::move_only>;
template class cachetory::memory_backend<support::over_aligned>;
template class cachetory::memory_backend<support::throwing, clock_type>;
template class cachetory::memory_backend<int, support::manual_clock<std::chrono::seconds>>;

static_assert(std::is_default_constructible_v<memory_backend<int>>);
static_assert(std::copyable<memory_backend<int>>);
static_assert(std::is_nothrow_move_constructible_v<memory_backend<int>>);
static_assert(std::is_nothrow_move_assignable_v<memory_backend<int>>);
static_assert(std::is_nothrow_move_constructible_v<memory_backend<support::throwing>>);
static_assert(!std::is_copy_constructible_v<memory_backend<support::move_only>>);
static_assert(!std::is_copy_assignable_v<memory_backend<support::move_only>>);
static_assert(std::movable<memory_backend<support::move_only>>);
static_assert(noexcept(std::declval<memory_backend<int>&>().clear()));
static_assert(noexcept(std::declval<const memory_backend<int>&>().size()));
static_assert(std::is_same_v<decltype(std::declval<memory_backend<int>&>().get("")), int&>);
static_assert(std::is_same_v<decltype(std::declval<memory_backend<int>&>().find("")), int*>);
static_assert(std::is_same_v<decltype(std::declval<memory_backend<int>&>().get_many({""})),
                             std::vector<std::pair<const std::string_view, int&>>>);
