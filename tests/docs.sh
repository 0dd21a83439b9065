#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: docs.sh quick_start|length|promises|links
#        docs.sh blocks SCRATCH HIREDIS_INCLUDE_DIR COMPILER FLAG...
#
# Checks the README and the pages of docs/. Exit status 77: skipped.
set -eu

tests=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$tests")
cd "$root"
pages="README.md CHANGELOG.md CONTRIBUTING.md examples/README.md $(echo docs/*.md)"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# block PAGE N: the N-th block of C++
block() {
  awk -v n="$2" '/^ *```/ { inside = /^ *```cpp$/ && ++count == n; next } inside' "$1"
}

# The first block is an example that is built and run, except for the line with its licence.
quick_start() {
  { echo '// SPDX-License-Identifier: MIT' && block README.md 1; } | diff - examples/quick_start.cpp ||
    fail 'the first block is not examples/quick_start.cpp'
}

length() {
  [ "$(wc -l <README.md)" -le 130 ] || fail "README.md has $(wc -l <README.md) lines; docs/ is the place for more"
}

# Each block of C++ of each page compiles without a warning. The blocks of a page are compiled
# together, each in its own namespace below all their #includes.
blocks() {
  mkdir -p "$1"
  scratch=$1
  hiredis=$2
  shift 2
  total=0
  for page in $pages; do
    name=$scratch/$(echo "$page" | tr '/.' '__').cpp
    n=1
    : >"$name.body"
    : >"$name.includes"
    while
      block "$page" $n >"$name.block"
      [ -s "$name.block" ]
    do
      grep '^#include' "$name.block" >>"$name.includes" || :
      grep -q '^struct cachetory::' "$name.block" || echo "namespace block_$n {" >>"$name.body" # no specialization in there
      sed 's/^int main() {/int example() {/' "$name.block" | grep -v '^#' >>"$name.body"
      grep -q '^struct cachetory::' "$name.block" || echo "} // namespace block_$n" >>"$name.body"
      n=$((n + 1))
    done
    [ $n -gt 1 ] || continue
    sort -u "$name.includes" >"$name"
    cat "$name.body" >>"$name"
    if grep -q 'redis_backend\.hpp' "$name" && [ -z "$hiredis" ]; then
      echo "$page: not compiled, because hiredis is missing (Debian: apt install libhiredis-dev)"
      continue
    fi
    if grep -q 'nlohmann' "$name" && ! echo '#include <nlohmann/json.hpp>' | "$1" -E -x c++ - >/dev/null 2>&1; then
      echo "$page: not compiled, because nlohmann/json is missing (Debian: apt install nlohmann-json3-dev)"
      continue
    fi
    "$@" ${hiredis:+-idirafter "$hiredis"} -Wno-return-type -fsyntax-only "$name" || fail "$page: its blocks do not compile"
    total=$((total + n - 1))
  done
  [ $total -gt 10 ] || fail "only $total blocks"
  echo "$total blocks compile"
}

# anchors PAGE: the names of its headings, as the usual renderers make them
anchors() {
  awk '/^ *```/ { code = !code; next } /^#/ && !code { sub(/^#+ */, ""); print }' "$1" | tr '[:upper:]' '[:lower:]' |
    sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g'
}

# Each relative link leads to an existing file, and each anchor to a heading.
links() {
  checked=0
  for page in $pages; do
    awk '/^ *```/ { code = !code; next } !code' "$page" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//' >"${TMPDIR:-/tmp}/links.$$"
    while read -r link; do
      case $link in http://* | https://*) continue ;; esac
      file=${link%%#*}
      anchor=${link#"$file"}
      target=$page
      [ -z "$file" ] || target=$(dirname "$page")/$file
      [ -e "$target" ] || fail "$page links to $link, which does not exist"
      if [ -n "$anchor" ]; then
        anchors "$target" | grep -qx -e "${anchor#\#}" || fail "$page links to $link, and there is no such heading"
      fi
      checked=$((checked + 1))
    done <"${TMPDIR:-/tmp}/links.$$"
    rm "${TMPDIR:-/tmp}/links.$$"
  done
  [ $checked -gt 20 ] || fail "only $checked links"
  echo "$checked links lead somewhere"
}

# NAME|TAGS of all tests, one per line. Names and tags in more than one string literal are joined. The tests that are not
# test cases of Catch2 have no tags, but the word ctest.
test_names() {
  find tests -name '*.cpp' -o -name CMakeLists.txt | xargs cat | tr '\n' ' ' | sed 's/" *"//g' |
    grep -oE '(TEST_CASE|TEMPLATE_TEST_CASE|BACKEND_TEST_CASE|script_test|add_test)\( *(NAME *)?"[^"]*"(, *"[^"]*")?' |
    sed -e '/^[a-z]/s/"[^"]*$/|ctest/' -e '/^[A-Z]/s/"$//' -e 's/", *"/|/' -e 's/^[^"]*"//'
}

# The tests that each row of the first table of promises names exist and have the tag of that row.
named_tests() {
  known=$(test_names)
  sed -n 's/^| \([0-9]*\) |.*|\([^|]*`[^|]*\)|$/\1 \2/p' docs/guarantees.md | while read -r row names; do
    echo "$names" | grep -o '`[^`]*`' | tr -d '`' | while read -r name; do
      tags=$(echo "$known" | awk -F'|' -v name="$name" '$1 == name { print "tags:" $2 }')
      case $tags in
        *"[promise-$row]"* | *ctest*) ;;
        tags*) echo "  row $row names a test that is not tagged [promise-$row]: $name" ;;
        *) echo "  row $row names a test that does not exist: $name" ;;
      esac
    done
  done
}

# Each row of the second table lists the files in which its tag is, and no others.
listed_files() {
  for row in $(sed -n 's/^| \([0-9]*\) | \[.*/\1/p' docs/guarantees.md); do
    listed=$(sed -n "s/^| $row | \[\(.*\)) |\$/[\1)/p" docs/guarantees.md | tr ',' '\n' |
      sed 's/^ *\[\(.*\)\](\.\.\/tests\/\1)$/\1/' | sort)
    tagged=$(find tests -name '*.cpp' -exec grep -l "\[promise-$row\]" {} + | sed 's/^tests\///' | sort)
    [ "$listed" = "$tagged" ] || echo "  row $row lists" $listed "but its tag is in" $tagged
  done
}

promises() {
  for table in '`' '\[.*](\.\./tests/'; do
    rows=$(grep -c "^| [0-9]* |.*$table.*|\$" docs/guarantees.md)
    [ "$rows" -ge 16 ] || fail "a table of docs/guarantees.md has only $rows rows"
  done
  wrong=$(named_tests && listed_files)
  [ -z "$wrong" ] || fail "docs/guarantees.md:
$wrong"
  echo "$rows promises name their tests and files"
}

"$@"
