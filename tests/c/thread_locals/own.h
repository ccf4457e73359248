/* Coroutines with thread-local variables of their own. */
#ifndef OWN_H
#define OWN_H

#include "../check.h"

#include "co_routine_inner.h"

/* A coroutine with thread-local variables of its own, on a shared stack if there is one. */
UNUSED static stCoRoutine_t *spawn_own_on(stShareStack_t *shared, void *(*body)(void *), void *argument) {
  stCoRoutine_t *co = spawn_on(shared, 0, body, argument);
  if (co_own_thread_locals(co) != 0 && errno == ENOTSUP) SKIP("threads cannot be coroutines here");
  CHECK_IS(co_own_thread_locals(co), 0);
  return co;
}
UNUSED static stCoRoutine_t *spawn_own(void *(*body)(void *), void *argument) {
  return spawn_own_on(NULL, body, argument);
}

/* Resumes one until it has ended, and releases it. */
UNUSED static void finish(stCoRoutine_t *co) {
  while (!co->cEnd) co_resume(co);
  co_release(co);
}

#endif
