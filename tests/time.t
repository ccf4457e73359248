#!/usr/bin/env bash
# Sleeping and time-outs: never early, never for ever, and no wake-up in between.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c time "$ROOT/tests/c/time.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases time
done_testing
