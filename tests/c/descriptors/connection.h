/* connection.h - TCP connections that the library knows to be the process's own, and a case that runs in a coroutine. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "../ticks.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* A connection, made in a coroutine behind a first wait: the library sees that nobody else can have it. */
static void connect_pair(int ends[2]) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof here;
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  NEED(bind(listener, (struct sockaddr *)&here, length) == 0 && listen(listener, 1) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&here, &length) == 0);
  NEED((ends[1] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  NEED(connect(ends[1], (struct sockaddr *)&here, length) == 0);
  NEED((ends[0] = accept(listener, NULL, NULL)) >= 0);
  NEED(setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
  close(listener);
}

static int done;

/* Until the body says that it is done. */
static void in_a_coroutine(void *(*body)(void *)) {
  start(tick, NULL);
  start(body, NULL);
  loop_until(&done, 1);
}

#endif
