/* ticks.h - a coroutine that ticks as long as the thread goes on. */
#ifndef TICKS_H
#define TICKS_H

#include "check.h"

static int ticks;

static void *tick(void *nothing) {
  co_enable_hook_sys();
  for (;;) {
    usleep(1000);
    ticks++;
  }
  return nothing;
}

#endif
