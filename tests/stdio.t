#!/usr/bin/env bash
# Streams on slow descriptors: calls park, nothing is lost, and streams stay what libc makes of them.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

for program in stdio stdio_others; do
  build_c $program "$ROOT/tests/c/$program.c" || { echo "Bail out! $program does not compile"; exit 1; }
  cases $program
done

# What a call holds when its coroutine is released is given back.
if command -v valgrind >/dev/null; then
  memcheck="valgrind -q --error-exitcode=9 --suppressions=$ROOT/tests/sanitizers/valgrind.supp"
  leaks="--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
  passes 'what a call holds is given back when its coroutine is released or reset' \
    $memcheck $leaks "$OUT/stdio_others" released reset closes_a
else skip 'valgrind is not installed'; fi
done_testing
