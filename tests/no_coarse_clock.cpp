// SPDX-License-Identifier: MIT
//
// A program in which the coarse clocks fail: the precise ones must then decide.
#include <cachetory/memory_backend.hpp>

#include <cstdio>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
    if (id == CLOCK_MONOTONIC_COARSE || id == CLOCK_REALTIME_COARSE) {
        return -1;
    }
    return static_cast<int>(syscall(SYS_clock_gettime, id, time));
}
#endif

namespace {

template <class Clock>
bool expires() {
    using namespace std::chrono_literals;
    cachetory::memory_backend<int, Clock> cache;
    cache.set("dead", 1, {.time_to_live = -1h});
    cache.set("alive", 2, {.time_to_live = 1h});
    return !cache.contains("dead") && cache.contains("alive");
}

} // namespace

int main() {
    const bool steady = expires<std::chrono::steady_clock>();
    const bool wall = expires<std::chrono::system_clock>();
    std::printf("steady_clock %s, system_clock %s\n", steady ? "expires" : "FAILS",
                wall ? "expires" : "FAILS");
    return steady && wall ? 0 : 1;
}
