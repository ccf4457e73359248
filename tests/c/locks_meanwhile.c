/* What the thread does while its coroutines wait for locks. */
#include "locks.h"

#include <dlfcn.h>
#include <threads.h>

enum { EACH = 20, MS = 100 };
static int done;
static pthread_mutex_t mutexes[EACH];
static pthread_cond_t conds[EACH];
static pthread_rwlock_t rwlocks[EACH];
static sem_t sems[EACH];
static pthread_barrier_t barriers[EACH];
static pthread_once_t onces[EACH];
static pthread_t threads[EACH];
static thrd_t others[EACH];
static mtx_t mtxs[EACH];
static cnd_t cnds[EACH];

static void nothing(void) {}
static void lasts(void) { usleep(MS * 1000); }
static void *lives(void *unused) {
  usleep(MS * 1000);
  return unused;
}
static int lives_too(void *unused) {
  (void)unused;
  return usleep(MS * 1000);
}

/* Each way to wait is let go by nobody, or after MS milliseconds. */
static void wait_somehow(int way, int i) {
  struct timespec wall = after_ms(CLOCK_REALTIME, MS), steady = after_ms(CLOCK_MONOTONIC, MS);
  switch (way) {
    case 0: CHECK_IS(pthread_mutex_timedlock(&mutexes[i], &wall), ETIMEDOUT); break;
    case 1: CHECK_IS(pthread_mutex_clocklock(&mutexes[i], CLOCK_MONOTONIC, &steady), ETIMEDOUT); break;
    case 2: {
      pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
      pthread_mutex_lock(&own);
      CHECK_IS(pthread_cond_timedwait(&conds[i], &own, &wall), ETIMEDOUT);
      pthread_mutex_unlock(&own);
      break;
    }
    case 3: CHECK_IS(pthread_rwlock_timedrdlock(&rwlocks[i], &wall), ETIMEDOUT); break;
    case 4: CHECK_IS(pthread_rwlock_clockwrlock(&rwlocks[i], CLOCK_MONOTONIC, &steady), ETIMEDOUT); break;
    case 5: CHECK(sem_timedwait(&sems[i], &wall) == -1 && errno == ETIMEDOUT); break;
    case 6: CHECK_IS(pthread_join(threads[i], NULL), 0); break;
    case 7: CHECK_IS(thrd_join(others[i], NULL), thrd_success); break;
    case 8: CHECK_IS(pthread_once(&onces[i], lasts), 0); break;
    case 9: {
      int got = pthread_barrier_wait(&barriers[i]);
      CHECK(got == 0 || got == PTHREAD_BARRIER_SERIAL_THREAD);
      break;
    }
    case 10: CHECK_IS(mtx_timedlock(&mtxs[i], &wall), thrd_timedout); break;
    default: {
      mtx_t own;
      mtx_init(&own, mtx_plain);
      mtx_lock(&own);
      CHECK_IS(cnd_timedwait(&cnds[i], &own, &wall), thrd_timedout);
      mtx_unlock(&own);
    }
  }
}

static void *waits(void *which) {
  int way = (int)(intptr_t)which / EACH, i = (int)(intptr_t)which % EACH;
  co_enable_hook_sys();
  wait_somehow(way, i);
  done++;
  return NULL;
}

static void *meets_late(void *unused) {
  co_enable_hook_sys();
  usleep(MS * 1000);
  for (int i = 0; i < EACH; i++) pthread_barrier_wait(&barriers[i]);
  return unused;
}

TEST(twenty_coroutines_that_wait_in_each_of_the_calls_wait_at_the_same_time) {
  enum { WAYS = 12 };
  for (int i = 0; i < EACH; i++) {
    pthread_mutex_init(&mutexes[i], NULL);
    pthread_mutex_lock(&mutexes[i]);
    pthread_cond_init(&conds[i], NULL);
    pthread_rwlock_init(&rwlocks[i], NULL);
    pthread_rwlock_wrlock(&rwlocks[i]);
    sem_init(&sems[i], 0, 0);
    pthread_barrier_init(&barriers[i], NULL, 2);
    pthread_create(&threads[i], NULL, lives, NULL);
    thrd_create(&others[i], lives_too, NULL);
    mtx_init(&mtxs[i], mtx_timed);
    mtx_lock(&mtxs[i]);
    cnd_init(&cnds[i]);
  }
  for (intptr_t i = 0; i < WAYS * EACH; i++) start(waits, (void *)i);
  /* One that blocked the thread has ended before the next began. */
  CHECK_IS(done, 0);
  start(meets_late, NULL);
  loop_until(&done, WAYS * EACH);
  pthread_once(&onces[0], nothing);
}

/* ---- malloc ----------------------------------------------------------------------------------------- */

static void (*hold)(unsigned);
static int *held, *kind;

static void *holds(void *unused) {
  hold(100000);
  return unused;
}

static void *allocates(void *unused) {
  co_enable_hook_sys();
  int before = ticks;
  /* Where the program is not to be loaded anywhere, the function's address is in its own code. */
  void *(*volatile allocate)(size_t) = malloc, *volatile memory = allocate(100);
  if (!CHECK_IS(ticks, before)) fprintf(stderr, "# with the lock of kind %d\n", *kind);
  free(memory);
  done++;
  return unused;
}

/* With the allocator of locks_allocator.c preloaded, and each kind of lock that it has. */
TEST(nobody_parks_inside_the_allocator) {
  enum { KINDS = 6 };
  hold = (void (*)(unsigned))dlsym(RTLD_DEFAULT, "hold_allocator");
  held = (int *)dlsym(RTLD_DEFAULT, "allocator_held");
  kind = (int *)dlsym(RTLD_DEFAULT, "allocator_lock");
  if (!hold || !held || !kind) SKIP("not with libc's own allocator");
  start(ticks_on, NULL);
  loop_for(5);
  for (int i = 0; i < KINDS; i++) {
    pthread_t thread;
    stCoRoutine_t *co = spawn(allocates, NULL);
    *kind = i;
    pthread_create(&thread, NULL, holds, NULL);
    while (!__atomic_load_n(held, __ATOMIC_SEQ_CST)) sched_yield();
    co_resume(co);
    CHECK_IS(done, i + 1);
    pthread_join(thread, NULL);
  }
}

RUN_TESTS
