#!/usr/bin/env bash
# Batches of messages, reads with flags, counters: the coroutine waits, its thread goes on.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c messages "$ROOT/tests/c/messages.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases messages
done_testing
