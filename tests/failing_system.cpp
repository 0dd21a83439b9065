// SPDX-License-Identifier: MIT
//
// A program in which functions of the system fail. Without the coarse clocks, the precise ones
// decide. Without entropy, making a hash throws, because its key could be guessed.
#include <cachetory/memory_backend.hpp>

#include <cstddef>
#include <cstdio>
#include <stdexcept>

namespace {

bool has_entropy = false;

} // namespace

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
    if (id == CLOCK_MONOTONIC_COARSE || id == CLOCK_REALTIME_COARSE) {
        return -1;
    }
    return static_cast<int>(syscall(SYS_clock_gettime, id, time));
}

extern "C" int getentropy(void* buffer, std::size_t size) {
    return has_entropy && syscall(SYS_getrandom, buffer, size, 0) == long(size) ? 0 : -1;
}
#endif

namespace {

bool throws_without_entropy() {
    try {
        const cachetory::string_hash hash;
        return false;
    } catch (const std::runtime_error&) {
        return true;
    }
}

template <class Clock>
bool expires() {
    using namespace std::chrono_literals;
    cachetory::memory_backend<int, Clock> cache;
    cache.set("dead", 1, {.time_to_live = -1h});
    cache.set("alive", 2, {.time_to_live = 1h});
    return !cache.contains("dead") && cache.contains("alive");
}

int failures = 0;

void check(const char* what, bool holds) {
    std::printf("%s: %s\n", what, holds ? "yes" : "NO");
    failures += holds ? 0 : 1;
}

} // namespace

int main() {
#if defined(__linux__)
    check("the hash throws without entropy", throws_without_entropy());
#endif
    has_entropy = true;
    check("the hash works once there is entropy", !throws_without_entropy());
    check("steady_clock expires entries", expires<std::chrono::steady_clock>());
    check("system_clock expires entries", expires<std::chrono::system_clock>());
    return failures;
}
