/* Conditions between threads: no signal is lost, whatever it races with. */
#include "waiters.h"

#include <sched.h>

static void *signals_a_thousand_times(void *unused) {
  for (int i = 0; i < 1000; i++) {
    co_cond_signal(cond);
    if (i % 50 == 0) usleep(100);
  }
  return unused;
}

TEST(each_signal_of_another_thread_wakes_one) {
  pthread_t thread;
  cond = co_cond_alloc();
  for (int i = 0; i < 1000; i++) add_waiter(i, -1);
  pthread_create(&thread, NULL, signals_a_thousand_times, NULL);
  loop_until(&woken, 1000);
  pthread_join(thread, NULL);
  for (int i = 0; i < 1000; i++) CHECK_IS(order[i], i);
}

static void *signals_late(void *unused) {
  usleep(30000);
  co_cond_signal(cond);
  return unused;
}

static int never_called_back;

static void *waits_then_leaves(void *unused) {
  CHECK_IS(co_cond_timedwait(cond, -1), 0);
  never_called_back = 1;
  fflush(NULL);
  _exit(check_failures ? 1 : 0);
  return unused;
}

TEST(a_signal_of_another_thread_wakes_a_sleeping_loop) {
  pthread_t thread;
  cond = co_cond_alloc();
  start(waits_then_leaves, NULL);
  pthread_create(&thread, NULL, signals_late, NULL);
  pthread_detach(thread);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}

enum { THREADS = 4, EACH = 5000 };
static int in_threads, to_wake;

static void *counts(void *left) {
  while (*(int *)left > 0) {
    CHECK_IS(co_cond_timedwait(cond, -1), 0);
    __atomic_fetch_add(&in_threads, 1, __ATOMIC_RELAXED);
    --*(int *)left;
  }
  return NULL;
}

static int none_left(void *left) { return *(int *)left <= 0 ? -1 : 0; }

static void *runs_a_loop(void *unused) {
  int left = EACH;
  stCoRoutine_t *all[10];
  for (int i = 0; i < 10; i++) all[i] = start(counts, &left);
  __atomic_fetch_add(&to_wake, 1, __ATOMIC_RELEASE);
  co_eventloop(co_get_epoll_ct(), none_left, &left);
  for (int i = 0; i < 10; i++) co_release(all[i]);
  __atomic_fetch_sub(&to_wake, 1, __ATOMIC_RELEASE);
  return unused;
}

TEST(coroutines_of_many_threads_wait_for_one_condition) {
  pthread_t threads[THREADS];
  cond = co_cond_alloc();
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, runs_a_loop, NULL);
  while (__atomic_load_n(&to_wake, __ATOMIC_ACQUIRE) < THREADS) sched_yield();
  while (__atomic_load_n(&to_wake, __ATOMIC_ACQUIRE) > 0) {
    co_cond_signal(cond);
    if (__atomic_load_n(&in_threads, __ATOMIC_RELAXED) % 64 == 0) co_cond_broadcast(cond);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK(in_threads >= THREADS * EACH);
  CHECK_IS(co_cond_free(cond), 0);
}

/*
 * A signal races with the time-out of the first of two waiters. Either it was that one's signal, or it was
 * the second's, who waits without end: one of them must have seen it.
 */
enum { ROUNDS = 3000 };
static int round_number, finished_round, lost;
static struct wait first, second;

static void *races(void *unused) {
  struct dice dice = {(uint64_t)now_ns()};
  for (int i = 1; i <= ROUNDS; i++) {
    while (__atomic_load_n(&round_number, __ATOMIC_ACQUIRE) < i) sched_yield();
    long long until = now_ns() + 900000 + below(&dice, 250000);
    while (now_ns() < until) continue;
    co_cond_signal(cond);
    __atomic_store_n(&finished_round, i, __ATOMIC_RELEASE);
  }
  return unused;
}

static int time_outs_won;

TEST(a_signal_that_races_with_a_time_out_is_never_lost) {
  pthread_t thread;
  cond = co_cond_alloc();
  pthread_create(&thread, NULL, races, NULL);
  first.timeout = 1;
  second.timeout = -1;
  for (int i = 1; i <= ROUNDS && !lost; i++) {
    woken = 0;
    stCoRoutine_t *one = start(waits, &first), *two = start(waits, &second);
    __atomic_store_n(&round_number, i, __ATOMIC_RELEASE);
    loop_until(&finished_round, i);
    loop_until(&woken, 1);
    if (first.result == 0) {
      CHECK_IS(woken, 1);
      co_cond_signal(cond);
    } else {
      time_outs_won++;
    }
    long long before = now_ns();
    while (woken < 2 && since_ms(before) < 5000) loop_for(0);
    lost = !CHECK_IS(woken, 2);
    CHECK_IS(second.result, 0);
    co_release(one);
    co_release(two);
  }
  fprintf(stderr, "# the time-out was first %d times of %d\n", time_outs_won, ROUNDS);
  if (!lost) pthread_join(thread, NULL);
  CHECK_IS(co_cond_free(cond), 0);
}

/* The same, with the coroutine resumed by hand while the signal is under way. */
static void *signals_for_ever(void *stop) {
  while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) co_cond_signal(cond);
  return NULL;
}

static void *waits_for_ever(void *tally) {
  for (;;) ((int *)tally)[co_cond_timedwait(cond, 0) == 0]++;
  return NULL;
}

TEST(resuming_by_hand_while_another_thread_signals_harms_nobody) {
  pthread_t thread;
  int stop = 0, tally[2] = {0, 0};
  cond = co_cond_alloc();
  pthread_create(&thread, NULL, signals_for_ever, &stop);
  stCoRoutine_t *co = start(waits_for_ever, tally);
  for (int i = 0; i < 20000; i++) {
    co_resume(co);
    if (i % 100 == 0) loop_for(0);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  CHECK(tally[0] > 0 && tally[1] > 0);
  CHECK(tally[0] + tally[1] >= 20000);
  co_release(co);
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(releasing_while_another_thread_signals_harms_nobody) {
  pthread_t thread;
  int stop = 0, tally[2] = {0, 0};
  cond = co_cond_alloc();
  pthread_create(&thread, NULL, signals_for_ever, &stop);
  for (int i = 0; i < 20000; i++) {
    stCoRoutine_t *co = start(waits_for_ever, tally);
    if (i % 100 == 0) loop_for(0);
    if (i % 3 == 0) co_reset(co);
    co_release(co);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  CHECK_IS(co_cond_free(cond), 0);
}

static void *leaves_waiters(void *unused) {
  static __thread int tally[2];
  for (int i = 0; i < 20; i++) start(waits_for_ever, tally);
  return unused;
}

TEST(threads_that_end_while_others_signal_harm_nobody) {
  pthread_t thread, leaver;
  int stop = 0;
  cond = co_cond_alloc();
  pthread_create(&thread, NULL, signals_for_ever, &stop);
  for (int i = 0; i < 1000; i++) {
    pthread_create(&leaver, NULL, leaves_waiters, NULL);
    pthread_join(leaver, NULL);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  CHECK_IS(co_cond_free(cond), 0);
}

RUN_TESTS
