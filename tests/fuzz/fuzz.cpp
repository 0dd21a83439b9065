// SPDX-License-Identifier: MIT
// For libFuzzer: whatever escapes ends the program, and the input is kept.
#include "operations.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run({data, size});
    return 0;
}
