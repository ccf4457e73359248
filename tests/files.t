#!/usr/bin/env bash
# Files: opens, locks, flushes and transfers that wait for others make their coroutine wait, and nobody else.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

for program in files files_transfer; do
  build_c $program "$ROOT/tests/c/$program.c" || { echo "Bail out! the program does not compile"; exit 1; }
  cases $program
done
done_testing
