/* steps.h - coroutines that tell what ran, and in which order. */
#ifndef STEPS_H
#define STEPS_H

#include "../check.h"

#include "co_routine_inner.h"

/* What ran, in the order it ran. */
static char trace[256];

static void note(const char *what) { strncat(trace, what, sizeof trace - strlen(trace) - 1); }

UNUSED static void *three_steps(void *name) {
  for (int i = 0; i < 3; i++) {
    note(name);
    co_yield_ct();
  }
  note("!");
  return NULL;
}

UNUSED static void *returns_at_once(void *count) {
  if (count) ++*(int *)count;
  return (void *)7;
}

UNUSED static void *resumes_its_argument(void *co) {
  co_resume(co);
  note("r");
  return NULL;
}

#endif
