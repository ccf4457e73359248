#!/usr/bin/env bash
# Blocking calls in coroutines: nobody else waits, whatever the descriptor and wherever it comes from; and with hooks off they are libc's own.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

# Cancelled threads and handlers that throw unwind out of calls.
suite io -fexceptions -fnon-call-exceptions -fasynchronous-unwind-tables
done_testing
