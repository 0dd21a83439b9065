#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: refused.sh COMPILER
#
# Whether what would silently do harm does not compile, and the compiler says why.
set -eu

cxx=$1
cd "$(dirname "$0")/../include"
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
status=0

cat >"$scratch/types.hpp" <<'EOF'
#include <cachetory/concurrent_memory_backend.hpp>
#include <cachetory/memory_backend.hpp>
#include <chrono>
#include <cstdint>
#include <string_view>

using steady = std::chrono::steady_clock;

template <class Result>
struct hash {
    using is_transparent = void;
    hash(std::size_t seed = 0);
    Result operator()(std::string_view) const;
};

#if defined(__SIZEOF_INT128__)
__extension__ typedef __int128 wide;
struct wide_clock {
    using duration = std::chrono::duration<wide, std::nano>;
    using rep = wide;
    using period = std::nano;
    using time_point = std::chrono::time_point<wide_clock>;
    static constexpr bool is_steady = true;
    static time_point now();
};
#endif
EOF

# errors: what the compiler says about the program in the input
errors() {
  cat "$scratch/types.hpp" - | "$cxx" -std=c++20 -fsyntax-only -I . -x c++ - 2>&1 || :
}

# refuses MESSAGE: the program in the input does not compile, and an error has MESSAGE in it
refuses() {
  output=$(errors)
  case $output in
  *error*"$1"*) ;;
  *)
    echo "FAILED: no error says \"$1\": ${output:-it compiles}" >&2
    status=1
    ;;
  esac
}

refuses 'Hash must return all bits of a std::size_t' <<'EOF'
cachetory::concurrent_memory_backend<int, steady, hash<std::uint16_t>> cache;
EOF
refuses 'Hash must return all bits of a std::size_t' <<'EOF'
cachetory::bounded_memory_backend<int, steady, hash<std::uint16_t>> cache(1000);
EOF
refuses 'delete' <<'EOF'
cachetory::memory_backend<int, steady, hash<std::size_t>> cache(1000);
EOF
refuses 'keys are always strings, so the first argument is the type of the values' <<'EOF'
cachetory::memory_backend<std::string, int> cache;
EOF
if echo | "$cxx" -dM -E -x c++ - | grep -q __SIZEOF_INT128__; then
  refuses "the clock's ticks are wider than 64 bits" <<'EOF'
bool stored = cachetory::memory_backend<int, wide_clock>().set("key", 1, std::chrono::hours(1));
EOF
fi
# What looks much like the above, and is right.
output=$(errors <<'EOF'
cachetory::concurrent_memory_backend<int, steady, hash<std::size_t>> shared(1000);
cachetory::bounded_memory_backend<int, steady, hash<std::size_t>> bounded(1000);
cachetory::memory_backend<int, steady, hash<std::uint16_t>> narrow;
EOF
)
if [ -n "$output" ]; then
  echo "FAILED: $output" >&2
  status=1
fi

# Otherwise a shared object that hides its symbols throws what no other catches (with libc++).
if command -v readelf >/dev/null; then
  for error in key_error backend_error; do
    echo "#include <cachetory/backend.hpp>
void f() { throw cachetory::$error(\"\"); }" |
      "$cxx" -std=c++20 -fvisibility=hidden -fPIC -I . -x c++ -c -o "$scratch/object" -
    if readelf -sW "$scratch/object" | grep "_ZTIN9cachetory.*$error" | grep -q HIDDEN; then
      echo "FAILED: $error is hidden" >&2
      status=1
    fi
  done
fi
exit $status
