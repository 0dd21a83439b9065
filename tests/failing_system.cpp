// SPDX-License-Identifier: MIT
//
// A program of its own, for [promise-13], in which functions of the system fail. Without the coarse
// clocks, the precise ones decide. Without entropy, making a hash throws, because its key could be
// guessed.
#include <cachetory/concurrent_memory_backend.hpp>
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

/// Whether making a `Made` throws.
template <class Made>
bool throws(auto... arguments) {
    try {
        [[maybe_unused]] const Made made(arguments...);
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
    using alone = cachetory::memory_backend<int>;
    using shared = cachetory::concurrent_memory_backend<int>;
    using bounded_alone = cachetory::bounded_memory_backend<int>;
    using bounded_shared = cachetory::bounded_concurrent_memory_backend<int>;
#if defined(__linux__)
    check("a hash throws without entropy", throws<cachetory::string_hash>());
    check("a cache throws without entropy", throws<alone>());
    check("a shared cache throws without entropy", throws<shared>());
    check("a bounded cache throws without entropy", throws<bounded_alone>(100U));
    check("a bounded shared cache throws without entropy", throws<bounded_shared>(100U));
#endif
    has_entropy = true;
    check("a hash works once there is entropy", !throws<cachetory::string_hash>());
    check("a cache works once there is entropy", !throws<alone>());
    check("a shared cache works once there is entropy", !throws<shared>());
    check("a bounded cache works once there is entropy", !throws<bounded_alone>(100U));
    check("a bounded shared cache works once there is entropy", !throws<bounded_shared>(100U));
    check("steady_clock expires entries", expires<std::chrono::steady_clock>());
    check("system_clock expires entries", expires<std::chrono::system_clock>());
    return failures;
}
