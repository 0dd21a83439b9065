// SPDX-License-Identifier: MIT
// How many of its requests a bounded cache answers, compared with textbook caches of the same size.
#include "requests.hpp"
#include "textbook.hpp"

#include <cachetory/memory_backend.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fmt/core.h>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace bench {
namespace {

constexpr std::string_view usage = R"(usage: cachetory_hit_ratio [option...] [file...]

Replays requests on bounded caches and prints their hit ratios, in per cent. A file has one key a
line; - is the standard input. Without a file, the requests are generated: 1,000,000 for 100,000
keys whose popularity follows Zipf's law.

  --entries N     the size of the caches; may be repeated
  --percent X     the same, in per cent of the keys. Without either: 1, 5, 10, 25
  --zipf X        the exponent of that law, 0.9 by default
  --keys N, --requests N
  --once SHARE    the share of requests (0.3, say) for keys that are never asked for again
  --scans N       runs of N such keys, in total as many as the other requests
  --drift N       after each N requests, two keys change places
  --csv           print trace,policy,entries,share,hit_ratio instead, for hit_ratio.py
)";

struct options {
    std::vector<std::size_t> entries;
    std::vector<double> percent;
    std::vector<std::string> files;
    zipf_shape zipf;
    bool csv = false;
    bool help = false;
};

template <class Number>
Number positive(const std::string& text) {
    Number value{};
    if (std::istringstream in(text); !(in >> value) || !in.eof() || text[0] == '-' || value <= 0) {
        throw std::invalid_argument("not a number above 0: " + text);
    }
    return value;
}

options parse(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    options parsed;
    for (auto word = words.begin(); word != words.end(); ++word) {
        const std::string& option = *word;
        const auto value = [&]() -> const std::string& {
            if (++word == words.end()) {
                throw std::invalid_argument(option + " needs a value");
            }
            return *word;
        };
        const auto size = [&] { return positive<std::size_t>(value()); };
        const auto real = [&] { return positive<double>(value()); };
        if (option == "--help") {
            parsed.help = true;
        } else if (option == "--entries") {
            parsed.entries.push_back(size());
        } else if (option == "--percent") {
            parsed.percent.push_back(real());
        } else if (option == "--zipf") {
            parsed.zipf.exponent = real();
        } else if (option == "--keys") {
            parsed.zipf.keys = size();
        } else if (option == "--requests") {
            parsed.zipf.count = size();
        } else if (option == "--once") {
            parsed.zipf.once = real();
        } else if (option == "--scans") {
            parsed.zipf.scan = size();
            parsed.zipf.scan_every = parsed.zipf.scan;
        } else if (option == "--drift") {
            parsed.zipf.drift_every = size();
        } else if (option == "--csv") {
            parsed.csv = true;
        } else if (option == "-" || option.substr(0, 1) != "-") {
            parsed.files.push_back(option);
        } else {
            throw std::invalid_argument("no such option: " + option);
        }
    }
    if (parsed.entries.empty() && parsed.percent.empty()) {
        parsed.percent = {1, 5, 10, 25};
    }
    return parsed;
}

requests read(std::istream& from, const std::string& name) {
    requests lines;
    for (std::string line; std::getline(from, line);) {
        lines.push_back(line);
    }
    if (lines.empty()) {
        throw std::runtime_error("no requests in " + name);
    }
    return lines;
}

requests read(const std::string& name) {
    if (name == "-") {
        return read(std::cin, "the standard input");
    }
    std::ifstream file(name);
    return read(file, name);
}

struct result {
    const char* policy;
    double hit_ratio;
};

std::vector<result> replay_all(const requests& all, std::size_t entries) {
    // Always the same hash key, so that the same requests lead to the same figure.
    const cachetory::string_hash hash({0x9e37'79b9'7f4a'7c15U, 0xbf58'476d'1ce4'e5b9U,
                                       0x94d0'49bb'1331'11ebU, 0xd1b5'4a32'd192'ed03U});
    return {{"cachetory", hit_ratio(cachetory::bounded_memory_backend<int>(entries, hash), all)},
            {"LRU", hit_ratio(textbook_lru<int>(entries), all)},
            {"FIFO", hit_ratio(textbook_fifo(entries), all)},
            {"random", hit_ratio(textbook_random(entries), all)},
            {"best possible", best_hit_ratio(entries, all)}};
}

void print_row(std::string_view first,
               std::string_view second,
               const std::vector<result>& results,
               auto cell) {
    fmt::print("| {} | {} |", first, second);
    for (const result& each : results) {
        fmt::print(" {} |", cell(each));
    }
    fmt::print("\n");
}

void report(const std::string& name, const requests& all, const options& chosen) {
    const std::size_t keys = std::unordered_set<std::string_view>(all.begin(), all.end()).size();
    std::vector<std::size_t> sizes = chosen.entries;
    for (const double percent : chosen.percent) {
        sizes.push_back(std::max<std::size_t>(1, std::size_t(double(keys) * percent / 100)));
    }
    bool first = true;
    for (const std::size_t entries : sizes) {
        const double share = 100 * double(entries) / double(keys);
        const std::vector<result> results = replay_all(all, entries);
        if (chosen.csv) {
            for (const auto& [policy, ratio] : results) {
                fmt::print("{},{},{},{:.4f},{:.3f}\n", name, policy, entries, share, ratio);
            }
            continue;
        }
        if (std::exchange(first, false)) {
            fmt::print("\n{}: {} requests for {} keys\n\n", name, all.size(), keys);
            print_row("entries", "of the keys", results,
                      [](const result& of) { return of.policy; });
            print_row("--:", "--:", results, [](const result&) { return "--:"; });
        }
        print_row(std::to_string(entries), fmt::format("{:.1f} %", share), results,
                  [](const result& of) { return fmt::format("{:.1f}", of.hit_ratio); });
    }
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        const bench::options chosen = bench::parse(argc, argv);
        if (chosen.help) {
            fmt::print("{}", bench::usage);
            return 0;
        }
        for (const std::string& file : chosen.files) {
            bench::report(file, bench::read(file), chosen);
        }
        if (chosen.files.empty()) {
            bench::report("made-up requests", bench::zipf(chosen.zipf), chosen);
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n\n{}", error.what(), bench::usage);
        return 2;
    }
    return 0;
}
