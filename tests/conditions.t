#!/usr/bin/env bash
# Conditions: order, time-outs, signals from other threads.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite conditions
done_testing
