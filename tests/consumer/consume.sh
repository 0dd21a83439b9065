#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: consume.sh WAY SCRATCH
#
# Uses the library in one of the five ways of docs/install.md, without anything else of this
# repository, with each installed compiler, and with the flags in the environment variable
# CONSUMER_FLAGS. Works in the folder SCRATCH. Exit status 77: skipped, because this machine lacks
# what the way needs.
set -eu

way=$1
scratch=$2
. "$(dirname "$0")/common.sh"
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast ${CONSUMER_FLAGS-}"

check_output() {
  expected="Hello from cachetory $(version_of_headers): the 90th Fibonacci number is 2880067194370816120, 91 are known"
  actual=$("$1")
  [ "$actual" = "$expected" ] || fail "$1 printed: $actual"
}

# compile FLAG...: compiles the program with nothing but a compiler
compile() {
  quietly "$cxx" -std=c++20 $warnings "$@" "$here/main.cpp" -o program
  check_output ./program
}

# build OPTION...: builds the project, and checks that only headers of the library come with it
build() {
  need cmake cmake
  cp "$here/main.cpp" "$here/CMakeLists.txt" project
  find project -type f -exec cksum {} + | sort >before
  quietly cmake -S project -B build -DCMAKE_CXX_COMPILER="$cxx" -DCONSUMER_WAY="$way" \
    -DCONSUMER_VERSION="$(version_of_headers)" -DCONSUMER_WARNINGS="$(echo "$warnings" | tr ' ' ';')" "$@"
  quietly cmake --build build
  check_output build/consumer

  ctest --test-dir build -N | grep -q 'Total Tests: 0' || fail 'tests of the library came along'
  quietly cmake --install build --prefix "$PWD/prefix"
  [ "$(cd prefix && find . -type f)" = ./bin/consumer ] || fail "other files are also installed: $(find prefix)"
  find project -type f -exec cksum {} + | sort | diff before - || fail 'the project was changed'
}

use() {
  mkdir project
  case $way in
  'copied include folder')
    cp -R "$root/include" .
    compile -I include
    ;;
  add_subdirectory)
    copy_library project/cachetory
    build
    ;;
  FetchContent)
    need git git
    copy_library library
    quietly git -C library init -q -b main
    quietly git -C library add .
    quietly git -C library -c user.name=nobody -c user.email=nobody@localhost commit -qm all
    build -DCONSUMER_URL="file://$PWD/library"
    ;;
  find_package)
    install_library moved
    build -DCMAKE_PREFIX_PATH="$PWD/moved"
    ;;
  pkg-config)
    need pkg-config pkg-config
    install_library moved
    export PKG_CONFIG_PATH="$PWD/moved/share/pkgconfig"
    pkg-config --exact-version="$(version_of_headers)" cachetory || fail 'pkg-config tells another version'
    eval "compile $(pkg-config --cflags cachetory)" # the flags are quoted for a shell
    ;;
  *) fail "no such way: $way" ;;
  esac
}

status=77
for cxx in g++ clang++; do
  if command -v "$cxx" >/dev/null; then
    rm -rf "$scratch"
    mkdir -p "$scratch"
    cd "$scratch"
    use
    echo "$cxx: good"
    status=0
  else
    echo "skipped: there is no $cxx"
  fi
done
exit $status
