#!/usr/bin/env bash
# The kernel is the oracle: what a blocking call gives in a coroutine is what it gives on a plain thread.
# One program of many scenarios is built without the library, its actors threads, and with it, its actors coroutines of one thread; both
# write down every result, and must agree. Coroutines run on stacks of their own, also where a filter forbids what newer kernels
# have, on one shared stack, and with fortified calls.
# DIFFERENTIAL="name name" runs those scenarios alone.
. "$(dirname "$0")/lib.sh"
SOURCES=("$ROOT"/tests/differential/*.c)
REFUSED=io_uring_setup,pidfd_open,epoll_pwait2,process_vm_readv,process_vm_writev
FORTIFIED='-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2'

# Where a coroutine differs, on purpose: each differs as told here, and in nothing else.
declare -A exceptions=(
  [closed_meanwhile]='a coroutine that waits on a descriptor is told EBADF when it is closed; a thread goes on with the old description'
  [replaced_meanwhile]='a coroutine that waits on a descriptor is told EBADF when dup2 replaces it; a thread goes on with the old description'
  [accepted_number]='a thread in accept holds the number of its future descriptor while it waits; a coroutine takes it when the connection is there'
  [negative_time_out]='a negative time-out of a socket reads back as none, so that a coroutine waits for ever where a thread does not wait'
)

build_one() { local to=$OUT/$1; shift; $CC -std=gnu11 $CFLAGS "${SOURCES[@]}" -o "$to" "$@"; }
build_one plain -DPLAIN -lpthread & builds=$!
build_one plain_fortified -DPLAIN $FORTIFIED -lpthread & builds+=" $!"
build_one coroutines $SHARED & builds+=" $!"
build_one fortified $FORTIFIED $SHARED & builds+=" $!"
build_c without "$ROOT/tests/c/without.c" & builds+=" $!"
build_c older "$ROOT/tests/c/older.c" & builds+=" $!"
for build in $builds; do wait "$build" || { echo "Bail out! the scenarios do not compile"; exit 1; }; done

# run TRANSCRIPTS PROGRAM [-s]; WITH is a command that runs it
run() {
  local to=$OUT/$1 program=$OUT/$2; shift 2
  rm -rf "$to"
  mkdir -p "$to"
  ${WITH-} "$program" "$@" "$to" ${DIFFERENTIAL-}
  rm -rf "$to"/*.dir
}
rm -rf "$OUT/threads_on_older"
run threads plain & runs=$!
run threads_fortified plain_fortified & runs+=" $!"
run own_stacks coroutines & runs+=" $!"
for run in $runs; do wait "$run"; done
run shared_stack coroutines -s & runs=$!
run own_stacks_fortified fortified & runs+=" $!"
WITH="$OUT/without $REFUSED" run own_stacks_confined coroutines & runs+=" $!"
if older=$("$OUT/older" true 2>&1); then
  WITH=$OUT/older run threads_on_older plain & runs+=" $!"
  WITH=$OUT/older run own_stacks_on_older coroutines & runs+=" $!"
fi
for run in $runs; do wait "$run"; done

# compare KIND REFERENCE TRANSCRIPTS: a case for each scenario
compare() {
  local kind=$1 reference=$2 transcripts=$3 name sentence said
  while IFS=$'\t' read -r name sentence; do
    [ -f "$OUT/$reference/$name.txt" ] || continue
    [ -z "${exceptions[$name]-}" ] || continue
    if said=$(grep -m1 '^not here: ' "$OUT/$reference/$name.txt"); then
      skip "$kind: $sentence: ${said#not here: }"
    elif [ "$kind" = confined ] && said=$(grep -om1 'SYS_.*: Operation not permitted' "$OUT/$transcripts/$name.txt"); then
      skip "$kind: $sentence: it makes a call itself that is refused: $said"
    elif grep -q 'HANGS' "$OUT/$reference/$name.txt"; then
      ok 1 "$kind: $sentence: the threads come to an end"
    elif said=$(diff -U 2 "$OUT/$reference/$name.txt" "$OUT/$transcripts/$name.txt"); then
      ok 0 "$kind: $sentence"
    else
      ok 1 "$kind: $sentence ($name)"
      diag "$(printf '%s\n' "$said" | head -n 30)"
    fi
  done < <("$OUT/plain" -l | sort)
}

# Fewer scenarios than here were once there, and a program that runs none agrees with everything.
all_ran() { [ -n "${DIFFERENTIAL-}" ] || { [ "$(find "$OUT/$1" -name '*.txt' | wc -l)" -ge 155 ]; ok $? "$1: all scenarios ran"; }; }
all_ran threads
compare 'own stacks' threads own_stacks
compare 'a shared stack' threads shared_stack
compare 'confined' threads own_stacks_confined
if [ -d "$OUT/threads_on_older" ]; then
  all_ran threads_on_older
  compare 'an older kernel' threads_on_older own_stacks_on_older
else
  skip "an older kernel: $older"
fi
compare 'fortified' threads_fortified own_stacks_fortified

for name in "${!exceptions[@]}"; do
  [ -f "$OUT/threads/$name.txt" ] || continue
  is "$(cat "$OUT/own_stacks/$name.txt")" "$(cat "$ROOT/tests/differential/$name.expected")" "exception: ${exceptions[$name]}"
done
done_testing
