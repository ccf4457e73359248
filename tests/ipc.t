#!/usr/bin/env bash
# Queues and semaphores between processes, POSIX and System V, and libc's background work: coroutines wait, their thread does not.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c ipc "$ROOT/tests/c/ipc.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases ipc
done_testing
