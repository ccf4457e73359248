#!/usr/bin/env bash
# Threads and processes: independent loops, what is left at a thread's end, fork, cancellation, descriptors.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c threads "$ROOT/tests/c/threads.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases threads
done_testing
