// SPDX-License-Identifier: MIT
// Runs every file of a folder as the fuzzer would. This is an ordinary test, for any compiler.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: replay FOLDER\n";
        return 2;
    }
    int files = 0;
    for (const auto& each : std::filesystem::directory_iterator(argv[1])) {
        std::cout << each.path() << std::endl; // flushed, because the next may end the program
        std::ifstream file(each.path(), std::ios::binary);
        const std::vector<char> chars{std::istreambuf_iterator(file), {}};
        const std::vector<std::uint8_t> bytes(chars.begin(), chars.end());
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        ++files;
    }
    std::cout << files << " files\n";
    return files == 0 ? 1 : 0;
}
