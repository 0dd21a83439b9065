// SPDX-License-Identifier: MIT
#ifndef CACHETORY_VERSION_HPP
#define CACHETORY_VERSION_HPP

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "cachetory needs C++20: compile with -std=c++20 (g++, clang++) or /std:c++20 (MSVC)."
#include <cachetory-needs-c++20> // does not exist, so that the compiler stops here
#endif
#if !defined(__cpp_exceptions)
#error "cachetory needs exceptions: compile without -fno-exceptions (or with /EHsc, MSVC)."
#include <cachetory-needs-exceptions>
#endif

// An attribute of g++ and clang++. Other compilers would warn of it.
#if defined(__GNUC__)
#define CACHETORY_GNU(attribute) [[gnu::attribute]]
#else
#define CACHETORY_GNU(attribute)
#endif

// The single source of the version: CMake reads these three lines.
#define CACHETORY_VERSION_MAJOR 0
#define CACHETORY_VERSION_MINOR 2
#define CACHETORY_VERSION_PATCH 0

/// One number to compare with: 1.2.3 is 10203.
#define CACHETORY_VERSION                                                                          \
    (CACHETORY_VERSION_MAJOR * 10000 + CACHETORY_VERSION_MINOR * 100 + CACHETORY_VERSION_PATCH)

#endif
