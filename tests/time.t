#!/usr/bin/env bash
# Sleeping and time-outs: never early, never for ever, and no wake-up in between.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite time
done_testing
