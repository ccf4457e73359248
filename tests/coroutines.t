#!/usr/bin/env bash
# Creating, resuming, yielding, resetting and releasing coroutines, in every state; the loop.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c coroutines "$ROOT/tests/c/coroutines.c" || { echo "Bail out! coroutines.c does not compile"; exit 1; }
cases coroutines
done_testing
