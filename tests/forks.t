#!/usr/bin/env bash
# A child of fork goes on, whatever the other threads of its parent were in the middle of.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c forks "$ROOT/tests/c/forks.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases forks
done_testing
