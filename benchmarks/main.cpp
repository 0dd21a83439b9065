// SPDX-License-Identifier: MIT
// cachetory beside what people would use instead. report.py runs this and reads what it finds;
// --help lists the options for running it alone.
#include "workload.hpp"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <fmt/core.h>
#include <thread>

namespace {

void describe(const char* peer, const char* version, const char* package) {
    if (version != nullptr) {
        benchmark::AddCustomContext(peer, version);
    } else {
        benchmark::AddCustomContext(peer, "left out");
        fmt::print(stderr, "{} is left out: {} was not installed at the build\n", peer, package);
    }
}

} // namespace

int main(int argc, char** argv) {
    // The C library locks more cheaply in a process that has never had a second thread. Those that
    // need locks have had one.
    std::thread([] {}).join();

    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
#if defined(__clang__)
    benchmark::AddCustomContext("compiler", fmt::format("clang {}.{}.{}", __clang_major__,
                                                        __clang_minor__, __clang_patchlevel__));
#elif defined(__GNUC__)
    benchmark::AddCustomContext(
        "compiler", fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__));
#endif
    const char* poco = nullptr;
    const char* boost = nullptr;
#if defined(CACHETORY_BENCHMARK_POCO)
    poco = CACHETORY_BENCHMARK_POCO;
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    boost = CACHETORY_BENCHMARK_BOOST;
#endif
    describe("Poco::UniqueExpireCache", poco, "Poco");
    describe("boost::unordered_flat_map", boost, "Boost 1.81 or newer");

    bench::add_look_ups();
    bench::add_changes();
    bench::add_whole_caches();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
