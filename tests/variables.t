#!/usr/bin/env bash
# What is each coroutine's own: values by key, environment variables, errno, control words, exceptions.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite variables -lm
done_testing
