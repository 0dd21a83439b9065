// SPDX-License-Identifier: MIT
// Numbers kept as text: what serialized_backend costs.
#include "workload.hpp"

#include <cachetory/memory_backend.hpp>
#include <cachetory/serialized_backend.hpp>

#include <benchmark/benchmark.h>
#include <charconv>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bench {
namespace {

using numbers = cachetory::memory_backend<int>;
using texts = cachetory::memory_backend<std::string>;
using serialized = cachetory::serialized_backend<int, texts>;

constexpr int number_of(std::size_t i) { return int(1'000'000 + i); }

/// `ask(cache, key)` returns a number or 0.
template <class Cache, class Ask>
void add(const shape& of, std::string_view contender, Ask ask) {
    const auto cache = std::make_shared<Cache>();
    const auto position = std::make_shared<std::size_t>(0);
    add_benchmark(name("serialized_find", of, sizeof(int), contender),
                  [=](benchmark::State& state) {
                      const workload& work = workload_of(of);
                      if (*position == 0 && !cache->contains(work.stored[0])) {
                          for (std::size_t i = 0; i != work.stored.size(); ++i) {
                              if constexpr (std::is_same_v<Cache, texts>) {
                                  cache->set(work.stored[i], std::to_string(number_of(i)));
                              } else {
                                  cache->set(work.stored[i], number_of(i));
                              }
                          }
                      }
                      std::size_t missing = 0;
                      std::size_t i = *position;
                      for (auto _ : state) {
                          int found = ask(*cache, work.hits[i]);
                          benchmark::DoNotOptimize(found);
                          missing += std::size_t(found == 0);
                          if (++i == work.hits.size()) {
                              i = 0;
                          }
                      }
                      *position = i;
                      if (missing != 0) {
                          state.SkipWithError("a number was not found");
                      }
                  });
}

} // namespace

void add_serialized() {
    for (const std::size_t entries : {1000U, 100'000U}) {
        const shape of{12, entries};
        const auto find_number = [](auto& cache, std::string_view key) {
            const auto found = cache.find(key);
            return found ? *found : 0;
        };
        add<numbers>(of, "numbers", find_number);
        add<serialized>(of, "serialized", find_number);
        add<texts>(of, "by_hand", [](texts& cache, std::string_view key) {
            int number = 0;
            if (const std::string* const found = cache.find(key)) {
                std::from_chars(found->data(), found->data() + found->size(), number);
            }
            return number;
        });
    }
}

} // namespace bench
