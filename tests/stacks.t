#!/usr/bin/env bash
# Private stacks: sizes, overflow, memory, and what debuggers and the linker see of them.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

# executable FILE: whether its header asks for an executable stack, or does not say that it needs none
executable() { ! readelf -lW "$1" | grep -q 'GNU_STACK .* RW  *[0-9]'; }
# wants_no_executable_stack FILE NAME
wants_no_executable_stack() { if executable "$1"; then ok 1 "$2"; else ok 0 "$2"; fi; }

suite stacks -ldl
if build_c older "$ROOT/tests/c/older.c" && said=$("$OUT/older" true 2>&1); then
  PREFIX='on an older kernel: ' cases older "$OUT/numbers"
else
  skip "an older kernel: ${said-}"
fi

wants_no_executable_stack "$LIB/libcolib.so" "the shared library asks for no executable stack"
wants_no_executable_stack "$OUT/sizes" "a program linked with it asks for no executable stack"
passes "a program links with the static library without a warning" \
  $CC -std=gnu11 $CFLAGS "$ROOT/tests/c/stacks/gdb.c" -o "$OUT/static" $STATIC -Wl,--fatal-warnings
wants_no_executable_stack "$OUT/static" "a program linked with the static library asks for no executable stack"

if command -v gdb >/dev/null; then
  build_c gdb "$ROOT/tests/c/stacks/gdb.c"
  where=$(gdb -nx -batch -ex 'set confirm off' -ex 'set debuginfod enabled off' -ex 'break stop_here' -ex run \
    -ex bt -ex continue -ex bt "$OUT/gdb" 2>&1)
  is "$(grep -c '^#1 .* inner_body (' <<<"$where")" 2 "gdb sees the body before and after a yield"
  like "$where" '#0 .*stop_here' "gdb sees who runs"
  is "$(grep -c 'Backtrace stopped' <<<"$where")" 0 "gdb's backtrace of a coroutine ends without a complaint"
  is "$(grep -c ' outer_body (\| main (' <<<"$where")" 0 "gdb's backtrace ends at the coroutine's entry"
  said=$(gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break stop_here' -ex run -ex 'break main' "$OUT/gdb" 2>&1)
  like "$said" 'Breakpoint 2 at .*: file .*gdb\.c, line' "gdb knows one main, the program's"
else
  skip "no gdb"
fi
done_testing
