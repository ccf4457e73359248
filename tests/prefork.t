#!/usr/bin/env bash
# Processes that share a blocking listener: every connection is served once, and nobody's thread waits in accept.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c prefork "$ROOT/tests/c/prefork.c" || exit 1
out=$(timeout 60 "$OUT/prefork" 2>&1)
is "$?" 0 "four processes serve one blocking listener"
is "$(awk '/^accepted/ {sum += $2} END {print sum}' <<<"$out")" 6000 "every connection is served exactly once"
is "$(grep -c '^accepted' <<<"$out")" 4 "each process ends when it is told to"
if uname -r | awk -F. '{exit !($1 > 6 || ($1 == 6 && $2 >= 10))}' \
  && [ "$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)" = 0 ]; then
  still=$(awk '/^accepted/ && ($4 < 5 || $5 < 5 || $6 < 5)' <<<"$out")
  is "$still" "" "coroutines beside a lost accept go on while nobody connects"
else
  skip "this kernel has no io_uring accept that does not wait"
fi
suite listeners
done_testing
