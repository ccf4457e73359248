/* parking.h - handlers that wait, in a coroutine that another one watches. */
#ifndef PARKING_H
#define PARKING_H

#include "signals.h"

static int ran_meanwhile, finished;

UNUSED static void *runs_when_it_can(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 1000 && finished == 0; i++) {
    usleep(100);
    ran_meanwhile++;
  }
  finished++;
  return unused;
}

static volatile int during, handler_made;

UNUSED static void waits_in_handler(int signal) {
  (void)signal;
  int before = ran_meanwhile;
  struct timespec some = {0, 5000000};
  struct pollfd none = {.fd = -1};
  nanosleep(&some, NULL);
  usleep(5000);
  poll(&none, 1, 5);
  during += ran_meanwhile - before;
  handler_made++;
}

static void (*how_to_install)(void);

UNUSED static void *is_interrupted(void *unused) {
  co_enable_hook_sys();
  usleep(2000);
  how_to_install();
  raise(SIGUSR1);
  CHECK(handler_made == 1);
  int before = ran_meanwhile;
  usleep(20000);
  CHECK(ran_meanwhile > before);
  finished++;
  return unused;
}

UNUSED static void handler_does_not_park(function way) {
  how_to_install = way;
  ran_meanwhile = finished = during = handler_made = 0;
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(is_interrupted, NULL);
  loop_until(&finished, 2);
  CHECK_IS(during, 0);
  CHECK(ran_meanwhile > 0);
  co_release(one);
  co_release(other);
}

UNUSED static void by_sigaction(void) {
  struct sigaction one = {.sa_handler = waits_in_handler};
  sigaction(SIGUSR1, &one, NULL);
}

/* Whether a hooked call of the calling coroutine lets others run. */
UNUSED static void check_hooks_are_on(void) {
  int before = ran_meanwhile;
  usleep(20000);
  CHECK(ran_meanwhile > before);
}

#endif
