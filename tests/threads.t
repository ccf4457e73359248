#!/usr/bin/env bash
# Threads and processes: independent loops, what is left at a thread's end, fork, cancellation, descriptors.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite threads
done_testing
