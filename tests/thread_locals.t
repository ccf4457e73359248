#!/usr/bin/env bash
# Thread-local variables of a coroutine's own: what is own and when it ends, what the kernel is asked and told.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

export LIBRARY=$OUT/library.so
passes 'a library builds' $CC -std=gnu11 $CFLAGS -shared -fPIC "$ROOT/tests/c/thread_locals/library.c" -o "$LIBRARY"
suite thread_locals -ldl
done_testing
