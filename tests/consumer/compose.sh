#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: compose.sh CASE SCRATCH COMPILER
#
# The library as a part of a larger project that does more with it than link it. Works in the folder
# SCRATCH. Exit status 77: skipped, because this machine lacks what the case needs.
set -eu

case=$1
scratch=$2
cxx=$3
. "$(dirname "$0")/common.sh"

# project FOLDER: begins a project there; the rest of its CMakeLists.txt comes from the input
project() {
  mkdir -p "$1"
  {
    echo 'cmake_minimum_required(VERSION 3.25)'
    echo "project($(basename "$1") VERSION 1.0 LANGUAGES CXX)"
    cat
  } >"$1/CMakeLists.txt"
  echo '#include <cachetory/version.hpp>' >"$1/part.cpp"
  echo '#include <cachetory/version.hpp>
int main() {}' >"$1/main.cpp"
}

# build PROJECT FOLDER [OPTION...]: builds it in FOLDER, and fails if CMake warns
build() {
  from=$1
  to=$2
  shift 2
  quietly cmake -S "$from" -B "$to" -DCMAKE_CXX_COMPILER="$cxx" "$@"
  if grep Warning log; then
    cat log >&2
    fail "$from makes CMake warn"
  fi
  quietly cmake --build "$to"
}

# The flags are quoted for a shell, so eval must read them.
includes_by_pkg_config() {
  echo '#include <cachetory/version.hpp>' >by_pkg_config.cpp
  eval "quietly '$cxx' -std=c++20 -fsyntax-only by_pkg_config.cpp $(pkg-config --cflags cachetory)"
}

# The parent has a library that links ours. It installs and exports that library, and exports it from
# its build folder. A child uses both. The parent installs our library or not; if not, the child
# finds it elsewhere.
exported() {
  copy_library parent/cachetory
  project parent <<EOF
add_subdirectory(cachetory)
$1
install(TARGETS part EXPORT parent)
install(EXPORT parent NAMESPACE parent:: FILE parent-targets.cmake DESTINATION share/cmake/parent)
install(FILES parent-config.cmake DESTINATION share/cmake/parent)
export(TARGETS part NAMESPACE parent:: FILE parent-targets.cmake)
configure_file(parent-config.cmake . COPYONLY)
EOF
  cat >parent/parent-config.cmake <<'EOF'
include(CMakeFindDependencyMacro)
find_dependency(cachetory)
include(${CMAKE_CURRENT_LIST_DIR}/parent-targets.cmake)
EOF
  project child <<'EOF'
find_package(parent REQUIRED)
add_executable(child main.cpp)
target_link_libraries(child PRIVATE parent::part)
EOF
  install_library elsewhere
  for install in OFF ON; do
    build parent build/parent-$install -DCACHETORY_INSTALL=$install
    quietly cmake --install build/parent-$install --prefix "$PWD/with-$install"
  done
  [ ! -d with-OFF/include ] || fail 'the headers are installed without CACHETORY_INSTALL'
  build child build/child-1 -DCMAKE_PREFIX_PATH="$PWD/with-OFF;$PWD/elsewhere"
  build child build/child-2 -DCMAKE_PREFIX_PATH="$PWD/with-ON"
  build child build/child-3 -DCMAKE_PREFIX_PATH="$PWD/build/parent-OFF;$PWD/elsewhere"
  build child build/child-4 -DCMAKE_PREFIX_PATH="$PWD/build/parent-ON;$PWD/build/parent-ON/cachetory"
}

compose() {
  case $case in
  'a static library that links it is exported')
    exported 'add_library(part STATIC part.cpp)
              target_link_libraries(part PUBLIC cachetory::cachetory)'
    ;;
  'an interface library that links it is exported')
    exported 'add_library(part INTERFACE)
              target_link_libraries(part INTERFACE cachetory::cachetory)'
    ;;
  'it is added twice')
    for part in one two; do
      copy_library parent/$part/cachetory
      project parent/$part <<'EOF'
add_subdirectory(cachetory)
EOF
    done
    project parent <<'EOF'
add_subdirectory(one)
add_subdirectory(two)
add_executable(parent main.cpp)
target_link_libraries(parent PRIVATE cachetory::cachetory)
EOF
    build parent build/without
    build parent build/with -DCACHETORY_INSTALL=ON
    ;;
  'it is found and then added')
    copy_library parent/cachetory
    project parent <<'EOF'
find_package(cachetory REQUIRED)
add_subdirectory(cachetory)
add_executable(parent main.cpp)
target_link_libraries(parent PRIVATE cachetory::cachetory)
EOF
    install_library elsewhere
    build parent build/parent -DCMAKE_PREFIX_PATH="$PWD/elsewhere"
    ;;
  'it is added and then found')
    copy_library parent/cachetory
    project parent <<'EOF'
add_subdirectory(cachetory)
find_package(cachetory REQUIRED)
add_executable(parent main.cpp)
target_link_libraries(parent PRIVATE cachetory::cachetory)
EOF
    install_library elsewhere
    build parent build/without -DCMAKE_PREFIX_PATH="$PWD/elsewhere"
    build parent build/with -DCMAKE_PREFIX_PATH="$PWD/elsewhere" -DCACHETORY_INSTALL=ON
    ;;
  'it is fetched in place of what is found')
    copy_library library
    project parent <<EOF
include(FetchContent)
FetchContent_Declare(cachetory SOURCE_DIR "$PWD/library" OVERRIDE_FIND_PACKAGE)
find_package(cachetory REQUIRED)
find_package(cachetory REQUIRED)
add_executable(parent main.cpp)
target_link_libraries(parent PRIVATE cachetory::cachetory)
EOF
    build parent build/parent
    ;;
  'its headers come as those of the system')
    copy_library parent/cachetory
    echo 'inline int narrowed(double x) { return x; }' >>parent/cachetory/include/cachetory/version.hpp
    project parent <<'EOF'
add_subdirectory(cachetory)
add_executable(parent main.cpp)
target_link_libraries(parent PRIVATE cachetory::cachetory)
target_compile_options(parent PRIVATE -Wconversion -Werror)
EOF
    build parent build/parent
    ;;
  'it is installed to other folders')
    install_library elsewhere -DCMAKE_INSTALL_INCLUDEDIR=headers -DCMAKE_INSTALL_DATADIR=lib/data
    unexpected=$(find elsewhere -type f ! -path 'elsewhere/headers/*' ! -path 'elsewhere/lib/data/*')
    [ -z "$unexpected" ] || fail "installed elsewhere: $unexpected"
    project child <<'EOF'
find_package(cachetory REQUIRED)
add_executable(child main.cpp)
target_link_libraries(child PRIVATE cachetory::cachetory)
EOF
    build child build/child -Dcachetory_DIR="$PWD/elsewhere/lib/data/cmake/cachetory"
    need pkg-config pkg-config
    export PKG_CONFIG_PATH="$PWD/elsewhere/lib/data/pkgconfig"
    includes_by_pkg_config
    ;;
  'pkg-config leaves out what every compiler searches')
    need pkg-config pkg-config
    copy_library library
    quietly cmake -S library --preset install -DCMAKE_CXX_COMPILER="$cxx"
    for prefix in /usr /opt/cachetory; do
      DESTDIR="$PWD/image" quietly cmake --install library/build/install --prefix $prefix
    done
    export PKG_CONFIG_PATH="$PWD/image/usr/share/pkgconfig"
    flags=$(pkg-config --cflags cachetory | tr -d ' ')
    [ -z "$flags" ] || fail "in /usr it needs no flags, but it has $flags"
    export PKG_CONFIG_PATH="$PWD/image/opt/cachetory/share/pkgconfig"
    includes_by_pkg_config
    ;;
  'the prefix has a space in it')
    need pkg-config pkg-config
    install_library 'a prefix'
    export PKG_CONFIG_PATH="$PWD/a prefix/share/pkgconfig"
    includes_by_pkg_config
    project child <<'EOF'
find_package(cachetory REQUIRED)
add_executable(child main.cpp)
target_link_libraries(child PRIVATE cachetory::cachetory)
EOF
    build child build/child -DCMAKE_PREFIX_PATH="$PWD/a prefix"
    ;;
  *) fail "no such case: $case" ;;
  esac
}

need cmake cmake
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
compose
