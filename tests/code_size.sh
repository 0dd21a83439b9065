#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: code_size.sh OLD_INCLUDE_FOLDER [COMPILER [FLAG...]]
#
# Prints the bytes of machine code that a call of find, get, set, erase and purge_expired of
# memory_backend takes, with the headers of OLD_INCLUDE_FOLDER and with those of this tree. This
# includes our functions that it calls, except what runs when get throws. Also prints the size of the
# backend. Fails if one has grown by more than 3 %; smaller differences appear when a compiler lays
# the same code out in another order. To get the old headers:
# git archive REVISION include | tar -x -C FOLDER
set -eu

old=$(cd "$1" && pwd)
shift
new=$(cd "$(dirname "$0")/../include" && pwd)
[ $# -gt 0 ] || set -- g++ -O2
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
status=0

# object INCLUDE WIRE CALL: compiles a function that makes one call
object() {
  cat >"$scratch/call.cpp" <<EOF
#include <cachetory/memory_backend.hpp>
#include <string>
char backend[sizeof(cachetory::memory_backend<$2>)];
auto call(cachetory::memory_backend<$2>& c, std::string_view key, [[maybe_unused]] $2& value) {
    return $3;
}
EOF
  $compiler -std=c++20 -c -I "$1" "$scratch/call.cpp" -o "$scratch/call.o"
}

# size KINDS: the bytes of those symbols of the object that are of these kinds
size() {
  sum=0
  for bytes in $(nm -CS --defined-only "$scratch/call.o" |
    awk -v kinds="$1" 'index(kinds, $3) && !/key_error|shared_string|throw_missing/ { print $2 }'); do
    sum=$((sum + 0x$bytes))
  done
  echo $sum
}

compiler=$*
for wire in int std::string; do
  for call in 'c.find(key)' 'c.get(key)' 'c.set(key, value)' 'c.erase(key)' 'c.purge_expired()'; do
    object "$old" $wire "$call"
    before=$(size tTwW)
    object_before=$(size bB)
    object "$new" $wire "$call"
    after=$(size tTwW)
    object_after=$(size bB)
    echo "memory_backend<$wire>, $object_before bytes, now $object_after: $call: $before bytes of code, now $after"
    [ $((after * 100)) -le $((before * 103)) ] && [ "$object_after" -le "$object_before" ] || status=1
  done
done
exit $status
