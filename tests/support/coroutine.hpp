// SPDX-License-Identifier: MIT
#ifndef CACHETORY_TESTS_SUPPORT_COROUTINE_HPP
#define CACHETORY_TESTS_SUPPORT_COROUTINE_HPP

#include <coroutine>
#include <exception>
#include <utility>

namespace support {

/// A coroutine that starts at once. Nothing ever resumes it: if it suspends, it is never done.
class task {
public:
    struct promise_type {
        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }

        std::suspend_never initial_suspend() noexcept { return {}; }

        std::suspend_always final_suspend() noexcept { return {}; }

        void return_void() {}

        void unhandled_exception() { error = std::current_exception(); }

        std::exception_ptr error;
    };

    task(task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}

    task& operator=(task&&) = delete;

    ~task() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    /// Whether the coroutine has run to its end. Throws what it has thrown.
    bool done() const {
        if (coroutine_.promise().error) {
            std::rethrow_exception(coroutine_.promise().error);
        }
        return coroutine_.done();
    }

private:
    explicit task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

    std::coroutine_handle<promise_type> coroutine_;
};

} // namespace support

#endif
