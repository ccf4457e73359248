#!/usr/bin/env bash
# Signals: what a program sees of its handlers, what they may do, and what a storm of them does to coroutines at work.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

SOURCES=$ROOT/tests/c/signals

# The cases about handlers alone hold on plain threads too: it is the kernel they describe, not the library.
without_the_library() {
  local name
  for name in handlers interruptions faults; do
    $CC -std=gnu11 $CFLAGS -DPLAIN "$SOURCES/$name.c" -o "$OUT/plain_$name" -lpthread && "$OUT/plain_$name" || return
  done
}
with_the_archive() {
  local source
  for source in "$SOURCES"/*.c; do
    $CC -std=gnu11 $CFLAGS "$source" -o "$OUT/archived" $STATIC && "$OUT/archived" || return
  done
}

passes 'the cases about handlers hold without the library' without_the_library
suite signals
passes 'signals: the same with the archive' with_the_archive
suite signals_storm -lrt
done_testing
