#!/usr/bin/env bash
# Memory checkers find nothing in programs with coroutines, whatever their stacks, and find what is wrong in a coroutine.
# The other suites' programs run under them too. There a report is a failure; whether their cases hold is for those suites to
# say. LONG in the environment adds these programs under valgrind.
. "$(dirname "$0")/lib.sh"
HERE=$ROOT/tests/sanitizers
GCC=${GCC:-gcc}
export SMALL=1
unset ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS

# clean NAME COMMAND...: the program comes to its end, and neither it nor the checker has anything to say
clean() {
  local name=$1 said status; shift
  said=$(timeout 300 "$@" 2>&1); status=$?
  if [ "$status $said" = '0 toured' ]; then ok 0 "$name"; else ok 1 "$name (exit $status)"; diag "$(head -n 25 <<<"$said")"; fi
}

# found NAME EXTENDED_REGEX COMMAND...: the checker reports it, and the program fails
found() {
  local name=$1 pattern=$2 said status; shift 2
  said=$(timeout 300 "$@" 2>&1); status=$?
  if [ $status -ne 0 ] && grep -Eq "$pattern" <<<"$said"; then ok 0 "$name"; else ok 1 "$name (exit $status)"; diag "$(head -n 25 <<<"$said")"; fi
}

# build PREFIX COMPILER-FLAGS...: the four programs; what they call of plain.c is never instrumented
build() {
  local prefix=$1 program; shift
  for program in tour parked wrong; do
    # What is wrong on purpose must not be a warning.
    $COMPILER -std=gnu11 $CFLAGS $([ $program = wrong ] && echo -w -Wno-error) "$@" "$HERE/$program"*.c "$OUT/plain.o" -o "$OUT/$prefix$program" $LINK || return 1
  done
  ${COMPILER_CXX:-$CXX} -std=c++17 $CFLAGS "$@" "$HERE/exceptions.cpp" "$OUT/plain.o" -o "$OUT/${prefix}exceptions" $LINK
}

$CC $CFLAGS -c "$HERE/plain.c" -o "$OUT/plain.o"
COMPILER=$CC LINK=$SHARED
build '' || ok 1 'the programs build'
for stacks in private shared fork; do clean "no checker: tour, $stacks" "$OUT/tour" $stacks; done
for stacks in private shared; do clean "no checker: exceptions, $stacks" "$OUT/exceptions" $stacks; done

# AddressSanitizer
asan() { # NAME PREFIX
  local name=$1 prefix=$2 stacks fake program
  for stacks in private shared; do
    for fake in 0 1; do
      for program in tour exceptions; do
        clean "$name: $program, $stacks stacks, use after return $([ $fake = 1 ] && echo looked for || echo ignored)" \
          env ASAN_OPTIONS=detect_stack_use_after_return=$fake "$OUT/$prefix$program" $stacks
      done
    done
    # With fake frames a local stands where no leak checker looks.
    clean "$name: blocks that only a waiting coroutine knows are no leaks, $stacks stacks" \
      env ASAN_OPTIONS=detect_stack_use_after_return=0 "$OUT/${prefix}parked" $stacks
  done
  clean "$name: tour with a fork" "$OUT/${prefix}tour" fork
  clean "$name: nothing wrong" "$OUT/${prefix}wrong" nothing
  for stacks in '' shared; do
    found "$name: finds an overflown array in a coroutine${stacks:+ on a shared stack}" 'stack-buffer-overflow' "$OUT/${prefix}wrong" stack $stacks
    found "$name: finds a use after free in a coroutine${stacks:+ on a shared stack}" 'heap-use-after-free' "$OUT/${prefix}wrong" heap $stacks
    found "$name: finds a use after return in a coroutine${stacks:+ on a shared stack}" 'stack-use-after-return' \
      env ASAN_OPTIONS=detect_stack_use_after_return=1 "$OUT/${prefix}wrong" return $stacks
    found "$name: finds a hooked read past a block${stacks:+ on a shared stack}" 'heap-buffer-overflow' "$OUT/${prefix}wrong" buffer $stacks
    found "$name: finds a leak${stacks:+ on a shared stack}" 'leak of [0-9]+ byte\(s\) in (1[0-9]|20) object' "$OUT/${prefix}wrong" leak $stacks
  done
  # The report names the functions of the coroutine, down to where it begins.
  found "$name: shows the frames of the coroutine" '#1 .* does_wrong ' env ASAN_OPTIONS=fast_unwind_on_malloc=0 "$OUT/${prefix}wrong" stack
}
COMPILER=$GCC COMPILER_CXX=g++
if build asan_ -fsanitize=address -fno-omit-frame-pointer; then asan 'address sanitizer' asan_; else ok 1 'the programs build with the address sanitizer'; fi
LINK=$STATIC
if build asan_archived_ -fsanitize=address -fno-omit-frame-pointer; then
  for stacks in private shared; do
    clean "address sanitizer, archive: tour, $stacks stacks" "$OUT/asan_archived_tour" $stacks
    clean "address sanitizer, archive: exceptions, $stacks stacks" "$OUT/asan_archived_exceptions" $stacks
  done
else ok 1 'the programs build with the address sanitizer and the archive'; fi
LINK=$SHARED
# A clang may be there without what its sanitizers need at run time.
if clang++ -fsanitize=address -x c++ -o "$OUT/asan_clang" - <<<'int main() {}' 2>"$OUT/asan_clang.txt"; then
  COMPILER=clang COMPILER_CXX=clang++
  if build asan_clang_ -fsanitize=address -fno-omit-frame-pointer; then asan 'address sanitizer of clang' asan_clang_; else ok 1 'the programs build with the address sanitizer of clang'; fi
else skip "no clang with the address sanitizer: $(tail -n 1 "$OUT/asan_clang.txt")"; fi

# The programs of the other suites. Left out is what is no sign of anything under a checker:
# - cancelled threads, whose frames the sanitizer goes on to guard; forks while other threads hold its allocator's lock;
# - cases without memory, or that measure it;
# - calls with bad addresses on purpose; an allocator of the program's own.
NOT_HERE='cancel|without_(any_)?memory|no_memory|forking_while_other_threads|flat|hundred_thousand|given_back|costs_at_most|errors_are_those_a_thread_gets|without_the_allocator'
SUITES=$(cd "$ROOT/tests/c" && grep -rl '^RUN_TESTS' --include='*.c' --include='*.cpp' . | sed 's,^\./,,' | LC_ALL=C sort)

# cases_of SOURCE: the names of those of its cases that are run
cases_of() { sed -nE 's/^TEST(_SAYS)?\(([a-z0-9_]*)[,)].*/\2/p' "$ROOT/tests/c/$1" | grep -Ev "$LEFT_OUT"; }
# program_of PREFIX SOURCE
program_of() { echo "$OUT/$1$(tr ./ __ <<<"$2")"; }

# suites PREFIX REPORT RUNNER...: runs them side by side, most of them sleep; a report is text that matches REPORT
suites() {
  local prefix=$1 report=$2 source program cases; shift 2
  for source in $SUITES; do
    program=$(program_of "$prefix" "$source") cases=$(cases_of "$source")
    # Without a name a program would run them all.
    [ -x "$program" ] && [ -n "$cases" ] || continue
    # shellcheck disable=SC2086  # a list of names
    timeout "$LIMIT" "$@" "$program" $cases >"$program.out" 2>&1 &
    while [ "$(jobs -pr | wc -l)" -ge "$SIDE_BY_SIDE" ]; do wait -n; done
  done
  wait
  for source in $SUITES; do
    program=$(program_of "$prefix" "$source")
    [ -n "$(cases_of "$source")" ] || continue
    [ -x "$program" ] && ! grep -Eq "$report" "$program.out" && grep -Eq '^(not )?ok ' "$program.out"
    ok $? "${prefix%_}: $source of another suite builds, and gives no report"
    [ -x "$program" ] || continue
    ! grep -Eq "$report" "$program.out" || diag "$(grep -E -B 5 -A 20 "$report" "$program.out" | head -n 60)"
  done
}
build_suites() { # PREFIX FLAGS...
  local prefix=$1 source compiler; shift
  for source in $SUITES; do
    case $source in *.cpp) compiler="g++ -std=c++20" ;; *) compiler="$GCC -std=gnu11" ;; esac
    # Strictness is the business of the suites.
    $compiler -g -O1 -w -I"$ROOT/include" "$@" "$ROOT/tests/c/$source" -o "$(program_of "$prefix" "$source")" $SHARED -lrt -ldl -lm 2>/dev/null &
    while [ "$(jobs -pr | wc -l)" -ge 2 ]; do wait -n; done
  done
  wait
}
# Its own report of a signal would come before the program's handlers and the default.
rm -f "$OUT"/address_* "$OUT"/memcheck_*
build_suites address_ -fsanitize=address -fno-omit-frame-pointer
LEFT_OUT=$NOT_HERE LIMIT=240 SIDE_BY_SIDE=8 suites address_ 'ERROR: (Address|Leak)Sanitizer' \
  env ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0

# ThreadSanitizer: each coroutine is a fiber of its own, and what threads hand to each other through the library is in order.
if printf 'int main(void) { return 0; }\n' | $GCC -fsanitize=thread -x c - -o "$OUT/nothing" 2>/dev/null; then
  # tsan NAME SOURCE ARGUMENT...: the program does its work, and the sanitizer has nothing to report
  tsan() {
    local name=$1 source=$2 program said status; shift 2
    program=$(program_of thread_ "$(basename "$source")")
    # shellcheck disable=SC2086  # lists of flags
    $GCC -std=gnu11 -g -O1 -w -I"$ROOT/include" -fsanitize=thread ${FLAGS-} "$source" -o "$program" $LINK || { ok 1 "$name builds"; return; }
    said=$(TSAN_OPTIONS=exitcode=66 timeout 120 "$program" "$@" 2>&1); status=$?
    ok $status "thread sanitizer: $name"
    [ $status -eq 0 ] || diag "exit $status" "$(head -n 40 <<<"$said")"
  }
  tsan 'descriptors that threads close under each other' "$ROOT/tests/stress/closing.c" 2
  tsan 'a condition that coroutines of several threads wait for' "$ROOT/tests/c/conditions/threads.c" each_signal many_threads
  tsan 'coroutines that are reset in the middle' "$ROOT/tests/c/coroutines/resetting.c"
  tsan 'stacks in the place of those of a thread that has ended' "$HERE/inherited.c"
  tsan 'pthread_once' "$HERE/once.c"
  LINK=$STATIC tsan 'pthread_once, archive' "$HERE/once.c"
  LINK=$STATIC FLAGS='-static-libtsan -rdynamic' tsan 'pthread_once and threads, archive, the sanitizer an archive too' "$HERE/once.c"
  said=$($GCC -std=gnu11 -g -O1 -w -I"$ROOT/include" -fsanitize=thread "$HERE/racing.c" -o "$OUT/thread_racing" $SHARED &&
    TSAN_OPTIONS=exitcode=66 timeout 120 "$OUT/thread_racing" 2>&1); status=$?
  [ $status -eq 66 ] && grep -q 'data race .* in counts_unguarded' <<<"$said"
  ok $? 'thread sanitizer: finds a race of two coroutines on two threads'
  ! grep 'SUMMARY: ThreadSanitizer' <<<"$said" | grep -qv counts_unguarded
  ok $? 'thread sanitizer: takes what coroutines of one thread do for no race'
else skip 'the thread sanitizer is not installed'; fi

# UndefinedBehaviorSanitizer
COMPILER=$GCC COMPILER_CXX=g++
if build ubsan_ -fsanitize=undefined -fno-sanitize-recover=all; then
  for stacks in private shared; do
    clean "undefined behaviour sanitizer: tour, $stacks stacks" "$OUT/ubsan_tour" $stacks
    clean "undefined behaviour sanitizer: exceptions, $stacks stacks" "$OUT/ubsan_exceptions" $stacks
  done
  found 'undefined behaviour sanitizer: finds a shift too far in a coroutine' 'shift exponent' "$OUT/ubsan_wrong" shift
else ok 1 'the programs build with the undefined behaviour sanitizer'; fi

# Valgrind
if command -v valgrind >/dev/null; then
  memcheck="valgrind -q --error-exitcode=9 --suppressions=$HERE/valgrind.supp --num-callers=25"
  leaks="--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
  for stacks in private shared; do
    clean "valgrind: tour, $stacks stacks, nothing lost" $memcheck $leaks "$OUT/tour" $stacks
    clean "valgrind: exceptions, $stacks stacks, nothing lost" $memcheck $leaks "$OUT/exceptions" $stacks
    clean "valgrind: blocks that only a waiting coroutine knows are not lost, $stacks stacks" $memcheck $leaks "$OUT/parked" $stacks
  done
  clean 'valgrind: tour with a fork' $memcheck --leak-check=no "$OUT/tour" fork
  clean 'valgrind: nothing wrong' $memcheck $leaks "$OUT/wrong" nothing
  for stacks in '' shared; do
    found "valgrind: finds a use after free in a coroutine${stacks:+ on a shared stack}" 'Invalid read.*' $memcheck "$OUT/wrong" heap $stacks
    found "valgrind: finds a jump on memory nobody wrote${stacks:+ on a shared stack}" 'depends on uninitialised' $memcheck "$OUT/wrong" uninitialised $stacks
    found "valgrind: finds a hooked read past a block${stacks:+ on a shared stack}" 'unaddressable' $memcheck "$OUT/wrong" buffer $stacks
    found "valgrind: finds a leak${stacks:+ on a shared stack}" ' in (1[0-9]|20) blocks are definitely lost' $memcheck $leaks "$OUT/wrong" leak $stacks
  done
  if [ -n "${LONG-}" ]; then
    build_suites memcheck_
    # Left out are also faults and bad addresses on purpose, calls that libc itself makes with arguments it finds strange, and
    # getaddrinfo_a, about whose end it complains without the library too. A report has
    # frames; a warning about an ioctl it does not know has none. Valgrind loses track of a thread that is interrupted on its
    # alternate stack, so the storm does without. A SIGSEGV that another process sends ends it where it is in its own code.
    ALTERNATE=no LEFT_OUT="$NOT_HERE|overflow|fault|jumps_back|name_server|errors|copied|need_not_wait|look_up|looks_up|notified_once|what_is_left|more_than_a_count|kills_by_sigsegv" LIMIT=240 SIDE_BY_SIDE=4 \
      suites memcheck_ '^==[0-9]+==    at 0x' $memcheck --leak-check=no
  fi
else skip 'valgrind is not installed'; fi
done_testing
