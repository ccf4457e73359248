/* ticks.h - a coroutine that ticks as long as the thread goes on: more than once while others wait for long. While the
 * thread is blocked it does not, and how often it ticks on a busy machine nobody knows. */
#ifndef TICKS_H
#define TICKS_H

#include "check.h"

UNUSED static int ticks;

UNUSED static void *tick(void *nothing) {
  co_enable_hook_sys();
  for (;;) {
    usleep(1000);
    ticks++;
  }
  return nothing;
}

#endif
