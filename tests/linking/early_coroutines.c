/*
 * A library with coroutines of its own in its constructor, which may run before our constructor, and in its destructor,
 * which may run after everything of ours. One coroutine waits from the one to the other.
 */
#include <stdlib.h>
#include <string.h>
#include "core.h"

static stCoRoutine_t *waiting;
static int over;

static void *waits_for_the_end(void *unused) {
  char byte = 0;
  co_enable_hook_sys();
  CHECK(read(pair[0], &byte, 1) == 1 && byte == 'e');
  over = 1;
  return unused;
}

static int is_over(void *unused) {
  (void)unused;
  return over ? -1 : 0;
}

__attribute__((constructor)) static void begin(void) {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) abort();
  CASE("constructor: coroutines switch", coroutines_switch);
  CASE("constructor: co_poll lets the thread go on", co_poll_waits);
  CASE("constructor: a hooked read lets the thread go on", hooked_calls_wait);
  struct timeval none = {0, 0};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  co_create(&waiting, NULL, waits_for_the_end, NULL);
  co_resume(waiting);
  (void)run_core;
}

static void coroutine_of_the_constructor_wakes(void) {
  CHECK(over == 0);
  CHECK(write(pair[1], "e", 1) == 1);
  co_eventloop(co_get_epoll_ct(), is_over, NULL);
  CHECK(over == 1);
  co_release(waiting);
}

__attribute__((destructor)) static void end(void) {
  CASE("destructor: a coroutine of the constructor wakes", coroutine_of_the_constructor_wakes);
  CASE("destructor: coroutines switch", coroutines_switch);
  CASE("destructor: co_poll lets the thread go on", co_poll_waits);
  CASE("destructor: a hooked read lets the thread go on", hooked_calls_wait);
}
