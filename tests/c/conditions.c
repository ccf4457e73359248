/* Conditions: first come, first served; no signal is lost. */
#include "check.h"

#include <sched.h>

#include "co_routine_inner.h"

static stCoCond_t *cond;
static int order[1000], woken, timed_out;

struct wait {
  int number, timeout, result, error;
};

static void *waits(void *argument) {
  struct wait *me = argument;
  me->result = -2;
  errno = 0;
  me->result = co_cond_timedwait(cond, me->timeout);
  me->error = errno;
  order[woken] = me->number;
  __atomic_fetch_add(&woken, 1, __ATOMIC_RELEASE);
  if (me->result) timed_out++;
  return NULL;
}

static struct wait waiters[1000];

static stCoRoutine_t *add_waiter(int number, int timeout) {
  waiters[number].number = number;
  waiters[number].timeout = timeout;
  return start(waits, &waiters[number]);
}

TEST(waiters_are_served_first_come_first_served) {
  cond = co_cond_alloc();
  for (int i = 0; i < 1000; i++) add_waiter(i, i % 2 ? 100000 : -1);
  for (int i = 0; i < 1000; i++) {
    CHECK_IS(co_cond_signal(cond), 0);
    if (i % 3 == 0) loop_until(&woken, i + 1);
  }
  loop_until(&woken, 1000);
  for (int i = 0; i < 1000; i++) {
    CHECK_IS(order[i], i);
    CHECK_IS(waiters[i].result, 0);
  }
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(a_signal_wakes_one_and_in_a_later_turn) {
  cond = co_cond_alloc();
  add_waiter(0, -1);
  add_waiter(1, -1);
  co_cond_signal(cond);
  CHECK_IS(woken, 0);
  loop_for(10);
  CHECK_IS(woken, 1);
  CHECK_IS(order[0], 0);
}

TEST(a_signal_without_a_waiter_is_not_kept) {
  cond = co_cond_alloc();
  CHECK_IS(co_cond_signal(cond), 0);
  CHECK_IS(co_cond_broadcast(cond), 0);
  add_waiter(0, -1);
  loop_for(10);
  CHECK_IS(woken, 0);
  co_cond_signal(cond);
  loop_until(&woken, 1);
}

static void *waits_again(void *unused) {
  for (int i = 0; i < 2; i++) {
    CHECK_IS(co_cond_timedwait(cond, -1), 0);
    order[woken++]++;
  }
  return unused;
}

TEST(a_broadcast_wakes_everybody_who_waits_now_in_order) {
  cond = co_cond_alloc();
  for (int i = 0; i < 500; i++) add_waiter(i, -1);
  CHECK_IS(co_cond_broadcast(cond), 0);
  loop_until(&woken, 500);
  for (int i = 0; i < 500; i++) CHECK_IS(order[i], i);
  woken = 0;
  for (int i = 0; i < 10; i++) start(waits_again, NULL);
  co_cond_broadcast(cond);
  loop_for(10);
  CHECK_IS(woken, 10);
  co_cond_broadcast(cond);
  loop_for(10);
  CHECK_IS(woken, 20);
}

static void *signals_from_inside(void *unused) {
  co_cond_signal(cond);
  CHECK_IS(woken, 0);
  co_cond_broadcast(cond);
  CHECK_IS(woken, 0);
  return unused;
}

TEST(coroutines_signal_without_losing_control) {
  cond = co_cond_alloc();
  for (int i = 0; i < 5; i++) add_waiter(i, -1);
  start(signals_from_inside, NULL);
  loop_until(&woken, 5);
}

TEST(a_time_out_is_minus_one_and_etimedout_and_not_early) {
  cond = co_cond_alloc();
  long long before = now_ns();
  for (int i = 0; i < 10; i++) add_waiter(i, 20 + i);
  loop_until(&woken, 1);
  CHECK(now_ns() - before >= 20 * 1000000);
  loop_until(&woken, 10);
  CHECK(now_ns() - before >= 29 * 1000000);
  for (int i = 0; i < 10; i++) {
    CHECK_IS(waiters[i].result, -1);
    CHECK_IS(waiters[i].error, ETIMEDOUT);
  }
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(who_timed_out_no_longer_takes_a_signal) {
  cond = co_cond_alloc();
  add_waiter(0, 5);
  add_waiter(1, -1);
  loop_until(&woken, 1);
  co_cond_signal(cond);
  loop_until(&woken, 2);
  CHECK(waiters[0].result == -1 && waiters[1].result == 0);
}

TEST(a_time_out_that_is_not_positive_waits_without_end) {
  static const int timeouts[] = {0, -1, INT_MIN, INT_MAX};
  cond = co_cond_alloc();
  for (int i = 0; i < 4; i++) add_waiter(i, timeouts[i]);
  loop_for(50);
  CHECK_IS(woken, 0);
  co_cond_broadcast(cond);
  loop_until(&woken, 4);
  CHECK_IS(timed_out, 0);
}

TEST(outside_any_coroutine_waiting_is_eperm) {
  cond = co_cond_alloc();
  for (int i = 0; i < 2; i++) {
    errno = 0;
    CHECK_IS(co_cond_timedwait(cond, 10), -1);
    CHECK_IS(errno, EPERM);
    co_init_curr_thread_env();
  }
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(a_condition_with_waiters_is_busy) {
  CHECK_IS(co_cond_free(NULL), 0);
  cond = co_cond_alloc();
  stCoRoutine_t *co = add_waiter(0, -1);
  errno = 0;
  CHECK(co_cond_free(cond) == -1 && errno == EBUSY);
  co_cond_signal(cond);
  loop_until(&woken, 1);
  CHECK(co->cEnd);
  co = add_waiter(1, -1);
  errno = 0;
  CHECK(co_cond_free(cond) == -1 && errno == EBUSY);
  co_release(co);
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(a_signalled_waiter_that_is_resumed_by_hand_saw_the_signal) {
  cond = co_cond_alloc();
  stCoRoutine_t *co = add_waiter(0, 100000);
  co_cond_signal(cond);
  co_resume(co);
  CHECK_IS(woken, 1);
  CHECK_IS(waiters[0].result, 0);
  loop_for(5);
  CHECK_IS(woken, 1);
}

TEST(a_signalled_waiter_can_be_released_or_reset) {
  cond = co_cond_alloc();
  stCoRoutine_t *one = add_waiter(0, -1), *two = add_waiter(1, -1);
  co_cond_broadcast(cond);
  co_release(one);
  co_reset(two);
  loop_for(5);
  CHECK_IS(woken, 0);
  co_resume(two);
  co_cond_signal(cond);
  loop_until(&woken, 1);
  CHECK_IS(waiters[1].result, 0);
  co_release(two);
  CHECK_IS(co_cond_free(cond), 0);
}

/* ---- other threads ---------------------------------------------------------------------------------- */

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
    if (in_threads % 64 == 0) co_cond_broadcast(cond);
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
  stop = 1;
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
  stop = 1;
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
  stop = 1;
  pthread_join(thread, NULL);
  CHECK_IS(co_cond_free(cond), 0);
}

/* ---- a program as people write them ------------------------------------------------------------------ */

static int queue, produced, consumed, drained;
enum { GOODS = 10000 };

static void *produces(void *unused) {
  co_enable_hook_sys();
  while (produced < GOODS) {
    produced++;
    queue++;
    co_cond_signal(cond);
    if (produced % 100 == 0) poll(NULL, 0, 1);
  }
  return unused;
}

static void *consumes(void *unused) {
  co_enable_hook_sys();
  for (;;) {
    if (queue == 0) {
      co_cond_timedwait(cond, -1);
      continue;
    }
    queue--;
    if (++consumed == GOODS) drained = 1;
  }
  return unused;
}

TEST(producers_and_consumers_move_everything_once) {
  cond = co_cond_alloc();
  for (int i = 0; i < 3; i++) start(consumes, NULL);
  for (int i = 0; i < 3; i++) start(produces, NULL);
  loop_until(&drained, 1);
  CHECK(produced >= GOODS && consumed == GOODS && queue == produced - GOODS);
}

RUN_TESTS
