/* jumps.h - faults, and handlers that jump out of them. */
#ifndef JUMPS_H
#define JUMPS_H

#include "signals.h"

#include <setjmp.h>

static volatile int *volatile nowhere;

UNUSED static void by_fault(void) { *nowhere = 1; }

static sigjmp_buf back;

UNUSED static void jumps(int signal) {
  count++;
  siglongjmp(back, signal);
}

static volatile int caught;

UNUSED static void jumps_from_a_fault(void) {
  struct sigaction one = {.sa_handler = jumps};
  sigaction(SIGSEGV, &one, NULL);
  for (volatile int i = 1; i <= 3; i++) {
    if (sigsetjmp(back, 1) == 0)
      by_fault();
    else
      caught++;
  }
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  IN_PLACE(caught == 3 && sigismember(&now, SIGSEGV) == 0);
  caught = 0;
  signal(SIGSEGV, SIG_DFL);
}

#endif
