/* faults.h - what the cases wait on, and coroutines with hooks on that do one thing. */
#ifndef FAULTS_H
#define FAULTS_H

#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static int done, ends[2];
static long long took_ns;

UNUSED static void make_pair(void) { NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }

/* The address of the latest listener, on the loopback. */
static struct sockaddr_in at;

UNUSED static int listen_somewhere(void) {
  socklen_t length = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  at.sin_family = AF_INET;
  at.sin_port = 0;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 10) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&at, &length) == 0);
  return listener;
}

UNUSED static void make_tcp_pair(void) {
  int listener = listen_somewhere();
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  NEED(connect(ends[0], (struct sockaddr *)&at, sizeof at) == 0);
  ends[1] = accept(listener, NULL, NULL);
  NEED(ends[1] >= 0);
  close(listener);
}

UNUSED static void *with_hooks(void *body) {
  long long before = now_ns();
  co_enable_hook_sys();
  ((void (*)(void))body)();
  took_ns = now_ns() - before;
  done++;
  return NULL;
}

UNUSED static stCoRoutine_t *go(void (*body)(void)) { return start(with_hooks, (void *)body); }

UNUSED static void finish(void (*body)(void)) {
  int before = done;
  go(body);
  loop_until(&done, before + 1);
}

UNUSED static void *keeps_bytes(void *argument) {
  volatile unsigned char bytes[4000];
  memset((void *)bytes, (int)(intptr_t)argument, sizeof bytes);
  for (int i = 0; i < 2; i++) {
    co_yield_ct();
    for (size_t j = 0; j < sizeof bytes; j++) CHECK_IS(bytes[j], (int)(intptr_t)argument);
  }
  done++;
  return NULL;
}

static int found[10], revents[10];

UNUSED static void *polls(void *argument) {
  intptr_t me = (intptr_t)argument;
  struct pollfd fd = {ends[0], POLLIN, -1};
  long long before = now_ns();
  co_enable_hook_sys();
  found[me] = poll(&fd, 1, me == 1 ? 10 : 30000);
  revents[me] = fd.revents;
  /* A wake-up that was lost is made good by the time-out's last look: only the time tells. */
  CHECK(since_ms(before) < 20000);
  done++;
  return NULL;
}

UNUSED static void reads_a_byte(void) {
  char byte = 0;
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(byte, 'x');
}

UNUSED static void never_waits(void) {
  char byte;
  CHECK(recv(ends[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

#endif
