#!/usr/bin/env bash
# Shared stacks: any order of operations, hooks whose arguments move away, memory.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite shared_stacks
done_testing
