#!/usr/bin/env bash
# Creating, resuming, yielding, resetting and releasing coroutines, in every state; the loop.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite coroutines
done_testing
