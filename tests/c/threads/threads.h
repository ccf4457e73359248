/* threads.h - coroutines that wait for long, and bystanders, to which nothing may happen. */
#ifndef THREADS_H
#define THREADS_H

#include "../check.h"

static int done;
static stCoCond_t *cond;

UNUSED static int add_done(void) { return __atomic_add_fetch(&done, 1, __ATOMIC_ACQ_REL); }

UNUSED static void join_all(pthread_t *threads, int count) {
  for (int i = 0; i < count; i++) CHECK_IS(pthread_join(threads[i], NULL), 0);
}

UNUSED static void *yields(void *unused) {
  char bytes[5000];
  memset(bytes, 1, sizeof bytes);
  co_yield_ct();
  return unused;
}

UNUSED static void *sleeps_long(void *unused) {
  co_enable_hook_sys();
  sleep(1000);
  return unused;
}

UNUSED static void *waits_for_condition(void *unused) {
  co_cond_timedwait(cond, -1);
  return unused;
}

static __thread int quiet[2];

UNUSED static void *reads(void *unused) {
  char byte;
  co_enable_hook_sys();
  return read(quiet[0], &byte, 1) == 1 ? unused : NULL;
}

UNUSED static void *runs_out(void *unused) { return unused; }

UNUSED static void *bystander_reads(void *argument) {
  int *ends = argument;
  char byte = 0;
  co_enable_hook_sys();
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(byte, 'p');
  add_done();
  return NULL;
}

UNUSED static void *bystander_sleeps(void *unused) {
  long long before = now_ns();
  co_enable_hook_sys();
  usleep(100000);
  CHECK(now_ns() - before >= 100000000);
  add_done();
  return unused;
}

UNUSED static void *bystander_waits(void *unused) {
  CHECK_IS(co_cond_timedwait(cond, -1), 0);
  add_done();
  return unused;
}

UNUSED static int common[2];

#endif
