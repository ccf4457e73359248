/* The process ends inside a coroutine while others wait; what runs at exit makes hooked calls. */
#include <stdlib.h>
#include "core.h"

static void at_end(void) {
  char byte = 0;
  usleep(100);
  if (write(pair[1], "z", 1) == 1 && read(pair[0], &byte, 1) == 1 && byte == 'z')
    co_log_err("hooked calls work at exit\n");
}

static void *waits(void *unused) {
  char byte;
  co_enable_hook_sys();
  if (read(pair[0], &byte, 1) != 1) abort();
  return unused;
}

static void *exits(void *unused) {
  co_enable_hook_sys();
  usleep(1000);
  exit(7);
  return unused;
}

int main(void) {
  stCoRoutine_t *co;
  int other[2];
  (void)run_core;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || atexit(at_end) != 0) return 1;
  co_create(&co, NULL, waits, NULL);
  co_resume(co);
  /* The one that waits keeps the old pair. */
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, other) != 0) return 1;
  pair[0] = other[0];
  pair[1] = other[1];
  co_create(&co, NULL, exits, NULL);
  co_resume(co);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}
