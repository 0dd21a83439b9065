// SPDX-License-Identifier: MIT
//
// Of several workers one is to write the report. Whoever is the first to store the key has a lease:
// the others are refused, until it expires because its holder no longer renews it. Here the workers
// take turns; threads would need a mutex around `renew`: it looks, then acts.
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <fmt/core.h>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

/// Stands where it is put, so that this program prints the same each time.
struct manual_clock {
    using duration = std::chrono::seconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<manual_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static time_point now() { return current; }

    static inline time_point current;
};

class lease {
public:
    bool acquire(std::string_view worker) {
        return holder_.set("report", std::string(worker),
                           {.time_to_live = 30s, .if_not_exists = true});
    }

    bool renew(std::string_view worker) {
        const std::string* holder = holder_.find("report");
        return holder != nullptr && *holder == worker && holder_.expire_in("report", 30s);
    }

private:
    cachetory::memory_backend<std::string, manual_clock> holder_;
};

} // namespace

int main() {
    lease report;
    const auto say = [](std::string_view worker, std::string_view what, bool success) {
        const auto now = manual_clock::now().time_since_epoch();
        fmt::print("{:2} s  {} {}: {}\n", now.count(), worker, what, success ? "yes" : "no");
    };
    say("Ada", "acquires", report.acquire("Ada"));
    say("Ben", "acquires", report.acquire("Ben"));
    manual_clock::current += 20s;
    say("Ada", "renews", report.renew("Ada"));
    manual_clock::current += 30s; // nothing is heard of Ada
    say("Ben", "acquires", report.acquire("Ben"));
    say("Ada", "renews", report.renew("Ada"));
}
