#!/usr/bin/env bash
# Processes that share a blocking listener: every connection is served once, and nobody's thread waits in accept.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/c/cases.sh"

build_c prefork "$ROOT/tests/c/prefork.c" || exit 1
build_c without "$ROOT/tests/c/without.c" || exit 1
# serves HOW [COMMAND...]
serves() {
  local how=$1 out; shift
  out=$(timeout 60 "$@" "$OUT/prefork" 2>&1)
  is "$?" 0 "four processes serve one blocking listener $how"
  is "$(awk '/^accepted/ {sum += $2} END {print sum}' <<<"$out")" 6000 "every connection is served exactly once $how"
  is "$(grep -c '^accepted' <<<"$out")" 4 "each process ends when it is told to $how"
  is "$(awk '/^accepted/ && ($4 < 5 || $5 < 5 || $6 < 5)' <<<"$out")" "" \
    "coroutines beside a lost accept go on while nobody connects $how"
}
serves 'on this kernel'
serves 'where io_uring is forbidden' "$OUT/without" io_uring_setup
suite listeners
done_testing
