#!/usr/bin/env bash
# Signals: what a program sees of its handlers, what they may do, and what a storm of them does to coroutines at work.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

# The cases about handlers alone hold on plain threads too: it is the kernel they describe, not the library.
passes 'the cases about handlers hold without the library' sh -c \
  "$CC -std=gnu11 $CFLAGS -DPLAIN $ROOT/tests/c/signals.c -o $OUT/plain -lpthread && $OUT/plain"
if build_c signals "$ROOT/tests/c/signals.c"; then cases signals; else ok 1 'signals.c builds'; fi
if $CC -std=gnu11 $CFLAGS "$ROOT/tests/c/signals.c" -o "$OUT/archived" $STATIC
then passes 'signals: the same with the archive' "$OUT/archived"
else ok 1 'signals.c builds with the archive'; fi
if build_c storm "$ROOT/tests/c/signals_storm.c" -lrt; then cases storm; else ok 1 'signals_storm.c builds'; fi
done_testing
