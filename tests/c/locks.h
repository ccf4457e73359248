/* locks.h - what the tests of locks share. */
#ifndef LOCKS_H
#define LOCKS_H

#include "check.h"

#include <semaphore.h>

/* The point `ms` milliseconds from now. */
UNUSED static struct timespec after_ms(clockid_t clock, long ms) {
  struct timespec t;
  clock_gettime(clock, &t);
  long long ns = t.tv_sec * 1000000000LL + t.tv_nsec + ms * 1000000LL;
  t.tv_sec = ns / 1000000000;
  t.tv_nsec = ns % 1000000000;
  return t;
}

UNUSED static pthread_mutex_t mutex_of(int type) {
  pthread_mutex_t mutex;
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, type);
  pthread_mutex_init(&mutex, &attr);
  pthread_mutexattr_destroy(&attr);
  return mutex;
}

/* Counts as long as it is let: shows that the thread goes on. */
static int ticks;
UNUSED static void *ticks_on(void *unused) {
  co_enable_hook_sys();
  for (;;) {
    usleep(1000);
    ticks++;
  }
  return unused;
}

#endif
