# SPDX-License-Identifier: MIT
# Warnings for the tests, the examples and the benchmarks.
if(MSVC)
  set(cachetory_warnings /W4 /EHsc)
else()
  set(cachetory_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast)
endif()
