# SPDX-License-Identifier: MIT
# Catch2 for another platform, or for another standard library: Debian's library is for this machine
# and libstdc++, but all of Catch2 2 is in one header.
if(NOT EXISTS /usr/include/catch2/catch.hpp)
  set(Catch2_FOUND FALSE)
  set(Catch2_NOT_FOUND_MESSAGE "/usr/include/catch2/catch.hpp is not there (Debian 12: apt install catch2)")
  return()
endif()
set(catch2_copy ${CMAKE_BINARY_DIR}/catch2_of_one_header)
file(COPY /usr/include/catch2 DESTINATION ${catch2_copy}) # other headers of this machine must not be seen
file(CONFIGURE OUTPUT ${catch2_copy}/main.cpp CONTENT "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
add_library(catch2_with_main STATIC ${catch2_copy}/main.cpp)
target_include_directories(catch2_with_main SYSTEM PUBLIC ${catch2_copy})
target_compile_features(catch2_with_main PUBLIC cxx_std_20)
add_library(Catch2::Catch2WithMain ALIAS catch2_with_main)
list(APPEND CMAKE_MODULE_PATH /usr/lib/cmake/Catch2) # for catch_discover_tests
