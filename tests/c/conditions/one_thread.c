/* Conditions within a thread: first come, first served; time-outs; who may wait; what is released while it waits. */
#include "waiters.h"

#include "co_routine_inner.h"

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

/* ---- a program as people write them ----------------------------------------------------------------- */

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

static stCoCond_t *other;
static int heard, writable;

static void *passes(void *first) {
  stCoCond_t *mine = first ? cond : other, *theirs = first ? other : cond;
  for (;;) {
    co_cond_signal(theirs);
    co_cond_timedwait(mine, -1);
  }
  return NULL;
}

static void *sleeps_then_writes(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 3; i++) usleep(2000);
  CHECK_IS(write(writable, "x", 1), 1);
  return unused;
}

static void *hears(void *end) {
  char byte;
  co_enable_hook_sys();
  CHECK_IS(read((int)(intptr_t)end, &byte, 1), 1);
  heard = 1;
  return NULL;
}

TEST(those_who_signal_each_other_without_end_keep_nobody_from_waking) {
  int ends[2];
  CHECK_IS(pipe(ends), 0);
  writable = ends[1];
  cond = co_cond_alloc();
  other = co_cond_alloc();
  start(passes, NULL);
  start(passes, cond);
  start(sleeps_then_writes, NULL);
  start(hears, (void *)(intptr_t)ends[0]);
  loop_until(&heard, 1);
}

RUN_TESTS
