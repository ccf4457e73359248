#!/usr/bin/env bash
# Threads as coroutines (COLIB_THREADS=1 and 2): what a program sees of its threads is what it sees without.
. "$(dirname "$0")/lib.sh"
PROGRAMS=$ROOT/tests/c/threads_mode

# run TO COMMAND...: what it prints and how it ends
run() {
  local to=$1; shift
  timeout -k 5 60 "$@" >"$to" 2>&1
  echo "ends with $?" >>"$to"
}
coroutines() { env COLIB_THREADS="${COUNT-1}" LD_PRELOAD="$PRELOAD" "$@"; }

# cases PROGRAM: each of its cases, on threads and on coroutines of one kernel thread and of two
cases() {
  local case said workers
  for case in $("$OUT/$1"); do
    run "$OUT/$case.plain" "$OUT/$1" "$case"
    if [ ! -s "$OUT/$case.plain" ] || grep -Eq 'ends with (124|1[3-9][0-9])' "$OUT/$case.plain"; then
      ok 1 "$1: $case: works on threads"; diag "$(tail -n 3 "$OUT/$case.plain")"; continue
    fi
    for workers in 1 2; do
      run "$OUT/$case.coroutines" env COLIB_THREADS=$workers LD_PRELOAD="$PRELOAD" "$OUT/$1" "$case"
      said=$(diff "$OUT/$case.plain" "$OUT/$case.coroutines")
      ok $? "$1: $case, $workers worker(s)"
      [ -z "$said" ] || diag "$said"
    done
  done
}

# A library whose variables are each thread's own, in the storage that all threads have from the beginning.
$CC -std=gnu11 -O1 -shared -fPIC -o "$OUT/workers_library.so" -x c - <<'C' || { echo "Bail out! the library does not compile"; exit 1; }
static __thread int value __attribute__((tls_model("initial-exec"))) = 42;
int value_of(void) { return value; }
C
for source in "$PROGRAMS"/*.c; do
  program=$(basename "$source" .c)
  $CC -std=gnu11 $CFLAGS "$source" -o "$OUT/$program" -lpthread || { echo "Bail out! $program does not compile"; exit 1; }
  cases "$program"
done
for source in "$PROGRAMS"/*.cpp; do
  program=$(basename "$source" .cpp)
  $CXX -std=c++20 $CFLAGS "$source" -o "$OUT/$program" -lpthread || { echo "Bail out! $program does not compile"; exit 1; }
  cases "$program"
done

# Libraries of the program are there before what is preloaded, and so is what they have registered for a fork.
SOURCE=$ROOT/tests/threads_mode/fork_pool.c
$CC -std=gnu11 $CFLAGS -DLIBRARY -shared -fPIC "$SOURCE" -o "$OUT/libfork_pool.so" -lpthread &&
  $CC -std=gnu11 $CFLAGS "$SOURCE" -o "$OUT/fork_pool" -L"$OUT" -lfork_pool -Wl,-rpath,"$OUT" || { echo "Bail out! fork_pool does not compile"; exit 1; }
for way in join condition semaphore; do
  run "$OUT/fork_pool.plain" "$OUT/fork_pool" $way
  for workers in 1 2; do
    run "$OUT/fork_pool.coroutines" env COLIB_THREADS=$workers LD_PRELOAD="$PRELOAD" "$OUT/fork_pool" $way
    is "$(<"$OUT/fork_pool.coroutines")" "$(<"$OUT/fork_pool.plain")" "a handler of a fork waits for a thread: $way, $workers worker(s)"
  done
done

# What the user asks for, and what he is told.
threads_of() { # VALUE: the kernel's threads of a program with four threads of its own
  COUNT=$1 coroutines "$OUT/counted"
}
$CC -std=gnu11 $CFLAGS -o "$OUT/counted" -x c - -lpthread <<'C' || { echo "Bail out! counted does not compile"; exit 1; }
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
static sem_t gate;
static void *waits(void *unused) { sem_wait(&gate); return unused; }
static int tasks_now(void) {
  int count = -2;
  DIR *tasks = opendir("/proc/self/task");
  while (readdir(tasks)) count++;
  closedir(tasks);
  return count;
}
int main(void) {
  pthread_t threads[4];
  int count = 1000;
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, waits, NULL);
  /* One that has ended may still be listed for a moment. */
  for (int looks = 0; looks < 50; looks++) {
    int now = tasks_now();
    if (now < count) count = now;
    usleep(1000);
  }
  for (int i = 0; i < 4; i++) sem_post(&gate);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("%d\n", count);
  return 0;
}
C
is "$(threads_of 1 2>&1)" 1 'five threads are one to the kernel'
is "$(threads_of 0 2>&1)" 5 'zero leaves threads alone'
is "$(threads_of '' 2>&1)" 5 'an empty value leaves threads alone'
is "$(LD_PRELOAD=$PRELOAD "$OUT/counted" 2>&1)" 5 'without the variable threads are threads'
is "$(threads_of 2 2>&1)" 2 'or two'
is "$(threads_of 4 2>&1)" 4 'or four'
is "$(threads_of 10 2>&1)" 5 'or as many as there are threads'
is "$(threads_of 1000 2>/dev/null)" 5 'a number that makes no sense is taken for the most that does'
is "$(threads_of 1000 2>&1 >/dev/null | wc -l)" 1 'which a line says'
like "$(threads_of 5000000000 2>&1 >/dev/null)" '^colib: COLIB_THREADS=5000000000: 64 kernel threads are the most' 'however large it is'
is "$(threads_of many 2>/dev/null)" 5 'what is no number leaves threads alone'
like "$(threads_of many 2>&1 >/dev/null)" '^colib: COLIB_THREADS must be a number' 'which a line says as well'

# Which kernel thread each of eight threads runs on, from zero in the order in which they appear, the main thread's first.
$CC -std=gnu11 $CFLAGS -o "$OUT/dealt" -x c - -lpthread <<'C' || { echo "Bail out! dealt does not compile"; exit 1; }
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/syscall.h>
enum { THREADS = 8 };
static sem_t gate;
static long numbers[THREADS + 1];
static long kernels_number(void) {
  long number;
  __asm__ volatile("syscall" : "=a"(number) : "0"(SYS_gettid) : "rcx", "r11", "memory");
  return number;
}
static void *looks(void *number) {
  *(long *)number = kernels_number();
  sem_wait(&gate);
  return NULL;
}
int main(void) {
  pthread_t threads[THREADS];
  numbers[0] = kernels_number();
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, looks, &numbers[i + 1]);
  for (int i = 0; i < THREADS; i++) sem_post(&gate);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  long seen[THREADS + 1];
  for (int i = 0, count = 0; i <= THREADS; i++) {
    int place = 0;
    while (place < count && seen[place] != numbers[i]) place++;
    if (place == count) seen[count++] = numbers[i];
    printf("%d", place);
  }
  return 0;
}
C
is "$(COUNT=2 coroutines "$OUT/dealt")" 010101010 'two kernel threads get threads in turn, of two threads each gets one'
is "$(COUNT=4 coroutines "$OUT/dealt")" 012301230 'and four do'

# What the kernel keeps for each of its threads, and a thread changes for itself alone.
$CC -std=gnu11 $CFLAGS -rdynamic -o "$OUT/own" -x c - -lpthread <<'C' || { echo "Bail out! own does not compile"; exit 1; }
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>
void *changes_its_own(void *how) {
  if (how) syscall(SYS_setfsuid, getuid());
  else setfsuid(getuid()), unshare(CLONE_FS);
  return NULL;
}
int main(int argc, char **argv) {
  pthread_t thread;
  setfsuid(getuid());
  for (int i = 1; i < argc; i++) {
    pthread_create(&thread, NULL, changes_its_own, argv[i][0] == 'n' ? argv[i] : NULL);
    pthread_join(thread, NULL);
  }
  return 0;
}
C
is "$(coroutines "$OUT/own" 2>&1)" '' 'the only thread may change what is its own'
like "$(coroutines "$OUT/own" by_name 2>&1)" '^colib: COLIB_THREADS: a thread changes its own rights' 'of several, a line says that others have it too'
like "$(coroutines "$OUT/own" number 2>&1)" '^colib: COLIB_THREADS: a thread changes its own rights' 'by number as well'
is "$(coroutines "$OUT/own" by_name number 2>&1 | wc -l)" 1 'once'
is "$(COLIB_THREADS_REAL='changes_*' coroutines "$OUT/own" by_name 2>&1)" '' 'a thread that is kept real has them for itself'

# Threads that stay real, by what they run. They share locks with the others, and join them.
$CC -std=gnu11 $CFLAGS -I"$PROGRAMS" -rdynamic "$ROOT/tests/threads_mode/kept.c" -o "$OUT/kept" -lpthread || { echo "Bail out! kept does not compile"; exit 1; }
$CXX -std=c++17 $CFLAGS "$ROOT/tests/threads_mode/kept.cpp" -o "$OUT/kept_std" -lpthread || { echo "Bail out! kept_std does not compile"; exit 1; }
export COLIB_THREADS_REAL='nothing:real_*'
cases kept
is "$(coroutines "$OUT/kept" count)" '0 and 4' 'routines of that name are real threads'
is "$(COLIB_THREADS_REAL= coroutines "$OUT/kept" count)" '0 and 0' 'an empty list keeps none'
is "$(COLIB_THREADS_REAL='ke?t' coroutines "$OUT/kept" count)" '4 and 4' 'all that begin in a file of that name are'
is "$(COLIB_THREADS_REAL='kept_*' coroutines "$OUT/kept_std")" 1 'a std::thread belongs to the file that made it'
is "$(coroutines "$OUT/kept_std")" 0 'and is a coroutine otherwise'
unset COLIB_THREADS_REAL

# Go's runtime waits by instructions of its own: its threads stay real, and so do all in a program of Go's.
for flag in '' -DOF_GO; do
  $CC -std=gnu11 $CFLAGS $flag "$ROOT/tests/threads_mode/of_go.c" -o "$OUT/of_go$flag" -lpthread &&
    $CC -std=gnu11 $CFLAGS $flag -fPIC -shared "$ROOT/tests/threads_mode/of_go.c" -o "$OUT/of_go$flag.so" -lpthread ||
    { echo "Bail out! of_go does not compile"; exit 1; }
done
run "$OUT/go" env COLIB_THREADS=1 LD_PRELOAD="$PRELOAD" "$OUT/of_go" "$OUT/of_go.so"
is "$(cat "$OUT/go")" $'0 and 0\nends with 0' 'threads that have nothing to do with Go are coroutines'
run "$OUT/go" env COLIB_THREADS=1 LD_PRELOAD="$PRELOAD" "$OUT/of_go" "$OUT/of_go-DOF_GO.so"
is "$(cat "$OUT/go")" $'0 and 1\nends with 0' "those of a library of Go's are real"
run "$OUT/go" env COLIB_THREADS=1 LD_PRELOAD="$PRELOAD" "$OUT/of_go-DOF_GO" "$OUT/of_go.so"
is "$(cat "$OUT/go")" $'1 and 1\nends with 0' "and all in a program of Go's"

# A stack that is too small is said to be.
$CC -std=gnu11 -O0 -o "$OUT/overflows" -x c - -lpthread <<'C' || { echo "Bail out! overflows does not compile"; exit 1; }
#include <pthread.h>
#include <stdlib.h>
static int deeper(int depth) { volatile char room[1000] = {0}; return depth < 0 ? 0 : deeper(depth + 1) + room[depth % 1000]; }
static void *overflows(void *unused) { return deeper(0) ? unused : NULL; }
int main(void) {
  pthread_t thread;
  return pthread_create(&thread, NULL, overflows, NULL) || pthread_join(thread, NULL);
}
C
said=$( (coroutines "$OUT/overflows") 2>&1)
is $? 139 'a thread that overflows its stack ends the process'
like "$said" 'colib: stack overflow in thread 0x[0-9a-f]+: its stack is' 'and it is said which one did'

if rustc --edition 2024 -O -o "$OUT/std" "$ROOT/tests/threads_mode/std.rs" 2>"$OUT/rustc"; then
  run "$OUT/std.plain" "$OUT/std" 2>&1
  run "$OUT/std.coroutines" env COLIB_THREADS=1 LD_PRELOAD="$PRELOAD" "$OUT/std"
  is "$(grep -v panicked "$OUT/std.coroutines")" "$(grep -v panicked "$OUT/std.plain")" "threads of Rust's library"
else
  ok 1 'the Rust program compiles'; diag "$(cat "$OUT/rustc")"
fi

passes 'locks, conditions, joins, cancellations and forks at once, on one, two and four workers' "$ROOT/scripts/torture.sh" 2
done_testing
