#!/usr/bin/env bash
# What is each coroutine's own: values by key, environment variables, errno, control words, exceptions.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

suite variables -lm

# Wherever the C++ runtime keeps its record of exceptions in flight, and whoever it asks for it
SOURCE=$ROOT/tests/c/variables/exceptions.cpp
# runtime NAME FLAGS...: the cases of exceptions.cpp, linked like this
runtime() {
  local name=$1; shift
  if $CXX -std=c++17 $CFLAGS "$SOURCE" -o "$OUT/exceptions-$name" "$@" -lm; then cases "exceptions-$name"; else ok 1 "exceptions-$name builds"; fi
}
PREFIX='the archive: ' runtime archive $STATIC
PREFIX='a runtime that is part of the program: ' runtime part $SHARED -static-libstdc++
PREFIX='a record of the program: ' runtime own "$ROOT/tests/c/variables/record.cpp" $SHARED -rdynamic
# As some link it: no call that it makes to itself can be taken over.
mkdir -p "$OUT/symbolic"
if said=$($CC -shared -o "$OUT/symbolic/libstdc++.so.6" -Wl,-soname,libstdc++.so.6 -Wl,-Bsymbolic \
  -Wl,--whole-archive "$($CXX -print-file-name=libstdc++.a)" -Wl,--no-whole-archive -lm -lgcc_s 2>&1); then
  ln -sf exceptions "$OUT/exceptions-symbolic"
  # The loader may remark that it has no versions.
  PREFIX='a runtime that asks nobody: ' LD_LIBRARY_PATH=$OUT/symbolic cases exceptions-symbolic
else
  skip "a runtime that asks nobody: $said"
fi
done_testing
