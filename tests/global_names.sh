#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: global_names.sh COMPILER
#
# A header of ours brings into a program only the standard headers that it includes: no other header,
# because those of the system declare names in the global namespace (pause, link, access), and no
# macro but our own. The headers for Redis are excepted.
set -eu

preprocess="$1 -std=c++20 -E -I . -x c++"
cd "$(dirname "$0")/../include"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# files: the files that a preprocessed text comes from, except ours, whose paths are relative
files() {
  sed -n 's/^# [0-9][0-9]* "\(\/[^"]*\)".*/\1/p' | sort -u
}

# standard HEADER: lines that include the same standard headers as HEADER and our headers in it, and
# <sys/random.h>, which is allowed because it declares only two functions
standard() {
  $preprocess -dI "$1" |
    awk '/^# [0-9]+ "/ { ours = $3 !~ /^"\// } ours && /^#include <([a-z_]*|sys\/random\.h)>/ { print $1, $2 }' | sort -u
}

# macros: the names of all macros that are defined at the end of the input
macros() {
  $preprocess -dM - | sed 's/^#define \([A-Za-z0-9_]*\).*/\1/' | sort
}

status=0
for header in $(find cachetory -name '*.hpp' ! -path '*redis*' | sort); do
  standard "$header" >"$scratch/standard"
  for what in files macros; do
    if [ $what = files ]; then
      $preprocess "$header" | files >"$scratch/with"
      $preprocess - <"$scratch/standard" | files >"$scratch/without"
    else
      echo "#include <$header>" | macros >"$scratch/with"
      macros <"$scratch/standard" >"$scratch/without"
    fi
    more=$(comm -23 "$scratch/with" "$scratch/without" | grep -v '^CACHETORY_' | head -n 10)
    if [ -n "$more" ]; then
      echo "FAILED: $header brings these $what, or more:" $more >&2
      status=1
      break
    fi
  done
done
exit $status
