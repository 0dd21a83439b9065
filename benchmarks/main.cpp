// SPDX-License-Identifier: MIT
// cachetory compared with the alternatives. report.py runs this and reads what it writes.
//
//     cachetory_benchmarks --out=FILE --turns=N [--only=REGEX] ...
//
// All matching benchmarks take turns, in a new order each time, so the runs of one turn follow each
// other within milliseconds. A turn before the first warms up; it is reported only if N is 0.
//
//     cachetory_benchmarks --out=FILE --count=N [--only=REGEX] ...
//
// Runs each N and then 2 N times in cachetory_counted(), for callgrind: the difference is what N
// runs execute. With neither option, this is an ordinary Google Benchmark program.
#include "workload.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdio>
#include <fmt/core.h>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// Keeps the runs.
class collector : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }

    void ReportRuns(const std::vector<Run>& runs) override {
        runs_.insert(runs_.end(), runs.begin(), runs.end());
    }

    std::vector<Run> take() { return std::exchange(runs_, {}); }

private:
    std::vector<Run> runs_;
};

/// Runs the one benchmark of that name.
void run(collector& reporter, const std::string& name) {
    benchmark::RunSpecifiedBenchmarks(&reporter, '^' + name + '$');
}

std::vector<benchmark::BenchmarkReporter::Run> take_turns(collector& reporter, int turns) {
    benchmark::RunSpecifiedBenchmarks(&reporter);
    std::vector<benchmark::BenchmarkReporter::Run> all = reporter.take();
    std::vector<std::string> names;
    for (const auto& warm_up : all) {
        names.push_back(warm_up.benchmark_name());
    }
    if (turns != 0) {
        all.clear();
    }
    std::mt19937 random(std::random_device{}());
    for (int turn = 0; turn != turns; ++turn) {
        std::shuffle(names.begin(), names.end(), random);
        for (const std::string& name : names) {
            run(reporter, name);
        }
        for (auto& each : reporter.take()) {
            each.repetition_index = turn;
            all.push_back(std::move(each));
        }
    }
    return all;
}

} // namespace

/// callgrind finds this function by its name.
extern "C" __attribute__((noinline)) void cachetory_counted(collector& reporter,
                                                            const std::string& spec) {
    benchmark::RunSpecifiedBenchmarks(&reporter, spec);
}

namespace {

std::vector<benchmark::BenchmarkReporter::Run> count(collector& reporter, int times) {
    const auto iterations = [](int each) {
        for (benchmark::internal::Benchmark* one : bench::all_benchmarks()) {
            one->Iterations(each);
        }
    };
    iterations(1);
    benchmark::RunSpecifiedBenchmarks(&reporter); // which fills the caches
    std::vector<std::string> names;
    for (const auto& warm_up : reporter.take()) {
        names.push_back(warm_up.run_name.function_name);
    }
    for (const int each : {times, 2 * times}) {
        iterations(each);
        for (const std::string& name : names) {
            cachetory_counted(reporter, '^' + name + '/');
        }
    }
    return reporter.take();
}

void write(const std::string& path, const std::vector<benchmark::BenchmarkReporter::Run>& runs) {
    std::ofstream file(path);
    benchmark::JSONReporter json;
    json.SetOutputStream(&file);
    json.ReportContext(benchmark::BenchmarkReporter::Context());
    json.ReportRuns(runs);
    json.Finalize();
}

void describe(const char* peer, const char* version, const char* package) {
    benchmark::AddCustomContext(peer, version != nullptr ? version : "left out");
    if (version == nullptr) {
        fmt::print(stderr, "{} is left out: {} was not installed when this was built\n", peer,
                   package);
    }
}

/// Removes `--<name>=<value>` from the arguments and returns the value.
std::optional<std::string> take_option(int& argc, char** argv, std::string_view name) {
    const std::string prefix = fmt::format("--{}=", name);
    char** const end = argv + argc;
    char** const found = std::find_if(
        argv, end, [&](const char* each) { return std::string_view(each).starts_with(prefix); });
    if (found == end) {
        return std::nullopt;
    }
    const std::string value = *found + prefix.size();
    std::copy(found + 1, end, found);
    --argc;
    return value;
}

} // namespace

int main(int argc, char** argv) {
    // The C library locks more cheaply in a process that has never had a second thread. Programs
    // that need locks have had one.
    std::thread([] {}).join();

    const std::optional<std::string> out = take_option(argc, argv, "out");
    bench::wanted() = take_option(argc, argv, "only").value_or("");
    const std::optional<std::string> turns = take_option(argc, argv, "turns");
    const std::optional<std::string> counted = take_option(argc, argv, "count");
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
    const char* boost_concurrent = nullptr;
    const char* tbb = nullptr;
    const char* redis = nullptr;
#if defined(CACHETORY_BENCHMARK_POCO)
    poco = CACHETORY_BENCHMARK_POCO;
#endif
#if defined(CACHETORY_BENCHMARK_BOOST)
    boost = CACHETORY_BENCHMARK_BOOST;
#endif
#if defined(CACHETORY_BENCHMARK_BOOST_CONCURRENT)
    boost_concurrent = CACHETORY_BENCHMARK_BOOST_CONCURRENT;
#endif
#if defined(CACHETORY_BENCHMARK_TBB)
    tbb = CACHETORY_BENCHMARK_TBB;
#endif
#if defined(CACHETORY_BENCHMARK_REDIS)
    redis = CACHETORY_BENCHMARK_REDIS;
    bench::add_redis();
#endif
    describe("Poco's caches", poco, "libpoco-dev");
    describe("boost::unordered_flat_map", boost, "Boost 1.81 or newer");
    describe("boost::concurrent_flat_map", boost_concurrent, "Boost 1.83 or newer");
    describe("tbb::concurrent_hash_map", tbb, "libtbb-dev");
    describe("Redis", redis, "libhiredis-dev or redis-server");

    bench::add_look_ups();
    bench::add_threads();
    bench::add_changes();
    bench::add_whole_caches();
    bench::add_bounded();
    bench::add_serialized();
    if (!out) {
        benchmark::RunSpecifiedBenchmarks();
    } else {
        collector reporter;
        const auto runs = counted ? count(reporter, std::stoi(*counted))
                                  : take_turns(reporter, std::stoi(turns.value_or("10")));
        write(*out, runs);
    }
    benchmark::Shutdown();
    return 0;
}
