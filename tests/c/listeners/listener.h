/* listener.h - a listener of the test's own, and connections to it one after the other. */
#ifndef LISTENER_H
#define LISTENER_H

#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static int listener;
static struct sockaddr_in address;

static void make_listener(void) {
  socklen_t size = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 128) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
}

/* Somebody must serve each with a byte. */
static void connect_times(int times) {
  struct timeval patience = {30, 0};
  for (int i = 0; i < times; i++) {
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK_IS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (!CHECK_IS(read(fd, &byte, 1), 1)) i = times;
    close(fd);
  }
}

#endif
