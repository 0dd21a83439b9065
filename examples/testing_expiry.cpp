// SPDX-License-Identifier: MIT
//
// How to test code that relies on expiry: with a clock that the test moves. Nothing sleeps.
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <fmt/core.h>
#include <string_view>

namespace {

using namespace std::chrono_literals;

/// The code to be tested: who fails three times is locked out for ten minutes.
template <class Clock = std::chrono::steady_clock>
class login_guard {
public:
    void fail(std::string_view user) {
        ++failures_.get_or_set(user, [] { return 0; });
        failures_.expire_in(user, 10min);
    }

    bool is_locked(std::string_view user) {
        const int* failures = failures_.find(user);
        return failures != nullptr && *failures >= 3;
    }

private:
    cachetory::memory_backend<int, Clock> failures_;
};

/// What the library asks of a clock is what the standard does. It stands until it is moved.
struct manual_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<manual_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() { return current; }

    static inline time_point current;
};

} // namespace

int main() {
    const auto check = [](bool holds, std::string_view what) {
        fmt::print("{}: {}\n", holds ? "good" : "WRONG", what);
    };
    login_guard<manual_clock> guard;
    guard.fail("ada");
    guard.fail("ada");
    check(!guard.is_locked("ada"), "two failures do not lock out");
    guard.fail("ada");
    check(guard.is_locked("ada"), "the third one locks out");
    manual_clock::current += 10min - 1ns;
    check(guard.is_locked("ada"), "for ten minutes");
    manual_clock::current += 1ns;
    check(!guard.is_locked("ada"), "and no longer");
}
