/* The loop: when it calls back and ends, what its callback may do, and loops inside coroutines. */
#include "steps.h"

static int done;

static int counts_to_ten(void *count) { return ++*(int *)count == 10 ? -1 : 0; }
static int counts_with_other_results(void *count) {
  static const int results[] = {1, 0, INT_MIN, INT_MAX, -2, 7, -1};
  return results[(*(int *)count)++];
}

TEST(the_loop_ends_when_the_callback_returns_minus_one_and_nothing_else) {
  int count = 0;
  co_eventloop(co_get_epoll_ct(), counts_to_ten, &count);
  CHECK_IS(count, 10);
  count = 0;
  co_eventloop(NULL, counts_with_other_results, &count);
  CHECK_IS(count, 7);
}

static int counts_for_a_while(void *count) { return ++*(int *)count >= 100 ? -1 : 0; }

TEST(an_idle_loop_calls_back_about_every_millisecond) {
  int count = 0;
  long long before = now_ns();
  co_eventloop(co_get_epoll_ct(), counts_for_a_while, &count);
  long long took = since_ms(before);
  /* A busy machine makes it slower; a loop that does not sleep takes no time at all. */
  CHECK(took >= 20);
  CHECK(took < 60000);
}

static int spawns_from_the_loop(void *count) {
  stCoRoutine_t *co = start(returns_at_once, count);
  co_release(co);
  return *(int *)count >= 5 ? -1 : 0;
}

TEST(the_callback_may_make_resume_and_release_coroutines) {
  int count = 0;
  co_eventloop(co_get_epoll_ct(), spawns_from_the_loop, &count);
  CHECK_IS(count, 5);
}

static void *naps(void *count) {
  co_enable_hook_sys();
  for (int i = 0; i < 5; i++) {
    usleep(1000);
    ++*(int *)count;
  }
  return NULL;
}

static void *loops_inside(void *count) {
  stCoRoutine_t *me = co_self(), *child = start(naps, count);
  note("(");
  loop_until(count, 5);
  note(")");
  CHECK(co_self() == me);
  CHECK(child->cEnd);
  co_release(child);
  return NULL;
}

TEST(the_loop_runs_inside_a_coroutine) {
  int count = 0, outside = 0;
  stCoRoutine_t *other = start(naps, &outside), *co = start(loops_inside, &count);
  CHECK(co->cEnd);
  CHECK_TEXT(trace, "()");
  CHECK_IS(count, 5);
  loop_until(&outside, 5);
  co_release(co);
  co_release(other);
}

static void *loops_inside_with_hooks(void *count) {
  co_enable_hook_sys();
  loops_inside(count);
  CHECK(co_is_enable_sys_hook());
  usleep(1000);
  note("+");
  done++;
  return NULL;
}

TEST(a_coroutine_that_ran_the_loop_can_wait_afterwards) {
  int count = 0;
  stCoRoutine_t *co = start(loops_inside_with_hooks, &count);
  CHECK_TEXT(trace, "()");
  loop_until(&done, 1);
  CHECK_TEXT(trace, "()+");
  co_release(co);
}

static void *loops_two_deep(void *count) {
  co_enable_hook_sys();
  usleep(1000);
  /* Resumed by a loop, runs one itself. */
  loops_inside(count);
  done++;
  return NULL;
}

TEST(loops_run_inside_loops) {
  int counts[3] = {0};
  stCoRoutine_t *all[3];
  for (int i = 0; i < 3; i++) all[i] = start(loops_two_deep, &counts[i]);
  loop_until(&done, 3);
  for (int i = 0; i < 3; i++) {
    CHECK_IS(counts[i], 5);
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
}

static int yields_from_the_loop(void *count) {
  co_yield_ct();
  return ++*(int *)count == 3 ? -1 : 0;
}

static void *loops_and_yields(void *count) {
  co_eventloop(co_get_epoll_ct(), yields_from_the_loop, count);
  note("e");
  return NULL;
}

TEST(the_callback_of_a_loop_inside_a_coroutine_may_yield) {
  int count = 0;
  stCoRoutine_t *co = start(loops_and_yields, &count);
  for (int i = 0; i < 3; i++) {
    CHECK_IS(count, i);
    co_resume(co);
  }
  CHECK_TEXT(trace, "e");
  CHECK(co->cEnd);
  co_release(co);
}

static int ends[2];

static int times_out_in_the_callback(void *count) {
  struct pollfd fd = {ends[0], POLLIN, 0};
  CHECK_IS(poll(&fd, 1, 1), 0);
  return ++*(int *)count == 3 ? -1 : 0;
}

TEST(the_callback_outside_any_coroutine_makes_real_calls) {
  int count = 0, naps_done = 0;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  stCoRoutine_t *co = start(naps, &naps_done);
  co_eventloop(co_get_epoll_ct(), times_out_in_the_callback, &count);
  CHECK_IS(count, 3);
  loop_until(&naps_done, 5);
  co_release(co);
}

/* Who is last in a turn's queue may leave it before its time: the turn must end nevertheless. */
static stCoCond_t *ping, *pong, *other;
static stCoRoutine_t *last;
static int rallies;

static void *serves(void *unused) {
  (void)unused;
  co_cond_timedwait(other, -1);
  co_resume(last);
  for (;;) {
    rallies++;
    co_cond_signal(ping);
    co_cond_timedwait(pong, -1);
  }
  return NULL;
}

static void *answers(void *unused) {
  (void)unused;
  for (;;) {
    co_cond_timedwait(ping, -1);
    co_cond_signal(pong);
  }
  return NULL;
}

static void *waits_and_yields(void *unused) {
  (void)unused;
  co_cond_timedwait(other, -1);
  co_yield_ct();
  return NULL;
}

TEST(a_turn_ends_although_its_last_coroutine_was_resumed_by_hand) {
  int count = 0;
  ping = co_cond_alloc();
  pong = co_cond_alloc();
  other = co_cond_alloc();
  start(answers, NULL);
  start(serves, NULL);
  last = start(waits_and_yields, NULL);
  stCoRoutine_t *timer = start(naps, &count);
  co_cond_broadcast(other);
  loop_until(&count, 5);
  CHECK(rallies > 0);
  co_release(timer);
}

RUN_TESTS
