// SPDX-License-Identifier: MIT
#ifndef CACHETORY_ASYNC_BACKEND_HPP
#define CACHETORY_ASYNC_BACKEND_HPP

#include "backend.hpp"
#include "memory_backend.hpp"
#include "ready_future.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cachetory {

namespace detail {

/// A backend that can tell a miss from a hit while an expired entry of that key is still in memory.
template <class Backend>
concept has_visit_or_miss = requires(Backend& backend,
                                     std::string_view key,
                                     int (*hit)(typename Backend::wire_type&),
                                     int (*miss)()) {
    { backend.visit(key, hit, miss) } -> std::same_as<int>;
};

/// A value that the `set` of `Backend` takes.
template <class V, class Backend>
concept settable_in =
    requires(Backend& backend, std::string_view key, V&& value, set_options options) {
    backend.set(key, std::forward<V>(value), options);
};

// Cold, so that it stays out of the hit path.
CACHETORY_GNU(cold) inline std::exception_ptr missing(std::string_view key) {
    return std::make_exception_ptr(key_error(key));
}

} // namespace detail

/// A backend for asynchronous code. It has the verbs of `Backend`; each returns a `ready_future` of
/// what the verb of `Backend` returns.
///
/// The operation happens in the call, and so in call order, whether or not the future is awaited.
/// Awaiting never suspends. Exceptions travel in the future; the calls throw none. References in a
/// result are valid for as long as `Backend` promises. While the coroutine awaits something else,
/// other code may erase the entry.
///
/// As safe to share between threads as `Backend` is.
template <backend Backend>
class async_backend {
public:
    using backend_type = Backend;
    using wire_type = typename Backend::wire_type;
    using clock = typename Backend::clock;
    using time_point = typename Backend::time_point;

    template <std::default_initializable B = Backend>
    async_backend() : backend_() {}

    template <std::same_as<Backend> B = Backend>
    requires std::move_constructible<B>

    explicit async_backend(B owned) : backend_(std::move(owned)) {}

    /// Constructs the backend in place from `args`.
    template <class... Args>
    requires std::constructible_from<Backend, Args...>

    explicit async_backend(std::in_place_t, Args&&... args)
        : backend_(std::forward<Args>(args)...) {}

    /// Constructs the backend in place by `Backend::from_url(url)`. Throws what that throws.
    [[nodiscard]] static async_backend from_url(std::string_view url) {
        return async_backend(in_place_from_url(), url);
    }

    /// The backend itself, for use without futures. Valid as long as this object is.
    [[nodiscard]] Backend& synchronous() noexcept { return backend_; }

    [[nodiscard]] const Backend& synchronous() const noexcept { return backend_; }

    // Look-up

    /// Same as the backend's `get`; if the key is missing, puts a `key_error` into the future
    /// without throwing it.
    auto get(std::string_view key) {
        using result = decltype(backend_.get(key));
        try {
            if constexpr (detail::has_visit_or_miss<Backend>) {
                // Not find(): the key may view data of an expired entry, and find() destroys that
                // before the error is made.
                return backend_.visit(
                    key, [](auto& value) { return ready_future<result>(std::in_place, value); },
                    [&] { return ready_future<result>(detail::missing(key)); });
            } else {
                auto found = backend_.find(key);
                return found ? ready_future<result>(std::in_place, *std::move(found))
                             : ready_future<result>(detail::missing(key));
            }
        } catch (...) {
            return make_exceptional_future<result>(std::current_exception());
        }
    }
    auto find(std::string_view key) {
        return run([&]() -> decltype(auto) { return backend_.find(key); });
    }

    auto touch(std::string_view key, std::optional<ttl> time_to_live) {
        return run([&]() -> decltype(auto) { return backend_.touch(key, time_to_live); });
    }

    auto contains(std::string_view key) {
        return run([&] { return backend_.contains(key); });
    }

    auto deadline(std::string_view key) {
        return run([&] { return backend_.deadline(key); });
    }

    template <key_range Keys = std::initializer_list<std::string_view>>
    auto get_many(Keys&& keys) {
        return run([&] { return backend_.get_many(std::forward<Keys>(keys)); });
    }

    auto take(std::string_view key) {
        return run([&] { return backend_.take(key); });
    }

    // Modifiers

    template <detail::settable_in<Backend> V = wire_type>
    auto set(std::string_view key, V&& value, set_options options = {}) {
        return run([&] { return backend_.set(key, std::forward<V>(value), options); });
    }

    template <detail::settable_in<Backend> V = wire_type, std::convertible_to<std::optional<ttl>> T>
    auto set(std::string_view key, V&& value, T time_to_live) {
        return set(key, std::forward<V>(value), set_options{.time_to_live = time_to_live});
    }

    template <detail::settable_in<Backend> V = wire_type, class C, class Duration>
    auto set(std::string_view key, V&& value, std::chrono::time_point<C, Duration> deadline) {
        return run([&] { return backend_.set(key, std::forward<V>(value), deadline); });
    }

    template <class Items = std::initializer_list<std::pair<std::string_view, wire_type>>>
    requires requires(Backend& of, Items&& items, set_options options) {
        of.set_many(std::forward<Items>(items), options);
    }
    auto set_many(Items&& items, set_options options = {}) {
        return run([&] { return backend_.set_many(std::forward<Items>(items), options); });
    }

    template <factory_of<wire_type> Factory>
    auto get_or_set(std::string_view key, Factory&& factory, std::optional<ttl> time_to_live = {}) {
        return run([&]() -> decltype(auto) {
            return backend_.get_or_set(key, std::forward<Factory>(factory), time_to_live);
        });
    }

    template <class Deadline = std::optional<time_point>>
    requires requires(Backend& of, std::string_view key, Deadline deadline) {
        of.expire_at(key, deadline);
    }
    auto expire_at(std::string_view key, Deadline deadline) {
        return run([&] { return backend_.expire_at(key, deadline); });
    }

    auto expire_in(std::string_view key, std::optional<ttl> time_to_live) {
        return run([&] { return backend_.expire_in(key, time_to_live); });
    }

    auto erase(std::string_view key) {
        return run([&] { return backend_.erase(key); });
    }

    template <key_range Keys = std::initializer_list<std::string_view>>
    auto erase_many(Keys&& keys) {
        return run([&] { return backend_.erase_many(std::forward<Keys>(keys)); });
    }

    auto clear() {
        return run([&] { backend_.clear(); });
    }

    // Verbs that not every backend has. Each can be called if the backend has it.

    template <class F, class B = Backend>
    requires requires(B& b, std::string_view key, F&& f) { b.visit(key, std::forward<F>(f)); }
    auto visit(std::string_view key, F&& f) {
        return run([&] { return backend_.visit(key, std::forward<F>(f)); });
    }

    template <class F, class B = Backend>
    requires requires(B& b, F&& f) { b.for_each(std::forward<F>(f)); }
    auto for_each(F&& f) {
        return run([&] { backend_.for_each(std::forward<F>(f)); });
    }

    template <std::convertible_to<wire_type> V = wire_type, class F, class B = Backend>
    requires requires(B& b, std::string_view key, V&& value, F&& f, std::optional<ttl> t) {
        b.set_or_visit(key, std::forward<V>(value), std::forward<F>(f), t);
    }
    auto
    set_or_visit(std::string_view key, V&& value, F&& f, std::optional<ttl> time_to_live = {}) {
        return run([&] {
            return backend_.set_or_visit(key, std::forward<V>(value), std::forward<F>(f),
                                         time_to_live);
        });
    }

    template <class Pred, class B = Backend>
    requires requires(B& b, Pred&& pred) { b.erase_if(std::forward<Pred>(pred)); }
    auto erase_if(Pred&& pred) {
        return run([&] { return backend_.erase_if(std::forward<Pred>(pred)); });
    }

    template <class B = Backend>
    requires requires(B& b) { b.purge_expired(std::size_t()); }
    auto purge_expired(std::size_t max_visits = B::unlimited) {
        return run([&] { return static_cast<B&>(backend_).purge_expired(max_visits); });
    }

    template <class B = Backend>
    requires requires(B& b) { b.evict(std::size_t()); }
    auto evict(std::size_t count) {
        return run([&] { return static_cast<B&>(backend_).evict(count); });
    }

    template <class B = Backend>
    requires requires(B& b) { b.reserve(std::size_t()); }
    auto reserve(std::size_t entries) {
        return run([&] { static_cast<B&>(backend_).reserve(entries); });
    }

    // Capacity, if the backend has it. These return plain values, not futures.

    template <class B = Backend>
    requires requires(const B& b) { b.size(); }
    [[nodiscard]] std::size_t size() const noexcept(noexcept(std::declval<const B&>().size())) {
        return static_cast<const B&>(backend_).size();
    }

    template <class B = Backend>
    requires requires(const B& b) { b.empty(); }
    [[nodiscard]] bool empty() const noexcept(noexcept(std::declval<const B&>().empty())) {
        return static_cast<const B&>(backend_).empty();
    }

    template <class B = Backend>
    requires requires(const B& b) { b.max_entries(); }
    [[nodiscard]] std::size_t max_entries() const noexcept {
        return static_cast<const B&>(backend_).max_entries();
    }

private:
    struct in_place_from_url {};

    async_backend(in_place_from_url, std::string_view url) : backend_(Backend::from_url(url)) {}

    template <class Operation>
    static auto run(Operation operation) -> ready_future<std::invoke_result_t<Operation&>> {
        using result = std::invoke_result_t<Operation&>;
        try {
            if constexpr (std::is_void_v<result>) {
                operation();
                return make_ready_future();
            } else {
                return ready_future<result>(std::in_place, operation());
            }
        } catch (...) {
            return make_exceptional_future<result>(std::current_exception());
        }
    }

    Backend backend_;
};

template <backend Backend>
async_backend(Backend) -> async_backend<Backend>;

template <class Wire, class Clock = std::chrono::steady_clock, class Hash = string_hash>
using async_memory_backend = async_backend<memory_backend<Wire, Clock, Hash>>;

} // namespace cachetory

#endif
