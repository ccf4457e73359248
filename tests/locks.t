#!/usr/bin/env bash
# Locks of pthread and of C11: a coroutine that waits for one parks, whoever has it; owners are coroutines.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

for program in locks locks_wait locks_mixed; do
  build_c $program "$ROOT/tests/c/$program.c" || { echo "Bail out! $program does not compile"; exit 1; }
done
build_cxx locks_exception "$ROOT/tests/c/locks_exception.cpp" || { echo "Bail out! locks_exception does not compile"; exit 1; }
for program in locks locks_wait locks_mixed locks_exception; do cases $program; done
done_testing
