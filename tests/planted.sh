#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: planted.sh COMPILER [NAME...]
#
# Checks that the tests find faults. Each planted/NAME.patch breaks a copy of the headers, and its
# first line says what it breaks and which test has to find that:
#
#   # WHAT; found by FILE: TEST CASE
#
# That test is built as a separate program, which must pass with the headers as they are, and fail
# with the broken ones. This takes minutes, so it is not part of ctest.
set -eu

compiler=$1
shift
cd "$(dirname "$0")"
[ $# -ne 0 ] || set -- $(ls planted | sed 's/[.]patch$//')
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

mkdir "$scratch/docs"
sh docs.sh block docs/new-backend.md 1 >"$scratch/docs/map_backend.hpp"
catch=-lCatch2WithMain
if echo '#include <catch2/catch_all.hpp>' | $compiler -E -x c++ - >/dev/null 2>&1; then
  catch='-lCatch2Main -lCatch2'
fi

compile="$compiler -std=c++20 -O0 -I. -I$scratch/docs"
$compile -c support/allocations.cpp -o "$scratch/allocations.o"

# build INCLUDE_DIRECTORY FILE PROGRAM: FILE is one of the tests
build() {
  $compile -I"$1" -c "$2" -o "$3.o" && $compiler "$3.o" "$scratch/allocations.o" -o "$3" $catch -pthread
}

# run PROGRAM ARGUMENT: with the status of the program. One that has found the fault may crash, but
# one that hangs has found nothing.
run() {
  status=0
  timeout 300 "$1" "$2" >"$scratch/output" 2>&1 || status=$?
  [ $status -ne 124 ] || echo "$1 does not end" >>"$scratch/output"
  return $status
}

# good FILE ARGUMENT: whether the test passes with the headers as they are; each runs only once
good() {
  known=$scratch/$(echo "$1 $2" | tr -c 'a-zA-Z0-9\n' _)
  [ -e "$known" ] || {
    build ../include "$1" "$scratch/good" && run "$scratch/good" "$2" && ! grep -q '^No test' "$scratch/output" &&
      touch "$known"
  }
}

# verdict PATCH: whether the fault was found
verdict() {
  first=$(head -n 1 "$1")
  test=${first#*; found by }
  file=${test%%: *}
  argument=${test#*: }
  case $file in
    fuzz/*) ;;                                              # a folder
    *) argument=$(echo "$argument" | sed 's/,/\\,/g')'*' ;; # a test case, of each backend or type
  esac
  rm -rf "$scratch/include"
  cp -R ../include "$scratch/include"
  : >"$scratch/output"
  if ! good "$file" "$argument" >"$scratch/log" 2>&1; then
    cat "$scratch/log" "$scratch/output" >&2
    echo 'FAILED, the test does not pass with the headers as they are'
  elif ! patch -p1 -d "$scratch" <"$1" >"$scratch/log" 2>&1; then
    cat "$scratch/log" >&2
    echo 'FAILED, the patch does not apply'
  elif ! build "$scratch/include" "$file" "$scratch/broken" >"$scratch/log" 2>&1; then
    cat "$scratch/log" >&2
    echo 'FAILED, the broken headers do not compile'
  elif run "$scratch/broken" "$argument" || [ $status -eq 124 ]; then
    echo 'FAILED, not found'
  else
    echo 'found'
  fi
}

missed=0
for name; do
  outcome=$(verdict "planted/$name.patch")
  echo "$outcome: $(head -n 1 "planted/$name.patch" | sed 's/^# //; s/; found by / (/; s/$/)/')"
  [ "$outcome" = found ] || missed=$((missed + 1))
done
echo "$# faults, $missed not found"
[ $missed -eq 0 ]
