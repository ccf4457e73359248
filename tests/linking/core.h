/*
 * What every way of linking must give: coroutines, a wait that lets the thread go on, hooked calls.
 * The text is C89 but for the header it includes, and C++98.
 */
#ifndef LINKING_CORE_H
#define LINKING_CORE_H
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../common/lines.h"
#include "co_routine.h"

static char trace[32];
static int pair[2], ended;

static void note(char what) {
  size_t length = strlen(trace);
  if (length + 1 < sizeof trace) {
    trace[length] = what;
    trace[length + 1] = 0;
  }
}

static int until_two_ended(void *unused) {
  (void)unused;
  return ended == 2 ? -1 : 0;
}

/* Two coroutines from the beginning to co_eventloop's return; gives what they noted. */
static const char *run_two(void *(*first)(void *), void *(*second)(void *)) {
  stCoRoutine_t *co[2];
  int i;
  trace[0] = 0;
  ended = 0;
  CHECK(co_create(&co[0], NULL, first, NULL) == 0);
  CHECK(co_create(&co[1], NULL, second, NULL) == 0);
  for (i = 0; i < 2; i++) co_resume(co[i]);
  co_eventloop(co_get_epoll_ct(), until_two_ended, NULL);
  for (i = 0; i < 2; i++) co_release(co[i]);
  return trace;
}

static void *yields(void *unused) {
  int i;
  for (i = 0; i < 3; i++) {
    note('y');
    co_yield_ct();
  }
  return unused;
}

static void coroutines_switch(void) {
  stCoRoutine_t *co;
  int i;
  trace[0] = 0;
  CHECK(co_create(&co, NULL, yields, NULL) == 0);
  for (i = 0; i < 3; i++) {
    co_resume(co);
    note('m');
  }
  co_release(co);
  CHECK(strcmp(trace, "ymymym") == 0);
}

/* The first waits for what the second sends: if it kept the thread, nobody would send. */
static void *polls(void *unused) {
  struct pollfd wait;
  char byte = 0;
  wait.fd = pair[0];
  wait.events = POLLIN;
  wait.revents = 0;
  note('a');
  CHECK(co_poll(co_get_epoll_ct(), &wait, 1, 10000) == 1);
  CHECK(wait.revents == POLLIN);
  CHECK(recv(pair[0], &byte, 1, MSG_DONTWAIT) == 1 && byte == '!');
  note('c');
  ended++;
  return unused;
}

static void *sends(void *unused) {
  note('b');
  CHECK(send(pair[1], "!", 1, MSG_DONTWAIT) == 1);
  ended++;
  return unused;
}

static void co_poll_waits(void) { CHECK(strcmp(run_two(polls, sends), "abc") == 0); }

static void *reads_hooked(void *unused) {
  char byte = 0;
  co_enable_hook_sys();
  note('a');
  CHECK(read(pair[0], &byte, 1) == 1 && byte == '?');
  note('c');
  ended++;
  return unused;
}

static void *writes_hooked(void *unused) {
  co_enable_hook_sys();
  CHECK(usleep(1000) == 0);
  note('b');
  CHECK(write(pair[1], "?", 1) == 1);
  ended++;
  return unused;
}

static void hooked_calls_wait(void) {
  /* Were read the kernel's, it would end by this instead of hanging the test. */
  struct timeval limit;
  limit.tv_sec = 2;
  limit.tv_usec = 0;
  CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  CHECK(strcmp(run_two(reads_hooked, writes_hooked), "abc") == 0);
}

static void run_core(void) {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
  CASE("coroutines switch", coroutines_switch);
  CASE("co_poll lets the thread go on", co_poll_waits);
  CASE("a hooked read lets the thread go on", hooked_calls_wait);
}
#endif
