/* sleeping_loop.h - a loop without a callback, in a thread of its own, and for how long it sleeps. */
#ifndef SLEEPING_LOOP_H
#define SLEEPING_LOOP_H

#include "check.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
enum { FOREVER = -1, UNKNOWN = -2 };

/* For how many seconds the thread sleeps in its loop: FOREVER without end, UNKNOWN where the kernel does not tell. A sleep
   of less than two seconds is one until registrations are made sure of; it is what comes after that counts. */
static long loop_sleeps_for(pid_t thread) {
  char path[64], line[200];
  long sleeps = UNKNOWN;
  snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)thread);
  for (int i = 0; i < 5000; i++) {
    long number = -1;
    unsigned long a[4] = {0};
    FILE *file = fopen(path, "r");
    char *got = file ? fgets(line, sizeof line, file) : NULL;
    if (file) fclose(file);
    if (!got) return UNKNOWN;
    if (sscanf(line, "%ld %lx %lx %lx %lx", &number, &a[0], &a[1], &a[2], &a[3]) == 5) {
      if (number == SYS_epoll_pwait2) sleeps = a[3] ? ((struct timespec *)a[3])->tv_sec : (long)FOREVER;
      if (sleeps == FOREVER || sleeps >= 2) return sleeps;
      if (number == SYS_epoll_wait || number == SYS_epoll_pwait) return UNKNOWN;
    }
    usleep(1000);
  }
  return sleeps;
}

static pid_t loop_thread;
static int waits_over;

static void *waits_in_it(void *wait) {
  co_enable_hook_sys();
  ((void (*)(void))wait)();
  waits_over++;
  return NULL;
}

/* Lets the coroutines of the thread run; others learn of it. */
static void *loop_for_ever(void) {
  __atomic_store_n(&loop_thread, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  return NULL;
}

/* Begins a thread that does so, and waits until it does. */
static void begin_loop(void *(*body)(void *), void *argument) {
  pthread_t thread;
  pthread_create(&thread, NULL, body, argument);
  while (!__atomic_load_n(&loop_thread, __ATOMIC_ACQUIRE)) usleep(100);
}

static void *loops_for_ever(void *wait) {
  start(waits_in_it, wait);
  return loop_for_ever();
}

/* For how long a loop sleeps in which one coroutine waits. */
static long loop_sleeps_while(void (*wait)(void)) {
  begin_loop(loops_for_ever, (void *)wait);
  long sleeps = loop_sleeps_for(loop_thread);
  if (sleeps == UNKNOWN) SKIP("the kernel does not tell for how long a thread sleeps");
  return sleeps;
}

#endif
