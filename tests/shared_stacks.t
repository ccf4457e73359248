#!/usr/bin/env bash
# Shared stacks: any order of operations, hooks whose arguments move away, memory.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c shared_stacks "$ROOT/tests/c/shared_stacks.c" || { echo "Bail out! the program does not compile"; exit 1; }
cases shared_stacks
done_testing
