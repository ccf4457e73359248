#!/usr/bin/env bash
# Streams on slow descriptors: calls park, nothing is lost, and streams stay what libc makes of them.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite stdio

# What a call holds when its coroutine is released is given back.
if command -v valgrind >/dev/null; then
  memcheck="valgrind -q --error-exitcode=9 --suppressions=$ROOT/tests/sanitizers/valgrind.supp"
  leaks="--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
  passes 'what a call holds is given back when its coroutine is released or reset' \
    $memcheck $leaks "$OUT/shared" released reset closes_a
  passes 'what a message holds is given back when its coroutine is released' $memcheck $leaks "$OUT/messages" leaves_standard_error
else skip 'valgrind is not installed'; fi
done_testing
