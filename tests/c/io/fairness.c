/* A coroutine whose calls never have to wait lets the others run, but in no call that may not wait. */
#include "../check.h"

#include <sys/uio.h>

static int ends[2], ran, over, way;
/* What a coroutine does that nobody else stops. */
enum { ENDLESS = 3000000 };

static void *run_soon(void *nothing) {
  co_enable_hook_sys();
  usleep(2000);
  ran++;
  return nothing;
}

static void call_it_once(void) {
  char byte = 'x';
  struct iovec piece = {&byte, 1};
  struct pollfd polled = {ends[1], POLLOUT, 0};
  switch (way) {
    case 0: CHECK_IS(write(ends[1], "x", 1), 1); CHECK_IS(read(ends[0], &byte, 1), 1); break;
    case 1: CHECK_IS(writev(ends[1], &piece, 1), 1); CHECK_IS(readv(ends[0], &piece, 1), 1); break;
    case 2: CHECK_IS(poll(&polled, 1, -1), 1); break;
    case 3: CHECK_IS(co_poll(co_get_epoll_ct(), &polled, 1, 1000), 1); break;
    case 4: CHECK_IS(poll(&polled, 1, 0), 1); break;
  }
}

static void *never_wait(void *nothing) {
  co_enable_hook_sys();
  usleep(1000);
  for (int i = 0; i < ENDLESS && !ran; i++) call_it_once();
  CHECK_IS(ran, 1);
  over++;
  return nothing;
}

static void *may_not_wait(void *nothing) {
  co_enable_hook_sys();
  usleep(1000);
  for (long long began = now_ns(); now_ns() - began < 20000000;)
    for (int i = 0; i < 100; i++) call_it_once();
  CHECK_IS(ran, 0);
  over++;
  return nothing;
}

static void beside(void *(*body)(void *)) {
  start(body, NULL);
  start(run_soon, NULL);
  loop_until(&over, 1);
}

#define CALLS(title, number, make)                             \
  TEST(a_coroutine_that_never_waits_gives_way_in_##title) {    \
    way = number;                                              \
    NEED(make == 0);                                           \
    beside(never_wait);                                        \
  }
CALLS(reads_and_writes_of_sockets, 0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
CALLS(reads_and_writes_of_pipes, 0, pipe(ends))
CALLS(reads_and_writes_of_vectors, 1, pipe(ends))
CALLS(poll, 2, pipe(ends))
CALLS(co_poll, 3, pipe(ends))

TEST(a_coroutine_keeps_running_through_calls_on_non_blocking_descriptors) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  beside(may_not_wait);
}

TEST(a_coroutine_keeps_running_through_polls_without_time) {
  way = 4;
  NEED(pipe(ends) == 0);
  beside(may_not_wait);
}

static void *resumed(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < 1000; i++) call_it_once();
  CHECK_IS(ran, 0);
  ran = -1;
  return nothing;
}

static void *resume_another(void *nothing) {
  stCoRoutine_t *child = spawn(resumed, NULL);
  usleep(1000);
  co_resume(child);
  /* It has run to its end: what it did was between the two. */
  CHECK_IS(ran, -1);
  co_release(child);
  over++;
  return nothing;
}

TEST(a_coroutine_that_another_resumed_gives_nobody_way) {
  NEED(pipe(ends) == 0);
  start(resume_another, NULL);
  loop_until(&over, 1);
}

static void *never_wait_from_the_first_call_on(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < ENDLESS && !ran; i++) call_it_once();
  CHECK_IS(ran, 1);
  over++;
  return nothing;
}

TEST(a_coroutine_that_the_program_resumed_gives_way_in_the_end) {
  NEED(pipe(ends) == 0);
  start(run_soon, NULL);
  start(never_wait_from_the_first_call_on, NULL);
  CHECK_IS(over, 0);
  loop_until(&over, 1);
}

static void *resume_an_endless_one(void *nothing) {
  co_enable_hook_sys();
  usleep(1000);
  start(never_wait_from_the_first_call_on, NULL);
  CHECK_IS(over, 0);
  return nothing;
}

TEST(a_coroutine_that_another_resumed_gives_way_in_the_end) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  start(resume_an_endless_one, NULL);
  start(run_soon, NULL);
  loop_until(&over, 1);
}

static int called;

static void *call_and_yield(void *nothing) {
  co_enable_hook_sys();
  for (;; called++, co_yield_ct()) call_it_once();
  return nothing;
}

TEST(calls_between_yields_are_no_row) {
  NEED(pipe(ends) == 0);
  stCoRoutine_t *child = spawn(call_and_yield, NULL);
  for (int i = 1; i <= 10000; i++) {
    co_resume(child);
    if (called != i) {
      CHECK_IS(called, i);
      break;
    }
  }
  co_release(child);
}

RUN_TESTS
