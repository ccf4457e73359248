#!/usr/bin/env bash
# scripts/gdb/colib.py: what gdb shows of coroutines, in a process, in a core file, and where threads are coroutines.
. "$(dirname "$0")/lib.sh"
command -v gdb >/dev/null || { skip 'no gdb'; done_testing; exit; }
SCRIPT=$ROOT/scripts/gdb/colib.py
build_c coroutines "$ROOT/tests/c/debugger/coroutines.c"
build_c static "$ROOT/tests/c/debugger/coroutines.c" $STATIC
$CC -std=gnu11 $CFLAGS "$ROOT/tests/c/debugger/threads.c" -o "$OUT/threads" -lpthread

# debug OPTION... : gdb with the script, the commands that follow `--` first
debug() { timeout 300 gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'set confirm off' -ex 'set width 0' -ex "source ${SCRIPT-}" "$@" 2>&1; }
# stopped PROGRAM COMMAND...: what the commands say when the program has stopped
stopped() {
  local program=$1 command commands=(); shift
  for command; do commands+=(-ex "$command"); done
  debug -ex 'break stop_here' -ex run "${commands[@]}" $program
}
# listed: state and place of each coroutine in what `info coroutines` says, without what differs from run to run, and without the
# line, for where a call comes back to may be told as that of what was inlined there
listed() { sed -n '/^Id  *Coroutine/,/^[^0-9I]/p' | sed -En 's/^[0-9]+ +(thread )?0x[0-9a-f]+ +[0-9]+ +//p' | sed -E "s|$ROOT/||; s/ {2,}/ | /; s/:[0-9]+$//"; }

at() { echo "$1 at tests/c/debugger/coroutines.c"; }
states="the thread's own | $(at begin)
waits for reading on 3 | $(at reading)
waits for reading on 3 | $(at reading)
yielded | $(at yielding)
waits for 2 descriptors, with a time-out | $(at polling)
waits for time to pass | $(at sleeping)
waits to be woken | $(at waiting)
yielded | $(at yielding)
has ended | (ending)
has not begun | (ending)
has resumed another | $(at begin)
runs | $(at stop_here)"

for program in coroutines static; do
  said=$(stopped "$OUT/$program" 'info coroutines' 'coroutine 2 bt' 'coroutine 3 bt full' 'coroutine all bt 1' continue)
  is "$(listed <<<"$said")" "$states" "$program: each coroutine's state and place"
  is "$(grep -c '^#.* in reading (who=0x1)' <<<"$said")" 2 "$program: the backtrace of one that waits"
  is "$(grep -c '^#.* in reading (who=0x2)' <<<"$said")" 2 "$program: the backtrace of one whose bytes are kept elsewhere"
  like "$said" "kept = '.002' <repeats 64 times>" "$program: its variables"
  is "$(grep -c 'colib_core\|src/' <<<"$said")" 0 "$program: frames of the library are left out"
  like "$said" '^all went on' "$program: the program goes on, and finds all as it was"
  is "$(grep -c 'not kept\|rror' <<<"$said")" 0 "$program: nothing is lost"
done

said=$(stopped "$OUT/coroutines" 'coroutine 2' 'info locals' up 'coroutine none' frame 'coroutine 3' 'coroutine 9' 'coroutine 9 bt' 'coroutine 99 bt' \
  'coroutine nobody bt' 'coroutine' 'coroutine all' 'coroutine 3 continue' 'coroutine 5' 'bt -no-filters 3' continue)
like "$said" '^#[0-9]+ .* in reading \(who=0x1\)' 'a coroutine that is chosen is seen'
like "$said" '^byte = 0' 'with its variables'
like "$said" '^#0 +stop_here' 'the thread is seen again'
like "$said" 'kept elsewhere: use' 'one whose bytes are kept elsewhere cannot be chosen'
like "$said" 'Coroutine 9 has no frames: it has ended' 'nor one that has ended'
like "$said" '^There is no coroutine 99: `info coroutines` lists 12' 'a number that none has'
like "$said" '^No symbol "nobody" in current context' 'an expression that means nothing'
is "$(grep -c '^usage: coroutine' <<<"$said")" 2 'commands that lack something'
like "$said" 'only for commands that look' 'the program does not run while bytes are out of place'
like "$said" '^#1 .* in park ' 'frames of the library can be had'
like "$said" '^all went on' 'going on ends the view'
is "$(grep -c 'Python Exception\|Traceback' <<<"$said")" 0 'nothing of it is a fault of the script'

said=$(stopped "$OUT/coroutines" 'info coroutine-stacks' 'set language rust' 'info coroutines' 'set language pascal' 'coroutine 2 bt')
like "$(sed -nE '/^2 coroutines: 2, 3/,+1p' <<<"$said")" 'reading at' 'coroutines that stand in one place are counted'
is "$(listed <<<"$said")" "$states" 'whatever language the frame has'

said=$(debug -ex 'run inline' -ex 'info coroutines' -ex 'coroutine 2 bt' "$OUT/coroutines")
is "$(listed <<<"$said")" "$(sed '$s/stop_here/stop_inline/' <<<"$states")" 'what runs is in a function that was inlined'
is "$(grep -c '^#' <<<"$(sed -n '/^Coroutine 2/,$p' <<<"$said")")" 1 'and is no part of the backtrace of others'

# Installed libraries are stripped, and gdb finds the script by itself.
PREFIX=$OUT/prefix DESTDIR='' "$ROOT/scripts/install.sh" >/dev/null
strip "$OUT/prefix/lib/libcolib.so"
said=$(SCRIPT=/dev/null debug -iex "set auto-load scripts-directory $OUT/prefix/share/gdb/auto-load" -iex 'set auto-load safe-path /' \
  -ex "set environment LD_LIBRARY_PATH $OUT/prefix/lib" -ex 'break stop_here' -ex run -ex 'info sharedlibrary' -ex 'info coroutines' "$OUT/coroutines")
is "$(listed <<<"$said")" "$states" 'an installed library without debug information: the script is loaded with it'

# A core file.
rm -f "$OUT"/core*
(cd "$OUT" && ulimit -c unlimited && ./coroutines abort; true) >/dev/null 2>&1
core=$(find "$OUT" -name 'core*' -type f | head -1)
if [ -n "$core" ]; then
  said=$(debug -ex 'info coroutines' -ex 'coroutine 2 bt' -ex 'coroutine 3 bt' "$OUT/coroutines" "$core")
  expected=$(head -11 <<<"$states" | sed '3s/|.*/| (its part of a shared stack is kept elsewhere, and only in a process can it be put back)/')
  is "$(listed <<<"$said" | head -11)" "$expected" "a core file: each coroutine's state and place"
  is "$(grep -c '^#.* in reading (who=0x1)' <<<"$said")" 1 'a core file: a backtrace'
else
  skip "the kernel wrote no core file: core_pattern is $(cat /proc/sys/kernel/core_pattern)"
fi

said=$(debug -ex 'set follow-fork-mode child' -ex 'break stop_here' -ex 'run fork' -ex 'info coroutines' "$OUT/coroutines")
# There all look again.
is "$(listed <<<"$said")" "$(sed -E 's/^waits for (reading|2)[^|]*/ready /' <<<"$states")" 'a child of fork: its own coroutines'
is "$(sed -nE 's/^[0-9]+ +0x[0-9a-f]+ +([0-9]+) .*/\1/p' <<<"$said" | sort -u | wc -l)" 1 'a child of fork: one thread'

like "$(debug -ex 'info coroutines' "$OUT/coroutines")" '^The program is not being run' 'before the program runs'
like "$(stopped "$OUT/threads" 'info coroutines')" '^There is no colib in this program' 'a program without the library'

for kernel in 1 2; do
  said=$(debug -ex "set environment LD_PRELOAD $PRELOAD" -ex "set environment COLIB_THREADS $kernel" -ex 'set startup-with-shell off' \
    -ex 'break stop_here' -ex run -ex 'info coroutines' -ex 'coroutine all bt 1' -ex 'frame function main' -ex continue "$OUT/threads")
  is "$(listed <<<"$said" | grep -v loop | LC_ALL=C sort)" "runs | stop_here at tests/c/debugger/threads.c
waits for reading on 3 | reading at tests/c/debugger/threads.c
waits for reading on 3 | reading at tests/c/debugger/threads.c
waits to be woken | main at tests/c/debugger/threads.c
waits to be woken | waiting at tests/c/debugger/threads.c
waits to be woken | waiting at tests/c/debugger/threads.c" "threads as coroutines of $kernel: each one's state and place"
  is "$(grep -cE '^#.* in (reading|waiting) \(who=0x[0-3]?' <<<"$said")" 4 "threads as coroutines of $kernel: backtraces"
  like "$said" '^all were joined' "threads as coroutines of $kernel: the program goes on"
done
done_testing
