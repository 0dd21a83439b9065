#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: needs.sh COMPILER
#
# If a program is compiled for an older standard or without exceptions, then whichever header it
# includes first, the first error says what is wrong, and few other errors follow.
set -eu

cxx=$1
cd "$(dirname "$0")/../include"
status=0
# check MESSAGE FLAG...
check() {
  message=$1
  shift
  for header in $(find cachetory -name '*.hpp'); do
    output=$(echo "#include <$header>" | "$cxx" "$@" -fsyntax-only -I . -x c++ - 2>&1 || :)
    first=$(echo "$output" | grep -m 1 error || :)
    case $first in
    *"$message"*) ;;
    *)
      echo "FAILED: with $*, $header begins with: ${first:-no error at all}" >&2
      status=1
      ;;
    esac
    lines=$(echo "$output" | wc -l)
    if [ "$lines" -gt 12 ]; then
      echo "FAILED: with $*, $header prints $lines lines" >&2
      status=1
    fi
  done
}

check 'cachetory needs C++20: compile with -std=c++20' -std=c++17
check 'cachetory needs exceptions: compile without -fno-exceptions' -std=c++20 -fno-exceptions
exit $status
