// SPDX-License-Identifier: MIT
#include <cachetory/ready_future.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/coroutine.hpp"
#include "support/values.hpp"

#include <chrono>
#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using cachetory::make_exceptional_future;
using cachetory::make_ready_future;
using cachetory::ready_future;

template class cachetory::ready_future<int>;
template class cachetory::ready_future<int&>;
template class cachetory::ready_future<void>;
template class cachetory::ready_future<std::unique_ptr<int>>;
template class cachetory::ready_future<std::string>;

namespace {

struct no_default {
    explicit no_default(int n) : number(n) {}

    int number;
};

struct not_assignable {
    const int number;
};

struct failure : std::runtime_error {
    failure() : std::runtime_error("failed") {}
};

template <class T>
ready_future<T> failed() {
    return make_exceptional_future<T>(std::make_exception_ptr(failure()));
}

template <class Function>
bool throws_no_state(Function function) {
    try {
        function();
    } catch (const std::future_error& error) {
        return error.code() == std::future_errc::no_state;
    }
    return false;
}

template <class T>
void check_invalid(ready_future<T>& future) {
    CHECK_FALSE(future.valid());
    CHECK(throws_no_state([&] { future.get(); }));
    CHECK(throws_no_state([&] { future.wait(); }));
    CHECK(throws_no_state([&] { future.wait_for(std::chrono::hours(1)); }));
    CHECK(throws_no_state([&] { future.wait_until(std::chrono::steady_clock::time_point()); }));
    CHECK(throws_no_state([&] { future.await_resume(); }));
    CHECK(throws_no_state([&] { std::future<T> converted = std::move(future); }));
}

/// Checks all that a future with a result can do before `get`.
template <class T>
void check_ready(const ready_future<T>& future) {
    CHECK(future.valid());
    future.wait();
    CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
    CHECK(future.wait_for(std::chrono::hours::max()) == std::future_status::ready);
    CHECK(future.wait_until(std::chrono::steady_clock::time_point::max()) ==
          std::future_status::ready);
    CHECK(future.await_ready());
    CHECK_FALSE(future.await_suspend(std::noop_coroutine()));
    CHECK(future.valid());
}

} // namespace

TEST_CASE("a ready future yields its value once") {
    auto future = make_ready_future(42);
    check_ready(future);
    CHECK(future.get() == 42);
    check_invalid(future);
}

TEST_CASE("a ready future of a reference yields the object itself") {
    int number = 42;
    auto future = make_ready_future(std::ref(number));
    check_ready(future);
    CHECK(&future.get() == &number);
    check_invalid(future);
}

TEST_CASE("a ready future of void yields its result once") {
    auto future = make_ready_future();
    check_ready(future);
    future.get();
    check_invalid(future);
}

TEST_CASE("a default-constructed future has no result") {
    ready_future<int> value;
    ready_future<int&> reference;
    ready_future<void> nothing;
    ready_future<no_default> object;
    check_invalid(value);
    check_invalid(reference);
    check_invalid(nothing);
    check_invalid(object);
}

TEST_CASE("a ready future holds whatever can be moved") {
    ready_future<support::move_only> moved_only(std::in_place, 1);
    CHECK(moved_only.get().number == 1);
    CHECK(make_ready_future(std::make_unique<int>(2)).get() != nullptr);
    CHECK(ready_future<no_default>(std::in_place, 3).get().number == 3);
    CHECK(ready_future<std::string>(std::in_place, std::size_t(3), 'x').get() == "xxx");
    CHECK(make_ready_future(support::over_aligned{4}).get().number == 4);
}

TEST_CASE("a value that cannot be assigned moves from future to future") {
    auto future = make_ready_future(not_assignable{1});
    auto other = make_ready_future(not_assignable{2});
    future = std::move(other);
    check_invalid(other);
    CHECK(future.get().number == 2);
}

TEST_CASE("an exception pointer as a value is not an error") {
    const std::exception_ptr error = std::make_exception_ptr(failure());
    auto future = make_ready_future(error);
    STATIC_REQUIRE(std::same_as<decltype(future), ready_future<std::exception_ptr>>);
    CHECK(future.get() == error);
    CHECK(make_ready_future(std::exception_ptr()).get() == nullptr);
    CHECK_THROWS_AS(failed<std::exception_ptr>().get(), failure);
}

TEST_CASE("a ready future throws its exception once") {
    const auto check = [](auto future) {
        check_ready(future);
        CHECK_THROWS_AS(future.get(), failure);
        check_invalid(future);
    };
    check(failed<int>());
    check(failed<int&>());
    check(failed<void>());
    check(failed<std::unique_ptr<int>>());
}

TEST_CASE("an exceptional future needs an exception") {
    CHECK_THROWS_AS(make_exceptional_future<int>(nullptr), std::invalid_argument);
    CHECK_THROWS_AS(make_exceptional_future<void>(std::exception_ptr()), std::invalid_argument);
    CHECK_THROWS_AS(ready_future<int&>(std::exception_ptr()), std::invalid_argument);
}

TEST_CASE("make_ready_future decays its argument and unwraps references") {
    int number = 1;
    const int constant = 2;
    STATIC_REQUIRE(std::same_as<decltype(make_ready_future(constant)), ready_future<int>>);
    STATIC_REQUIRE(std::same_as<decltype(make_ready_future("text")), ready_future<const char*>>);
    STATIC_REQUIRE(std::same_as<decltype(make_ready_future(std::ref(number))), ready_future<int&>>);
    STATIC_REQUIRE(
        std::same_as<decltype(make_ready_future(std::cref(number))), ready_future<const int&>>);
    STATIC_REQUIRE(std::same_as<decltype(make_ready_future()), ready_future<void>>);
    CHECK(&make_ready_future(std::cref(constant)).get() == &constant);

    std::string text = "text";
    CHECK(make_ready_future(text).get() == text);
    CHECK(make_ready_future(std::move(text)).get() == "text");
    CHECK(text.empty());
}

TEST_CASE("ready futures are move-only and move without throwing if their value does") {
    const auto check = []<class T>(ready_future<T>, bool nothrow) {
        STATIC_REQUIRE_FALSE(std::copy_constructible<ready_future<T>>);
        STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<ready_future<T>>);
        STATIC_REQUIRE(std::movable<ready_future<T>>);
        STATIC_REQUIRE(std::is_nothrow_default_constructible_v<ready_future<T>>);
        CHECK(std::is_nothrow_move_constructible_v<ready_future<T>> == nothrow);
        CHECK(std::is_nothrow_move_assignable_v<ready_future<T>> == nothrow);
    };
    check(ready_future<int>(), true);
    check(ready_future<int&>(), true);
    check(ready_future<void>(), true);
    check(ready_future<std::string>(), true);
    check(ready_future<support::throwing>(), false);
    check(ready_future<support::throwing&>(), true);
    STATIC_REQUIRE(noexcept(ready_future<int>().valid()));
    STATIC_REQUIRE(noexcept(ready_future<int>().await_ready()));
    STATIC_REQUIRE(noexcept(ready_future<int>().await_suspend(std::noop_coroutine())));
}

TEST_CASE("moving a future moves its result and leaves the source without one") {
    auto from = make_ready_future(std::string("value"));
    ready_future<std::string> to = std::move(from);
    check_invalid(from);
    CHECK(to.get() == "value");

    auto error = failed<std::string>();
    ready_future<std::string> second = std::move(error);
    check_invalid(error);
    CHECK_THROWS_AS(second.get(), failure);
}

TEST_CASE("an assigned future has the result it was given and loses its own") {
    const auto make = [](int kind) {
        return kind == 0   ? ready_future<std::string>()
               : kind == 1 ? make_ready_future(std::string("value"))
                           : failed<std::string>();
    };
    for (int before = 0; before != 3; ++before) {
        for (int after = 0; after != 3; ++after) {
            CAPTURE(before, after);
            ready_future<std::string> to = make(before);
            ready_future<std::string> from = make(after);
            to = std::move(from);
            check_invalid(from);
            if (after == 1) {
                CHECK(to.get() == "value");
            } else if (after == 2) {
                CHECK_THROWS_AS(to.get(), failure);
            }
            check_invalid(to);
        }
    }
}

TEST_CASE("a future moved to itself keeps its result") {
    auto value = make_ready_future(std::string("value"));
    auto& same_value = value;
    value = std::move(same_value);
    CHECK(value.get() == "value");

    auto error = failed<int>();
    auto& same_error = error;
    error = std::move(same_error);
    CHECK_THROWS_AS(error.get(), failure);
}

TEST_CASE("an rvalue ready future converts to a std future") {
    STATIC_REQUIRE(std::convertible_to<ready_future<int>, std::future<int>>);
    STATIC_REQUIRE_FALSE(std::convertible_to<ready_future<int>&, std::future<int>>);
    STATIC_REQUIRE_FALSE(std::convertible_to<ready_future<int>, std::future<long>>);

    const auto get = [](std::future<std::unique_ptr<int>> future) { return future.get(); };
    auto value = make_ready_future(std::make_unique<int>(1));
    CHECK(*get(std::move(value)) == 1);
    check_invalid(value);

    int number = 2;
    const auto get_reference = [](std::future<int&> future) { return &future.get(); };
    CHECK(get_reference(make_ready_future(std::ref(number))) == &number);

    auto nothing = make_ready_future();
    std::future<void> converted = std::move(nothing);
    converted.get();
    check_invalid(nothing);

    CHECK_THROWS_AS(get(failed<std::unique_ptr<int>>()), failure);
    CHECK_THROWS_AS(get_reference(failed<int&>()), failure);
    auto error = failed<void>();
    converted = std::move(error);
    CHECK_THROWS_AS(converted.get(), failure);
    check_invalid(error);
}

TEST_CASE("a ready future can be shared") {
    const std::shared_future<int> shared = cachetory::make_ready_future(1).share();
    CHECK(shared.get() == 1);
    CHECK(shared.get() == 1);
}

TEST_CASE("awaiting a ready future never suspends") {
    std::vector<int> order;
    int number = 2;
    const auto coroutine = [&]() -> support::task {
        order.push_back(co_await make_ready_future(1));
        order.push_back(co_await make_ready_future(std::ref(number)));
        (co_await make_ready_future(std::ref(number))) = 3;
        co_await make_ready_future();
        order.push_back(*co_await make_ready_future(std::make_unique<int>(number)));
        auto named = make_ready_future(4);
        order.push_back(co_await named);
        order.push_back(named.valid() ? -1 : 5);
    };
    const support::task running = coroutine();
    order.push_back(6);
    REQUIRE(running.done());
    CHECK(order == std::vector{1, 2, 3, 4, 5, 6});
}

TEST_CASE("awaiting a failed future throws in the coroutine") {
    int caught = 0;
    const auto coroutine = [&]() -> support::task {
        try {
            co_await failed<void>();
        } catch (const failure&) {
            ++caught;
        }
        try {
            static_cast<void>(co_await ready_future<int>());
        } catch (const std::future_error&) {
            ++caught;
        }
        static_cast<void>(co_await failed<int>());
        caught = -1;
    };
    const support::task running = coroutine();
    CHECK(caught == 2);
    CHECK_THROWS_AS(running.done(), failure);
}

TEST_CASE("a ready future of a value or a reference does not allocate") {
    int number = 1;
    const std::size_t before = support::allocations();
    auto value = make_ready_future(41);
    auto moved = std::move(value);
    auto reference = make_ready_future(std::ref(number));
    auto nothing = make_ready_future();
    reference.get() += moved.get();
    nothing.get();
    const std::size_t after = support::allocations();
    CHECK(after == before);
    CHECK(number == 42);
}
