/* waiters.h - coroutines that wait for one condition and note how that ended. */
#ifndef WAITERS_H
#define WAITERS_H

#include "../check.h"

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

#endif
