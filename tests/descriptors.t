#!/usr/bin/env bash
# Descriptors that are closed, replaced, shut down and used again under coroutines that wait, and programs that close everything.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite descriptors
done_testing
