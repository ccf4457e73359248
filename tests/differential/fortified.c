/* fortified.c - calls whose buffers the compiler knows: with _FORTIFY_SOURCE they go through functions of their own. */
#include "scenario.h"

static int ends[2];
static char buffer[64];
static struct pollfd polled[4];
/* Numbers that the compiler does not know keep the check at run time. */
static volatile size_t within = 64, beyond = 65;
static volatile nfds_t some = 1, many = 5;

static void receive_each_way(void *argument) {
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  struct timespec tenth = {0, 60000000};
  (void)argument;
  TRACE(read(ends[0], buffer, within));
  TRACE(recv(ends[0], buffer, within, 0));
  TRACE(recvfrom(ends[0], buffer, within, 0, (struct sockaddr *)&from, &length));
  polled[0] = (struct pollfd){ends[0], POLLIN, 0};
  TRACE(poll(polled, some, -1));
  say("%s", poll_names(polled[0].revents));
  TRACE(ppoll(polled, some, NULL, NULL));
  say("%s", poll_names(polled[0].revents));
  TRACE(recv(ends[0], buffer, within, MSG_DONTWAIT));
  TRACE_WAIT(60, poll(polled, some, 60));
  TRACE_WAIT(60, ppoll(polled, some, &tenth, NULL));
}

SCENARIO(within_bounds, "fortified calls wait like the others") {
  make_pair(UNIX, ends);
  start("reader", receive_each_way, NULL);
  for (int i = 0; i < 4; i++) {
    settle();
    TRACE(write(ends[1], "hello", 5));
  }
}

static void overflow(int which) {
  make_pair(UNIX, ends);
  MUST(write(ends[1], buffer, sizeof buffer));
  if (which == 0) TRACE(read(ends[0], buffer, beyond));
  if (which == 1) TRACE(recv(ends[0], buffer, beyond, 0));
  if (which == 2) TRACE(recvfrom(ends[0], buffer, beyond, 0, NULL, NULL));
  polled[0] = polled[1] = (struct pollfd){ends[0], POLLIN, 0};
  if (which == 3) TRACE(poll(polled, many, 0));
  if (which == 4) TRACE(ppoll(polled, many, &(struct timespec){0, 0}, NULL));
}

SCENARIO(read_beyond, "a fortified read beyond its buffer ends the process") { overflow(0); }
SCENARIO(recv_beyond, "a fortified recv beyond its buffer ends the process") { overflow(1); }
SCENARIO(recvfrom_beyond, "a fortified recvfrom beyond its buffer ends the process") { overflow(2); }
SCENARIO(poll_beyond, "a fortified poll beyond its array ends the process") { overflow(3); }
SCENARIO(ppoll_beyond, "a fortified ppoll beyond its array ends the process") { overflow(4); }
