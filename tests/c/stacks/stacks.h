/* stacks.h - sizes, and a coroutine that stays. */
#ifndef STACKS_H
#define STACKS_H

#include "../check.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static int reached;

UNUSED static void *waits_for_good(void *unused) {
  (void)unused;
  reached++;
  co_yield_ct();
  reached++;
  return NULL;
}

#endif
