#!/usr/bin/env bash
# `syscall`: blocking calls by number park their coroutine, closing by number is seen, all else is the kernel's.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c syscall "$ROOT/tests/c/syscall.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases syscall
done_testing
