#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: readme.sh quick_start|promises
#        readme.sh snippets SCRATCH COMPILER FLAG...
#
# Holds the README to its word. Exit status 77: skipped.
set -eu

tests=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$tests")
readme=$root/README.md

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# block N: the N-th block of C++
block() {
  awk -v n="$1" '/^```/ { inside = /^```cpp$/ && ++count == n; next } inside' "$readme"
}

# The first block is an example that is built and run, but for the line with its licence.
quick_start() {
  [ -n "$(block 1)" ] || fail 'there is no block of C++'
  { echo '// SPDX-License-Identifier: MIT' && block 1; } | diff - "$root/examples/quick_start.cpp" ||
    fail 'the first block is not examples/quick_start.cpp'
}

# as_body FILE: what is in it as the body of a function, or of a coroutine, below its #includes
as_body() {
  grep '^#include' "$1" || :
  if grep -q co_await "$1"; then
    echo '#include "support/coroutine.hpp"'
    echo 'support::task snippet();'
    echo 'support::task snippet() {'
  else
    echo 'void snippet();'
    echo 'void snippet() {'
  fi
  grep -v '^#include' "$1"
  echo '}'
}

# Each block compiles without a warning, as it stands or as the body of a function.
snippets() {
  mkdir -p "$1"
  cd "$1"
  shift
  n=1
  while
    block $n >whole.cpp
    [ -s whole.cpp ]
  do
    as_body whole.cpp >body.cpp
    if ! "$@" -fsyntax-only whole.cpp 2>whole.log && ! "$@" -fsyntax-only body.cpp 2>body.log; then
      cat whole.log body.log >&2
      fail "block $n does not compile, neither as it stands nor as the body of a function"
    fi
    n=$((n + 1))
  done
  [ $n -gt 1 ] || fail 'there is no block of C++'
  echo "$((n - 1)) blocks compile"
}

# The lines of the section whose heading speaks of guarantees or promises.
section() {
  awk '/^```/ { code = !code }
       /^#/ && !code { inside = tolower($0) ~ /guarantee|promise/; next }
       inside' "$readme"
}

# The names of all tests, one a line, those in more than one string literal put together.
test_names() {
  cat "$tests"/*.cpp "$tests"/CMakeLists.txt "$tests"/*/CMakeLists.txt | tr '\n' ' ' | sed 's/" *"//g' |
    grep -oE '(TEST_CASE|TEMPLATE_TEST_CASE|script_test|add_test)\( *(NAME *)?"[^"]*"' | sed 's/^[^"]*"//; s/"$//'
}

# Each row of the table of guarantees names, in its last column, tests that there are.
promises() {
  rows=$(section | sed -n 's/^|.*|\([^|]*`[^|]*\)|$/\1/p')
  if [ -z "$rows" ]; then
    echo 'skipped: there is no table of guarantees'
    exit 77
  fi
  [ "$(echo "$rows" | wc -l)" -ge 10 ] || fail 'fewer than 10 guarantees name a test'
  known=$(test_names)
  missing=$(echo "$rows" | grep -o '`[^`]*`' | tr -d '`' | while read -r name; do
    echo "$known" | grep -qxF -e "$name" || echo "  $name"
  done)
  [ -z "$missing" ] || fail "there are no such tests:
$missing"
  echo "$(echo "$rows" | wc -l) guarantees name their tests"
}

"$@"
