// SPDX-License-Identifier: MIT
//
// One of several workers must write the report. The first to store the key holds a lease. The
// others are refused until the lease expires, which happens when its holder no longer renews it.
// Here the workers take turns. Threads would need a mutex around `renew`, which first looks and
// then acts.
#include <cachetory/manual_clock.hpp>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <fmt/core.h>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using cachetory::manual_clock; // so that this program always prints the same

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
        const auto now = manual_clock::now().time_since_epoch() / 1s;
        fmt::print("{:2} s  {} {}: {}\n", now, worker, what, success ? "yes" : "no");
    };
    say("Ada", "acquires", report.acquire("Ada"));
    say("Ben", "acquires", report.acquire("Ben"));
    manual_clock::advance(20s);
    say("Ada", "renews", report.renew("Ada"));
    manual_clock::advance(30s); // Ada does not renew
    say("Ben", "acquires", report.acquire("Ben"));
    say("Ada", "renews", report.renew("Ada"));
}
