// SPDX-License-Identifier: MIT
//
// Compiles the hash as for a system that has <sys/random.h>, but not the function, such as Android
// before API 28.
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif

#pragma GCC poison getentropy
#if !defined(__ANDROID__)
#define __ANDROID__ // NOLINT
#endif

#include <cachetory/string_hash.hpp>

std::size_t hash_of(std::string_view key);

std::size_t hash_of(std::string_view key) { return cachetory::string_hash()(key); }
