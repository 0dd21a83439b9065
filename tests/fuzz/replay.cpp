// SPDX-License-Identifier: MIT
// Runs every file of a folder as the fuzzer would. This is an ordinary test, for any compiler.
#include "operations.hpp"

#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: replay FOLDER\n";
        return 2;
    }
    int failures = 0;
    int files = 0;
    try {
        for (const auto& each : std::filesystem::directory_iterator(argv[1])) {
            std::cout << each.path() << std::endl; // flushed, because the next may end the program
            std::ifstream file(each.path(), std::ios::binary);
            const std::vector<char> chars{std::istreambuf_iterator(file), {}};
            ++files;
            try {
                fuzz::run(std::vector<std::uint8_t>(chars.begin(), chars.end()));
            } catch (const std::exception& error) {
                std::cout << "FAILED: " << error.what() << '\n';
                ++failures;
            }
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    std::cout << files << " files, " << failures << " failures\n";
    return files == 0 || failures != 0 ? 1 : 0;
}
