#!/usr/bin/env bash
# Conditions: order, time-outs, signals from other threads.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c conditions "$ROOT/tests/c/conditions.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases conditions
done_testing
