#!/usr/bin/env bash
# Every blocking call parks: twenty coroutines of a thread wait in it at once, and the thread goes on. On stacks of their own, and on one
# shared stack. Functions that the library does not hook are skipped, and begin to count when it does.
# And nobody who shares a description sees its flags change.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/c/cases.sh"
SOURCES=$(ls "$ROOT"/tests/park/*.c | grep -v '/observed\.c$')
# libc finds it by its name, as it is there already.
$CC -std=gnu11 $CFLAGS -shared -fPIC "$ROOT/tests/park/module/nss.c" -Wl,-soname,libnss_park.so.2 -o "$OUT/libnss_park.so.2" ||
  { echo "Bail out! libc's module does not compile"; exit 1; }
# shellcheck disable=SC2086  # a list of files
$CC -std=gnu11 $CFLAGS $SOURCES -o "$OUT/park" $SHARED "$OUT/libnss_park.so.2" -Wl,-rpath,"$OUT" -lrt || { echo "Bail out! the cases do not compile"; exit 1; }

"$OUT/park" unseen_read >"$OUT/unseen.out" 2>&1
like "$(cat "$OUT/unseen.out")" '^not ok 1 .*' 'a call that blocks its thread is noticed'
PREFIX='own stacks: ' cases park
PREFIX='a shared stack: ' cases park -s
build_c observed "$ROOT/tests/park/observed.c" || { echo "Bail out! the observer does not compile"; exit 1; }
cases observed
done_testing
