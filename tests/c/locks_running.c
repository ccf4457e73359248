/* A lock whose owner runs on another thread: whoever waits for it stays where he is, as a thread does. A library may be in the middle of
 * something that is its thread's own, and must not be met there by another coroutine of that thread. */
#include "locks.h"

enum { THREADS = 3, COROUTINES = 4, ROUNDS = 300 };
static int done, met, rounds = ROUNDS, threads_meant = THREADS;
static long long held_for = 20000; /* nanoseconds */
static pthread_mutex_t mutex;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static __thread int in_the_middle;

/* The thread's own, asked for anew each time. */
static NOINLINE int *middle(void) { return &in_the_middle; }

static void compute(long long nanos) {
  for (long long end = now_ns() + nanos; now_ns() < end;) continue;
}

static int lock_mutex(void) { return pthread_mutex_lock(&mutex); }
static int unlock_mutex(void) { return pthread_mutex_unlock(&mutex); }
static int lock_for_long(void) {
  struct timespec later = after_ms(CLOCK_REALTIME, 100000);
  return pthread_mutex_timedlock(&mutex, &later);
}
static int lock_write(void) { return pthread_rwlock_wrlock(&rwlock); }
static int lock_read_or_write(void) {
  static __thread unsigned turn;
  return turn++ % 2 ? pthread_rwlock_rdlock(&rwlock) : pthread_rwlock_wrlock(&rwlock);
}
static int unlock_rwlock(void) { return pthread_rwlock_unlock(&rwlock); }

static int (*lock)(void), (*unlock)(void);

static pthread_once_t once[ROUNDS];
static void compute_once(void) { compute(20000); }
static int no_lock(void) { return 0; }

/* What a library does that has a state for each thread, and a lock for what all threads share. */
static void use_the_library(int round) {
  if (*middle()) __atomic_add_fetch(&met, 1, __ATOMIC_RELAXED);
  *middle() = 1;
  CHECK_IS(pthread_once(&once[round], compute_once), 0);
  CHECK_IS(lock(), 0);
  compute(held_for);
  CHECK_IS(unlock(), 0);
  *middle() = 0;
}

static void *uses_the_library(void *unused) {
  (void)unused;
  co_enable_hook_sys();
  for (int i = 0; i < rounds; i++) {
    use_the_library(i);
    usleep(1);
  }
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void *has_coroutines(void *unused) {
  (void)unused;
  for (int i = 0; i < COROUTINES; i++) co_resume(spawn(uses_the_library, NULL));
  loop_until(&done, threads_meant * COROUTINES);
  return NULL;
}

static void nobody_is_met(int (*locks)(void), int (*unlocks)(void)) {
  pthread_t threads[THREADS];
  lock = locks;
  unlock = unlocks;
  for (int i = 0; i < THREADS; i++) CHECK_IS(pthread_create(&threads[i], NULL, has_coroutines, NULL), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK_IS(met, 0);
}

TEST(nobody_is_met_in_the_middle_who_waits_for_a_mutex) {
  mutex = mutex_of(PTHREAD_MUTEX_NORMAL);
  nobody_is_met(lock_mutex, unlock_mutex);
}

TEST(nobody_is_met_in_the_middle_who_waits_for_a_mutex_with_a_time_out) {
  mutex = mutex_of(PTHREAD_MUTEX_ADAPTIVE_NP);
  nobody_is_met(lock_for_long, unlock_mutex);
}

TEST(nobody_is_met_in_the_middle_who_waits_for_a_recursive_mutex) {
  mutex = mutex_of(PTHREAD_MUTEX_RECURSIVE);
  nobody_is_met(lock_mutex, unlock_mutex);
}

TEST(nobody_is_met_in_the_middle_who_waits_for_a_checking_mutex) {
  mutex = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
  nobody_is_met(lock_mutex, unlock_mutex);
}

TEST(nobody_is_met_in_the_middle_who_waits_for_what_is_done_once) { nobody_is_met(no_lock, no_lock); }

TEST(nobody_is_met_in_the_middle_who_waits_to_write) { nobody_is_met(lock_write, unlock_rwlock); }

TEST(nobody_is_met_in_the_middle_who_waits_to_read_or_write) { nobody_is_met(lock_read_or_write, unlock_rwlock); }

static void *does_nothing(void *unused) { return unused; }

/* The thread that goes on in the child has had coroutines before, and is one of the two. */
static void nobody_is_met_in_a_child(int (*locks)(void), int (*unlocks)(void)) {
  int status = -1;
  co_resume(spawn(does_nothing, NULL));
  pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    pthread_t other;
    lock = locks, unlock = unlocks;
    threads_meant = 2, rounds = 20, held_for = 3000000;
    CHECK_IS(pthread_create(&other, NULL, has_coroutines, NULL), 0);
    has_coroutines(NULL);
    pthread_join(other, NULL);
    CHECK_IS(met, 0);
    _exit(check_failures != 0);
  }
  NEED(waitpid(child, &status, 0) == child);
  CHECK_IS(status, 0);
}

TEST(nobody_is_met_in_a_child_of_fork_who_waits_for_a_mutex) {
  mutex = mutex_of(PTHREAD_MUTEX_NORMAL);
  nobody_is_met_in_a_child(lock_mutex, unlock_mutex);
}

TEST(nobody_is_met_in_a_child_of_fork_who_waits_to_write) { nobody_is_met_in_a_child(lock_write, unlock_rwlock); }

/* ---- an owner that is parked ----------------------------------------------------------------------------- */

enum { TICKS = 20 };
static int held, kept, release[2];

static void *parks_with_the_lock(void *unused) {
  char byte;
  co_enable_hook_sys();
  CHECK_IS(lock(), 0);
  __atomic_store_n(&held, 1, __ATOMIC_SEQ_CST);
  CHECK_IS(read(release[0], &byte, 1), 1);
  CHECK_IS(unlock(), 0);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return unused;
}

/* Another coroutine of the owner's thread, which does not leave it: half a second of CPU time, unless the others go on before. */
static void *keeps_the_thread(void *unused) {
  struct timespec used;
  int first = __atomic_load_n(&ticks, __ATOMIC_SEQ_CST), now = first;
  co_enable_hook_sys();
  __atomic_store_n(&kept, 1, __ATOMIC_SEQ_CST);
  do {
    now = __atomic_load_n(&ticks, __ATOMIC_SEQ_CST);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  } while (now < first + TICKS && used.tv_sec == 0 && used.tv_nsec < 500000000);
  CHECK(now >= first + TICKS);
  CHECK_IS(write(release[1], "r", 1), 1);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return unused;
}

static void *has_the_owner(void *unused) {
  co_resume(spawn(parks_with_the_lock, NULL));
  co_resume(spawn(keeps_the_thread, NULL));
  loop_until(&done, 3);
  return unused;
}

static void *waits_for_the_lock(void *unused) {
  co_enable_hook_sys();
  while (!__atomic_load_n(&kept, __ATOMIC_SEQ_CST)) usleep(100);
  CHECK_IS(lock(), 0);
  CHECK_IS(unlock(), 0);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return unused;
}

static void others_run_meanwhile(int (*locks)(void), int (*unlocks)(void)) {
  pthread_t thread;
  lock = locks;
  unlock = unlocks;
  CHECK_IS(pipe(release), 0);
  CHECK_IS(pthread_create(&thread, NULL, has_the_owner, NULL), 0);
  while (!__atomic_load_n(&held, __ATOMIC_SEQ_CST)) compute(1000);
  co_resume(spawn(ticks_on, NULL));
  co_resume(spawn(waits_for_the_lock, NULL));
  loop_until(&done, 3);
  pthread_join(thread, NULL);
}

TEST(an_owner_that_is_parked_keeps_nobody_though_its_thread_runs_with_a_mutex) {
  mutex = mutex_of(PTHREAD_MUTEX_NORMAL);
  others_run_meanwhile(lock_mutex, unlock_mutex);
}

TEST(an_owner_that_is_parked_keeps_nobody_though_its_thread_runs_with_a_recursive_mutex) {
  mutex = mutex_of(PTHREAD_MUTEX_RECURSIVE);
  others_run_meanwhile(lock_mutex, unlock_mutex);
}

TEST(an_owner_that_is_parked_keeps_nobody_though_its_thread_runs_with_a_writer) { others_run_meanwhile(lock_write, unlock_rwlock); }

/* ---- an owner that is parked, and coroutines of two threads that come to it at once ----------------------- */

/* Neither thread takes the other's coroutine, which only waits as well, for the owner. */
static int has_had_it, had, arrived, counted[2];
static pthread_once_t slow = PTHREAD_ONCE_INIT;

static void parks(void) {
  char byte;
  __atomic_store_n(&held, 1, __ATOMIC_SEQ_CST);
  CHECK_IS(read(release[0], &byte, 1), 1);
}

static int begin_slow(void) { return pthread_once(&slow, parks); }
static int read_slowly(void) {
  int result = pthread_rwlock_rdlock(&rwlock);
  parks();
  return result;
}

static void *has_it_and_parks(void *unused) {
  co_enable_hook_sys();
  while (has_had_it && __atomic_load_n(&had, __ATOMIC_SEQ_CST) < 2) usleep(100);
  CHECK_IS(lock(), 0);
  CHECK_IS(unlock(), 0);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return unused;
}

static void *has_who_parks(void *unused) {
  co_resume(spawn(has_it_and_parks, NULL));
  loop_until(&done, 3);
  return unused;
}

static int (*comes_to)(void);

static void *comes(void *unused) {
  co_enable_hook_sys();
  if (has_had_it) {
    CHECK_IS(comes_to(), 0);
    CHECK_IS(unlock(), 0);
    __atomic_add_fetch(&had, 1, __ATOMIC_SEQ_CST);
  }
  while (!__atomic_load_n(&held, __ATOMIC_SEQ_CST)) usleep(100);
  __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2) continue;
  CHECK_IS(comes_to(), 0);
  CHECK_IS(unlock(), 0);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return unused;
}

static void *counts(void *count) {
  co_enable_hook_sys();
  for (;;) {
    usleep(1000);
    __atomic_add_fetch((int *)count, 1, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

static void *has_who_come(void *count) {
  co_resume(spawn(counts, count));
  co_resume(spawn(comes, NULL));
  loop_until(&done, 3);
  return NULL;
}

static int has_ticked(int thread, int since) { return __atomic_load_n(&counted[thread], __ATOMIC_SEQ_CST) >= since + TICKS; }

/* A plain thread: half a second of CPU time, unless both threads go on before. */
static void *looks_on(void *unused) {
  struct timespec used;
  while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2) usleep(100);
  int since[] = {__atomic_load_n(&counted[0], __ATOMIC_SEQ_CST), __atomic_load_n(&counted[1], __ATOMIC_SEQ_CST)};
  do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  while (!(has_ticked(0, since[0]) && has_ticked(1, since[1])) && used.tv_sec == 0 && used.tv_nsec < 500000000);
  CHECK(has_ticked(0, since[0]));
  CHECK(has_ticked(1, since[1]));
  CHECK_IS(write(release[1], "r", 1), 1);
  return unused;
}

static void both_threads_go_on(int (*has)(void), int (*locks)(void), int (*unlocks)(void)) {
  pthread_t owner, other, looker;
  lock = has, comes_to = locks, unlock = unlocks;
  CHECK_IS(pipe(release), 0);
  CHECK_IS(pthread_create(&owner, NULL, has_who_parks, NULL), 0);
  CHECK_IS(pthread_create(&looker, NULL, looks_on, NULL), 0);
  CHECK_IS(pthread_create(&other, NULL, has_who_come, &counted[1]), 0);
  has_who_come(&counted[0]);
  pthread_join(owner, NULL);
  pthread_join(other, NULL);
  pthread_join(looker, NULL);
}

TEST(two_threads_that_come_to_what_is_done_once_by_a_parked_coroutine_do_not_wait_for_each_other) {
  both_threads_go_on(begin_slow, begin_slow, no_lock);
}

TEST(two_threads_that_would_write_while_a_parked_coroutine_reads_do_not_wait_for_each_other) {
  both_threads_go_on(read_slowly, lock_write, unlock_rwlock);
}

TEST(two_threads_that_have_written_before_do_not_wait_for_each_other_either) {
  has_had_it = 1;
  both_threads_go_on(read_slowly, lock_write, unlock_rwlock);
}

RUN_TESTS
