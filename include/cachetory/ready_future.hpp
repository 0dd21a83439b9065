// SPDX-License-Identifier: MIT
#ifndef CACHETORY_READY_FUTURE_HPP
#define CACHETORY_READY_FUTURE_HPP

#include "version.hpp"

#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

namespace cachetory {

/// A future that holds its result, a value or an exception, from the start: a `std::future<T>`
/// without a shared state, and so without an allocation. `T` is a movable object type, a reference
/// or `void`.
///
/// `get` or `co_await` yields the result, once; `co_await` never suspends. After that, the future
/// is not valid. A future that was moved from or default-constructed is not valid either. Every
/// function that needs a result then throws `std::future_error` with `std::future_errc::no_state`.
template <class T>
class [[nodiscard]] ready_future {
public:
    ready_future() noexcept = default;

    /// Makes a future with a value made from `args` (from nothing for `void`).
    template <class... Args>
    explicit ready_future(std::in_place_t, Args&&... args) {
        if constexpr (std::is_reference_v<T>) {
            static_assert(sizeof...(Args) == 1 && (std::is_lvalue_reference_v<Args> && ...),
                          "cachetory: a future of a reference needs an lvalue, because a "
                          "temporary would be destroyed");
            value_.emplace(std::addressof(args)...);
        } else {
            value_.emplace(std::forward<Args>(args)...);
        }
    }

    /// Makes a future with an exception. Throws `std::invalid_argument` if `error` is null.
    explicit ready_future(std::exception_ptr error) : error_(std::move(error)) {
        if (!error_) {
            throw std::invalid_argument(
                "cachetory: a ready_future cannot hold a null exception_ptr");
        }
    }

    ready_future(ready_future&& other) noexcept(std::is_nothrow_move_constructible_v<stored>)
        : value_(std::move(other.value_)), error_(std::exchange(other.error_, nullptr)) {
        other.value_.reset();
    }

    ready_future&
    operator=(ready_future&& other) noexcept(std::is_nothrow_move_constructible_v<stored>) {
        if (this != &other) {
            if (other.value_) {
                value_.emplace(std::move(*other.value_)); // T need not be assignable
                other.value_.reset();
            } else {
                value_.reset();
            }
            error_ = std::exchange(other.error_, nullptr);
        }
        return *this;
    }

    ~ready_future() = default;

    /// Whether the future holds a result.
    [[nodiscard]] bool valid() const noexcept { return value_.has_value() || error_ != nullptr; }

    /// Returns the value or throws the exception. Afterwards the future is not valid.
#if defined(__has_cpp_attribute) && __has_cpp_attribute(gnu::no_dangling)
    [[gnu::no_dangling]] // a returned reference does not refer to the future
#endif
    T get() {
        if (!value_) { // checked first, because a value is the common case
            require_result();
            std::rethrow_exception(std::exchange(error_, nullptr));
        }
        if constexpr (std::is_void_v<T>) {
            value_.reset();
        } else if constexpr (std::is_reference_v<T>) {
            T result = **value_;
            value_.reset();
            return result;
        } else {
            T result = std::move(*value_);
            value_.reset();
            return result;
        }
    }

    /// Returns at once.
    void wait() const { require_result(); }

    /// Returns `std::future_status::ready`, at once.
    template <class Rep, class Period>
    std::future_status wait_for(const std::chrono::duration<Rep, Period>&) const {
        require_result();
        return std::future_status::ready;
    }

    template <class C, class Duration>
    std::future_status wait_until(const std::chrono::time_point<C, Duration>&) const {
        require_result();
        return std::future_status::ready;
    }

    /// Moves the result into a `std::future`. Afterwards this future is not valid.
    operator std::future<T>() && { // implicit on purpose, for code that takes a std::future
        require_result();
        std::promise<T> promise;
        if (error_) {
            promise.set_exception(std::exchange(error_, nullptr));
        } else if constexpr (std::is_void_v<T>) {
            get();
            promise.set_value();
        } else {
            promise.set_value(get());
        }
        return promise.get_future();
    }

    /// Same as `std::future<T>(std::move(*this)).share()`.
    std::shared_future<T> share() { return std::future<T>(std::move(*this)).share(); }

    // What co_await needs.
    [[nodiscard]] bool await_ready() const noexcept { return true; }

    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }

    T await_resume() { return get(); }

private:
    void require_result() const {
        if (!valid()) {
            throw std::future_error(std::future_errc::no_state);
        }
    }

    using stored =
        std::conditional_t<std::is_void_v<T>,
                           std::monostate,
                           std::conditional_t<std::is_reference_v<T>, std::add_pointer_t<T>, T>>;

    std::optional<stored> value_ = {};
    std::exception_ptr error_ = {};
};

/// Returns a future with `value`; with a reference if `value` is a `std::reference_wrapper`.
template <class T>
auto make_ready_future(T&& value) -> ready_future<std::unwrap_ref_decay_t<T>> {
    using result = std::unwrap_ref_decay_t<T>;
    if constexpr (std::is_reference_v<result>) {
        return ready_future<result>(std::in_place, value.get());
    } else {
        return ready_future<result>(std::in_place, std::forward<T>(value));
    }
}

inline auto make_ready_future() -> ready_future<void> { return ready_future<void>(std::in_place); }

/// Returns a future with an exception. Throws `std::invalid_argument` if `error` is null.
template <class T>
auto make_exceptional_future(std::exception_ptr error) -> ready_future<T> {
    return ready_future<T>(std::move(error));
}

} // namespace cachetory

#endif
