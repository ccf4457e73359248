// Exceptions pass through hooks: from a handler that interrupts a call, and around waits.
#include "../check.h"

#include <stdexcept>

static int ends[2], finished;

static void raise_it(int) { throw std::runtime_error("from the handler"); }

TEST(an_exception_leaves_a_blocked_call) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = raise_it;
  action.sa_flags = SA_NODEFER;
  NEED(sigaction(SIGVTALRM, &action, NULL) == 0);
  NEED(pipe(ends) == 0);
  int caught = 0;
  for (int i = 0; i < 3; i++) {
    timer_t timer;
    struct sigevent event;
    struct itimerspec soon = {{0, 0}, {0, 20000000}};
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGVTALRM;
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    NEED(timer_settime(timer, 0, &soon, NULL) == 0);
    char byte;
    struct pollfd p = {ends[0], POLLIN, 0};
    try {
      if (i == 0) CHECK_IS(read(ends[0], &byte, 1), -2);
      if (i == 1) CHECK_IS(poll(&p, 1, -1), -2);
      if (i == 2) CHECK_IS(sleep(3600), 2);
    } catch (const std::runtime_error &) {
      caught++;
    }
    timer_delete(timer);
  }
  CHECK_IS(caught, 3);
}

struct Guard {
  int *count;
  ~Guard() { ++*count; }
};

static int destroyed;

static void *wait_then_throw(void *argument) {
  co_enable_hook_sys();
  int mine = *(int *)argument;
  try {
    Guard guard = {&destroyed};
    char byte;
    if (read(ends[0], &byte, 1) == 1) throw mine;
  } catch (int thrown) {
    CHECK_IS(thrown, mine);
    // Others throw and catch while this one waits inside its handler.
    usleep(5000);
    try {
      throw;
    } catch (int again) {
      CHECK_IS(again, mine);
    }
  }
  finished++;
  return NULL;
}

TEST(exceptions_thrown_around_waits_stay_apart) {
  static int numbers[20];
  NEED(pipe(ends) == 0);
  for (int i = 0; i < 20; i++) {
    numbers[i] = i;
    start(wait_then_throw, &numbers[i]);
  }
  NEED(write(ends[1], "12345678901234567890", 20) == 20);
  loop_until(&finished, 20);
  CHECK_IS(destroyed, 20);
}

RUN_TESTS
