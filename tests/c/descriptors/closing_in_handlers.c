/*
 * closing_in_handlers.c - a signal handler of one thread closes what a coroutine of another is about to wait for.
 *
 * SEED repeats a run, though not the order among threads.
 */
#include "../check.h"

#include <sched.h>
#include <stdatomic.h>

enum { MOST_ROUNDS = 20000, HANG_SECONDS = 10 };
static const long long LIMIT_NS = 2000000000LL;

static atomic_int begun, ended, over;
static int ends[2];
static struct dice dice;

static void close_it(int signal) {
  (void)signal;
  close(ends[0]);
}

static void dawdle(unsigned steps) {
  for (volatile unsigned i = 0; i < steps; i++);
}

/* Closes in a handler, a little earlier or later than the coroutine begins to read. */
static void *close_often(void *nothing) {
  long long until = now_ns() + LIMIT_NS;
  int round = 0;
  while (round < MOST_ROUNDS && now_ns() < until) {
    NEED(pipe(ends) == 0);
    atomic_store(&begun, ++round);
    dawdle(below(&dice, 400));
    NEED(raise(SIGUSR1) == 0);
    long long since = now_ns();
    while (atomic_load(&ended) < round) {
      if (since_ms(since) > HANG_SECONDS * 1000) {
        fprintf(stderr, "# the wait of round %d was lost\n", round);
        _exit(1);
      }
      sched_yield();
    }
    close(ends[1]);
  }
  atomic_store(&over, 1);
  return nothing;
}

static void *read_often(void *seed) {
  struct dice mine = {(uint64_t)(uintptr_t)seed};
  char byte;
  co_enable_hook_sys();
  for (int round = 1;; round++) {
    while (atomic_load(&begun) < round && !atomic_load(&over)) sched_yield();
    if (atomic_load(&over)) break;
    dawdle(below(&mine, 400));
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EBADF);
    atomic_store(&ended, round);
  }
  fflush(NULL);
  _exit(check_failures ? 1 : 0);
}

/* The loop has nothing that would wake it but what the handler tells. */
TEST(no_wait_is_lost_that_begins_while_a_handler_closes) {
  pthread_t thread;
  dice = cast_dice();
  signal(SIGUSR1, close_it);
  NEED(pthread_create(&thread, NULL, close_often, NULL) == 0);
  start(read_often, (void *)(uintptr_t)dice.state);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}

RUN_TESTS
