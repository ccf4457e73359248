#!/usr/bin/env bash
# pause, sigsuspend, sigwait and their kin: the coroutine waits, its thread goes on, and no signal is lost.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c signal_waits "$ROOT/tests/c/signal_waits.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases signal_waits
done_testing
