/* Threads are cancelled in their loops and outside any coroutine. */
#include "everything.h"

#include <sched.h>

static int ready, cleaned;

static void note_cleaned(void *unused) {
  (void)unused;
  __atomic_add_fetch(&cleaned, 1, __ATOMIC_RELAXED);
}

static void loop_for_ever(void) {
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  pthread_cleanup_push(note_cleaned, NULL);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  pthread_cleanup_pop(0);
}

static int goes_on(void *unused) {
  (void)unused;
  return 0;
}

static void *loops_idle(void *unused) {
  loop_for_ever();
  return unused;
}

static void *loops_with_waiters(void *unused) {
  stCoRoutine_t *all[USED];
  use_everything(all, co_alloc_sharestack(2, 65536));
  loop_for_ever();
  return unused;
}

static void *loops_with_a_callback(void *unused) {
  start(sleeps_long, NULL);
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  pthread_cleanup_push(note_cleaned, NULL);
  co_eventloop(co_get_epoll_ct(), goes_on, NULL);
  pthread_cleanup_pop(0);
  return unused;
}

static void *loops_in_a_coroutine(void *unused) {
  start(sleeps_long, NULL);
  co_resume(spawn(loops_idle, NULL));
  return unused;
}

static void *blocks_in_read(void *unused) {
  int ends[2];
  char byte;
  NEED(pipe(ends) == 0);
  start(sleeps_long, NULL);
  pthread_cleanup_push(note_cleaned, NULL);
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  CHECK_IS(read(ends[0], &byte, 1), 1);
  pthread_cleanup_pop(0);
  return unused;
}

static void cancels(void *(*body)(void *), int per_thread) {
  int descriptors = 0;
  cond = co_cond_alloc();
  for (int i = 0; i < 30; i++) {
    pthread_t thread;
    void *result = NULL;
    ready = 0;
    pthread_create(&thread, NULL, body, NULL);
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) sched_yield();
    usleep(i % 3 * 1000);
    CHECK_IS(pthread_cancel(thread), 0);
    CHECK_IS(pthread_join(thread, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK_IS(cleaned, i + 1);
    if (i == 9) descriptors = open_descriptors();
  }
  /* What the thread opened itself stays. */
  CHECK_IS(open_descriptors(), descriptors + 20 * per_thread);
}

TEST(a_thread_in_an_idle_loop_can_be_cancelled) { cancels(loops_idle, 0); }
TEST(a_thread_in_a_loop_with_waiting_coroutines_can_be_cancelled) { cancels(loops_with_waiters, 2); }
TEST(a_thread_in_a_loop_with_a_callback_can_be_cancelled) { cancels(loops_with_a_callback, 0); }
TEST(a_thread_in_a_loop_inside_a_coroutine_can_be_cancelled) { cancels(loops_in_a_coroutine, 0); }
TEST(a_thread_that_blocks_outside_any_coroutine_can_be_cancelled) { cancels(blocks_in_read, 2); }

static int stops_at_three(void *count) { return ++*(int *)count == 3 ? -1 : 0; }

static void *cannot_be_cancelled(void *unused) {
  int count = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) sched_yield();
  co_eventloop(co_get_epoll_ct(), stops_at_three, &count);
  CHECK_IS(count, 3);
  return unused;
}

TEST(a_thread_that_disabled_cancellation_is_left_alone_in_its_loop) {
  pthread_t thread;
  void *result = NULL;
  pthread_create(&thread, NULL, cannot_be_cancelled, &done);
  while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) sched_yield();
  pthread_cancel(thread);
  add_done();
  pthread_join(thread, &result);
  CHECK(result == &done);
}

RUN_TESTS
