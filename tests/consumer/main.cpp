// SPDX-License-Identifier: MIT
//
// A program that uses the library from outside this repository: see consume.sh.
#include <cachetory/async_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <cachetory/version.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

namespace {

class fibonacci {
public:
    std::uint64_t operator()(unsigned n) {
        return known_.get_or_set(std::to_string(n),
                                 [&] { return n < 2 ? n : (*this)(n - 1) + (*this)(n - 2); });
    }

    std::size_t known() const { return known_.size(); }

private:
    cachetory::memory_backend<std::uint64_t> known_;
};

} // namespace

int main() {
    fibonacci number;
    cachetory::async_memory_backend<std::string> async;
    async.set("greeting", "Hello", {.time_to_live = std::chrono::hours(1)}).get();

    std::cout << async.get("greeting").get() << " from cachetory " << CACHETORY_VERSION_MAJOR << '.'
              << CACHETORY_VERSION_MINOR << '.' << CACHETORY_VERSION_PATCH
              << ": the 90th Fibonacci number is " << number(90) << ", " << number.known()
              << " are known\n";
}
