#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: header_weight.sh COMPILER
#
# Including memory_backend.hpp costs little more than the standard headers that it needs, and it
# includes none of the heavy ones.
set -eu

preprocess="$1 -std=c++20 -E -I .. -x c++"
cd "$(dirname "$0")/../include/cachetory"

# The standard headers that it and our other headers include. Ours are the files with a relative
# path. Lines after an #if count only if its condition holds here.
standard=$($preprocess -dI memory_backend.hpp |
  awk '/^# [0-9]+ "/ { ours = $3 !~ /^"\// } ours && /^#include </ { print $2 }' | sort -u)

for heavy in functional future iostream memory random thread; do
  case $standard in *"<$heavy>"*)
    echo "FAILED: <$heavy> is too heavy" >&2
    exit 1
    ;;
  esac
done

without=$(for header in $standard; do echo "#include $header"; done | $preprocess -P - | wc -l)
with=$($preprocess -P memory_backend.hpp | wc -l)
echo "$with lines, $((with * 100 / without)) % of" $standard
if [ $((with * 100)) -gt $((without * 110)) ]; then
  echo 'FAILED: more than 110 %' >&2
  exit 1
fi
