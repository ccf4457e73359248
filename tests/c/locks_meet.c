/* Barriers, what is to happen once, and the ends of threads, in coroutines. */
#include "locks.h"

#include <threads.h>

static int done, value;

/* ---- barriers --------------------------------------------------------------------------------------- */

static pthread_barrier_t barrier;
static int serial, rounds[300];

static void *goes_through(void *count) {
  int n = (int)(intptr_t)count;
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    __atomic_add_fetch(&rounds[i], 1, __ATOMIC_SEQ_CST);
    int got = pthread_barrier_wait(&barrier);
    CHECK(got == 0 || got == PTHREAD_BARRIER_SERIAL_THREAD);
    if (got) __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
    CHECK_IS(__atomic_load_n(&rounds[i], __ATOMIC_SEQ_CST), n);
  }
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

TEST(a_hundred_coroutines_meet_at_a_barrier) {
  pthread_barrier_init(&barrier, NULL, 100);
  for (int i = 0; i < 100; i++) start(goes_through, (void *)100);
  loop_until(&done, 100);
  CHECK_IS(serial, 10);
  CHECK_IS(pthread_barrier_destroy(&barrier), 0);
}

TEST(coroutines_and_threads_meet_at_a_barrier) {
  pthread_t threads[3];
  pthread_barrier_init(&barrier, NULL, 10);
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, goes_through, (void *)10);
  for (int i = 0; i < 7; i++) start(goes_through, (void *)10);
  loop_until(&done, 10);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK_IS(serial, 10);
  CHECK_IS(pthread_barrier_destroy(&barrier), 0);
}

static void *destroys_at_once(void *unused) {
  co_enable_hook_sys();
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
    CHECK_IS(pthread_barrier_destroy(&barrier), 0);
    memset(&barrier, 0xff, sizeof barrier);
  }
  done++;
  return unused;
}

TEST(a_barrier_may_be_destroyed_by_the_first_who_comes_out) {
  pthread_barrier_init(&barrier, NULL, 4);
  for (int i = 0; i < 4; i++) start(destroys_at_once, NULL);
  loop_until(&done, 4);
}

/* ---- once ------------------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag flag = ONCE_FLAG_INIT;
static int runs, others_tick;

/* Until the others of its thread have gone on for some time, where there are some that tick. */
static void runs_long(void) {
  int before = ticks;
  runs++;
  do usleep(50000);
  while (others_tick && ticks < before + 2);
  value = 5;
}

static void *calls_once(void *which) {
  co_enable_hook_sys();
  if (which) call_once(&flag, runs_long);
  else CHECK_IS(pthread_once(&once, runs_long), 0);
  CHECK_IS(value, 5);
  done++;
  return NULL;
}

TEST(a_routine_that_parks_runs_once) {
  others_tick = 1;
  start(ticks_on, NULL);
  for (int i = 0; i < 5; i++) start(calls_once, NULL);
  loop_until(&done, 5);
  CHECK_IS(runs, 1);
  value = 0;
  for (int i = 0; i < 5; i++) start(calls_once, &flag);
  loop_until(&done, 10);
  CHECK_IS(runs, 2);
}

static void *once_on_thread(void *unused) {
  CHECK_IS(pthread_once(&once, runs_long), 0);
  CHECK_IS(value, 5);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return unused;
}

TEST(threads_and_coroutines_wait_for_the_same_routine) {
  for (int i = 0; i < 2; i++) {
    pthread_t threads[2];
    once = PTHREAD_ONCE_INIT;
    done = runs = value = 0;
    if (i == 0) start(calls_once, NULL);
    for (int j = 0; j < 2; j++) pthread_create(&threads[j], NULL, once_on_thread, NULL);
    usleep(10000);
    start(calls_once, NULL);
    loop_until(&done, i == 0 ? 4 : 3);
    for (int j = 0; j < 2; j++) pthread_join(threads[j], NULL);
    CHECK_IS(runs, 1);
  }
}

/* ---- the ends of threads ---------------------------------------------------------------------------- */

static void *lives(void *until) {
  while (!__atomic_load_n((int *)until, __ATOMIC_SEQ_CST)) usleep(1000);
  return (void *)42;
}

/* Until the thread of those who join has gone on for some time. */
static int c11_lives(void *unused) {
  (void)unused;
  while (__atomic_load_n(&ticks, __ATOMIC_SEQ_CST) < 2) usleep(1000);
  return 43;
}

#define JOINERS 80

static void *joins(void *number) {
  static int may_end[JOINERS][2];
  int *mine = may_end[(intptr_t)number];
  pthread_t thread;
  void *result = NULL;
  struct timespec t;
  int code = 0;
  thrd_t other;
  co_enable_hook_sys();
#ifndef __SANITIZE_ADDRESS__
  /* That of GCC 15 ends programs that ask for what cannot be joined. */
  CHECK_IS(pthread_join(pthread_self(), NULL), EDEADLK);
#endif
  pthread_create(&thread, NULL, lives, &mine[0]);
  t = after_ms(CLOCK_REALTIME, 10);
  CHECK_IS(pthread_timedjoin_np(thread, &result, &t), ETIMEDOUT);
  t = after_ms(CLOCK_MONOTONIC, 10);
  CHECK_IS(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &t), ETIMEDOUT);
  CHECK_IS(pthread_clockjoin_np(thread, &result, CLOCK_TAI, &t), EINVAL);
  __atomic_store_n(&mine[0], 1, __ATOMIC_SEQ_CST);
  CHECK_IS(pthread_join(thread, &result), 0);
  CHECK(result == (void *)42);
  CHECK_IS(thrd_create(&other, c11_lives, NULL), thrd_success);
  CHECK_IS(thrd_join(other, &code), thrd_success);
  CHECK_IS(code, 43);
  pthread_create(&thread, NULL, lives, &mine[1]);
  pthread_detach(thread);
#ifndef __SANITIZE_ADDRESS__
  CHECK_IS(pthread_join(thread, NULL), EINVAL);
#endif
  __atomic_store_n(&mine[1], 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
  return number;
}

TEST(more_coroutines_join_threads_than_there_are_helpers) {
  start(ticks_on, NULL);
  for (intptr_t i = 0; i < JOINERS; i++) start(joins, (void *)i);
  loop_until(&done, JOINERS);
}

RUN_TESTS
