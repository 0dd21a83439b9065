# SPDX-License-Identifier: MIT
# What consume.sh and compose.sh share. Sourced by them, in a POSIX shell with -eu.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export GIT_CONFIG_GLOBAL=/dev/null # ignores the user's settings, for example signing
unset CMAKE_PREFIX_PATH cachetory_DIR CXXFLAGS DESTDIR 2>/dev/null || :

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# need COMMAND PACKAGE: if there is no such command, skips the test and says what to install
need() {
  if ! command -v "$1" >/dev/null; then
    echo "skipped: there is no $1 (on Debian: apt install $2)"
    exit 77
  fi
}

# quietly COMMAND...: shows the output only if the command fails
quietly() {
  "$@" >log 2>&1 || {
    cat log >&2
    fail "$*"
  }
}

# copy_library FOLDER: the library as it stands in this tree, committed or not, without its tests,
# examples and .git
copy_library() {
  mkdir -p "$1"
  cp -R "$root/CMakeLists.txt" "$root/CMakePresets.json" "$root/cmake" "$root/include" "$1"
}

# install_library FOLDER [OPTION...]: installs the library as docs/install.md says, and then moves
# it, because its place must not matter
install_library() {
  need cmake cmake
  moved=$1
  shift
  copy_library library
  quietly cmake -S library --preset install -DCMAKE_CXX_COMPILER="$cxx" "$@"
  quietly cmake --install library/build/install --prefix "$PWD/installed"
  mv installed "$moved"
  rm -r library
  if grep -rF "$PWD" "$moved"; then
    fail 'an installed file names the folder it was installed to'
  fi
}

# version_of_headers: the version in the headers, for example 0.2.0
version_of_headers() {
  for part in MAJOR MINOR PATCH; do
    sed -n "s/.*define CACHETORY_VERSION_$part //p" "$root/include/cachetory/version.hpp"
  done | paste -sd . -
}
