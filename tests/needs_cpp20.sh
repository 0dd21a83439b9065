#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: needs_cpp20.sh COMPILER
#
# Whichever header an older program includes first, the first error tells what is amiss.
set -eu

cxx=$1
cd "$(dirname "$0")/../include"
status=0
for header in cachetory/*.hpp; do
  first=$(echo "#include <$header>" | "$cxx" -std=c++17 -fsyntax-only -I . -x c++ - 2>&1 | grep -m 1 error || :)
  case $first in
  *'cachetory needs C++20: compile with -std=c++20'*) ;;
  *)
    echo "FAILED: $header begins with: ${first:-no error at all}" >&2
    status=1
    ;;
  esac
done
exit $status
