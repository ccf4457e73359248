/* everything.h - a thread that has a bit of everything. */
#ifndef EVERYTHING_H
#define EVERYTHING_H

#include "threads.h"

enum { USED = 60 };

/* Coroutines in every state, on stacks of both kinds. */
static void use_everything(stCoRoutine_t *all[USED], stShareStack_t *shared) {
  static void *(*const bodies[])(void *) = {yields, sleeps_long, waits_for_condition, reads, runs_out};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet) == 0);
  for (int i = 0; i < USED; i++) {
    all[i] = spawn_on(i % 2 ? shared : NULL, 16384 * (1 + i % 3), bodies[i % 5], NULL);
    if (i % 11) co_resume(all[i]);
  }
  loop_for(2);
}

#endif
