// SPDX-License-Identifier: MIT
//
// Compiles every verb among names that are not ours: macros `min` and `max`, as in Microsoft's
// <windows.h>, `check`, as in Apple's <AssertMacros.h>, and types of a namespace that has templates
// with the names of ours and a comma.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <ratio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

// Only now, because libstdc++ undefines them, and the headers of the system need not bear them.
#define min(a, b) ((a) < (b) ? (a) : (b)) // NOLINT
#define max(a, b) ((a) < (b) ? (b) : (a)) // NOLINT

#define check(condition) // NOLINT

#include <cachetory/async_backend.hpp>
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/serialized_backend.hpp>

namespace foreign {

// Where one of these competes with ours, the call is ambiguous or deleted.
template <class F, class Entry, class... Key>
void visit_entry(F&&, Entry&, Key...) = delete;
template <class Wire, class V>
void as_wire(V&&) = delete;
template <class Items, class Item>
void forward_item(Item&&) = delete;
template <class Keys, class Found>
void reserve_for(Keys&, Found&) = delete;
template <class Wire, class Factory>
void make_wire(Factory&&, std::optional<cachetory::ttl>&) = delete;
template <class Value, class Serializer, class V>
void to_bytes(const Serializer&, V&&) = delete;
template <class TimePoint>
void deadline_after(TimePoint, cachetory::ttl) = delete;
template <class TimePoint>
void saturating_add(TimePoint, cachetory::ttl) = delete;
template <class... Args>
void purge(Args&&...) = delete;
template <class T>
void addressof(T&) = delete;
template <class T>
void forward(T&&) = delete;
template <class T>
void move(T&&) = delete;
template <class T, class U>
void exchange(T&, U&&) = delete;
template <class A, class B>
void operator,(A&&, B&&) = delete;

struct clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<clock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept { return {}; }
};

struct hash : cachetory::string_hash {};

struct value {
    int number = 0;
};

struct format {
    static std::string serialize(const value&) { return {}; }
    static std::optional<value> deserialize(std::string_view) { return value(); }
    void operator&() const = delete;
};

struct converted {
    operator value() const { return {}; }
};

template <class Cache>
void use(Cache& cache) {
    using namespace std::chrono_literals;
    std::map<std::string, converted> items = {{"key", {}}};
    (void)cache.set("key", value(), {.time_to_live = 1s});
    (void)cache.set("key", converted(), 1s);
    (void)cache.set("key", value(), std::chrono::time_point<clock, std::chrono::hours>());
    (void)cache.set_many({{"key", value()}});
    (void)cache.set_many(items);
    (void)cache.set_many(std::move(items));
    (void)cache.get("key");
    (void)cache.find("key");
    (void)cache.contains("key");
    (void)cache.deadline("key");
    (void)cache.get_many({"key"});
    (void)cache.touch("key", 1s);
    (void)cache.get_or_set("key", [] { return value(); });
    (void)cache.get_or_set("key", [] { return cachetory::expiring<value>{{}, 1s}; });
    (void)cache.expire_in("key", 1s);
    (void)cache.expire_at("key", std::chrono::system_clock::now());
    (void)cache.take("key");
    (void)cache.erase("key");
    (void)cache.erase_many({"key"});
    (void)cache.purge_expired(1);
    (void)cache.reserve(1);
    (void)cache.size();
    (void)cache.clear();
}

template <class Cache>
void use_in_memory(Cache& cache) {
    use(cache);
    (void)cache.visit("key", [](value&) {});
    (void)cache.visit("key", [](value& found, auto) { return found; });
    (void)cache.set_or_visit("key", value(), [](value&) {});
    (void)cache.for_each([](std::string_view, value&) {});
    (void)cache.erase_if([](std::string_view, value&) { return true; });
}

using alone = cachetory::memory_backend<value, clock, hash>;
using shared = cachetory::concurrent_memory_backend<value, clock, hash>;
using bounded = cachetory::bounded_memory_backend<value, clock, hash>;
using bounded_shared = cachetory::bounded_concurrent_memory_backend<value, clock, hash>;
using texts = cachetory::memory_backend<std::string, clock, hash>;

template void use_in_memory(alone&);
template void use_in_memory(shared&);
template void use_in_memory(bounded&);
template void use_in_memory(bounded_shared&);
template void use_in_memory(cachetory::async_backend<alone>&);
template void use_in_memory(cachetory::async_backend<shared>&);
template void use(cachetory::serialized_backend<value, texts, format>&);

} // namespace foreign

template class cachetory::memory_backend<std::string, cachetory::manual_clock>;
template class cachetory::concurrent_memory_backend<std::string>;
template class cachetory::serialized_backend<double, cachetory::memory_backend<std::string>>;
template class cachetory::ready_future<std::string>;
