// SPDX-License-Identifier: MIT
// For libFuzzer. An exception that escapes ends the program, and libFuzzer keeps the input.
#include "operations.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run({data, size});
    return 0;
}
