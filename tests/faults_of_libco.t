#!/usr/bin/env bash
# Faults of libco that this library must not have: one case for each, named after it.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

PREFIX='not here: '
suite faults_of_libco -rdynamic -ldl

# The linker itself says what an executable-stack mark in an object would do to the program.
passes "no executable stack is asked for by an object of the static library" \
  $CC -std=gnu11 $CFLAGS "$ROOT/tests/c/stacks/gdb.c" -o "$OUT/static" $STATIC -Wl,--fatal-warnings
for file in "$LIB/libcolib.so" "$OUT/static"; do
  like "$(readelf -lW "$file" | grep GNU_STACK)" ' RW +[0-9]' "no executable stack is asked for by $(basename "$file")"
done
done_testing
