#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: include_graph.sh [FOLDER]
#
# Prints which of our headers includes which, and compares that with the layers: a reader of a header
# needs to know nothing about the headers of higher layers. FOLDER is include/cachetory by default.
set -eu

design=$(cd "$(dirname "$0")" && pwd)/../docs/design.md
cd "${1:-$(dirname "$0")/../include/cachetory}"

# may_include HEADER: patterns of those of our headers that it may include directly
may_include() {
  ground='version.hpp ttl.hpp string_hash.hpp ready_future.hpp'
  case $1 in
  # the ground, which knows nothing of caches
  version.hpp) ;;
  ttl.hpp | string_hash.hpp | ready_future.hpp) echo version.hpp ;;
  # only the headers for Redis know the server
  detail/redis/*) echo "$ground backend.hpp detail/redis/*" ;;
  # a part of an adaptor
  detail/items_as_bytes.hpp) echo "$ground backend.hpp" ;;
  # the core
  detail/*) echo "$ground detail/*" ;;
  # the contract
  backend.hpp) echo "$ground detail/shared_string.hpp" ;;
  manual_clock.hpp) echo "$ground" ;;
  # backends: none knows another one
  memory_backend.hpp | concurrent_memory_backend.hpp) echo "$ground backend.hpp detail/*" ;;
  redis_backend.hpp) echo "$ground backend.hpp detail/redis/*" ;;
  # adaptors: they know only the contract; one exception is for the alias async_memory_backend
  async_backend.hpp) echo "$ground backend.hpp memory_backend.hpp" ;;
  serialized_backend.hpp) echo "$ground backend.hpp detail/items_as_bytes.hpp detail/number_text.hpp" ;;
  # any other backend
  *_backend.hpp) echo "$ground backend.hpp detail/*" ;;
  *) return 1 ;;
  esac
}

# included_by HEADER: those of our headers that it includes directly, as paths from here
included_by() {
  sed -n -e "s,^ *# *include *\"\([^\"]*\)\".*,$(dirname "$1")/\1,p" \
    -e 's,^ *# *include *<cachetory/\([^>]*\)>.*,./\1,p' "$1" |
    sed -e ':up' -e 's,[^./][^/]*/\.\./,,' -e 't up' -e 's,^\./,,' | sort
}

# matches TEXT PATTERN...: whether one of the patterns matches TEXT
matches() {
  text=$1
  shift
  for pattern; do
    case $text in $pattern) return 0 ;; esac
  done
  return 1
}

status=0
complain() {
  echo "FAILED: $*" >&2
  status=1
}

set -f # patterns must not expand to file names
listed=$(sed -n '/^include\/cachetory\/$/,/^```$/p' "$design" | grep -o '[a-z_/]*[.]hpp')
# place HEADER: its place in the list of docs/design.md, nothing if it is not there
place() { echo "$listed" | grep -nxm 1 "$1" | cut -d: -f1; }

headers=$(find . -name '*.hpp' | sed 's,^\./,,' | sort)
edges=
for header in $headers; do
  included=$(included_by "$header")
  echo "$header ->" $included
  here=$(place "$header")
  case $header in
  detail/redis/* | *_backend.hpp) ;; # one line for all
  *) [ -n "$here" ] || complain "$header is not in docs/design.md" ;;
  esac
  if allowed=$(may_include "$header"); then
    for other in $included; do
      edges="$edges $header $other"
      [ -f "$other" ] || complain "$header includes $other, which does not exist"
      case $header:$other in
      redis_backend.hpp:* | detail/redis/*:*) ;;
      *:detail/redis/*) complain "$header may not know of the server: $other" ;;
      esac
      there=$(place "$other")
      [ -z "$here" ] || [ -z "$there" ] || [ "$there" -lt "$here" ] ||
        complain "$header includes $other, which docs/design.md lists below it"
      matches "$other" $allowed || complain "$header may not include $other"
    done
  else
    complain "$header has no layer: say in $0 what it may include"
  fi
done
echo "$edges" | tsort >/dev/null || complain 'some headers include each other'
exit $status
