#!/usr/bin/env bash
# Files: opens, locks, flushes and transfers that wait for others make their coroutine wait, and nobody else.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite files
done_testing
