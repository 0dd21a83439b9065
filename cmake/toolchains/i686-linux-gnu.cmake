# SPDX-License-Identifier: MIT
# For 32-bit x86, from Debian: g++-i686-linux-gnu. An x86-64 machine runs the programs. With SSE2,
# because the x87 unit rounds differently at run time and at compile time.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_CXX_COMPILER i686-linux-gnu-g++)
set(CMAKE_CXX_FLAGS_INIT "-msse2 -mfpmath=sse")
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_FIND_ROOT_PATH /usr/i686-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
