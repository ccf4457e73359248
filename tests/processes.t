#!/usr/bin/env bash
# Children: waiting for them, and for commands, makes the coroutine wait and nobody else; no child is lost.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c processes "$ROOT/tests/c/processes.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases processes
done_testing
