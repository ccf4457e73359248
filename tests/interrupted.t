#!/usr/bin/env bash
# Signal handlers end blocking calls, or let them go on, as on a plain thread; and of many waiting coroutines, those they should.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite interrupted -lrt
done_testing
