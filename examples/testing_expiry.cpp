// SPDX-License-Identifier: MIT
//
// Shows how to test code that relies on expiry: the test moves the clock, and never sleeps.
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <fmt/core.h>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using cachetory::manual_clock;

/// The code under test: three failed logins lock a user out for ten minutes.
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
    manual_clock::advance(10min - 1ns);
    check(guard.is_locked("ada"), "for ten minutes");
    manual_clock::advance(1ns);
    check(!guard.is_locked("ada"), "and no longer");
}
