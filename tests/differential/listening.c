/* listening.c - a listener with nothing to accept that accept does not wait for: refused, ended, or another file by now. */
#include "scenario.h"
#include <sys/resource.h>

static int listener, client;
static struct sockaddr_in address;

/* A listener that had a connection, and has none now. */
static void make_listener(void) {
  listener = listen_tcp(5, &address);
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  MUST(connect(client, plain(&address), sizeof address));
  MUST(close(MUST(accept(listener, NULL, NULL))));
  MUST(close(client));
}

SCENARIO(accept_of_flags, "accept4 refuses flags that it does not know, whether or not there is a connection") {
  make_listener();
  TRACE(accept4(listener, NULL, NULL, 0x10));
  TRACE(accept4(listener, NULL, NULL, -1));
  set_nonblocking(listener, true);
  TRACE(accept4(listener, NULL, NULL, 0x10));
  TRACE(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

SCENARIO(accept_without_a_number, "accept with no number left is refused at once, and waits when there is one again") {
  struct rlimit limit;
  make_listener();
  /* Who waits for this one is done after a while, and who waits for the other never. */
  int patient = listener, impatient = listen_tcp(5, &address);
  set_time_out(impatient, SO_RCVTIMEO, 60);
  TRACE_WAIT(60, accept(impatient, NULL, NULL));
  MUST(getrlimit(RLIMIT_NOFILE, &limit));
  int first = MUST(dup(0)), last = first;
  for (int i = 0; i < 3; i++) last = MUST(dup(0));
  limit.rlim_cur = last + 1;
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  TRACE(accept(patient, NULL, NULL));
  MUST(close(first));
  TRACE_WAIT(60, accept(impatient, NULL, NULL));
  MUST(dup(0));
  TRACE(accept(patient, NULL, NULL));
  MUST(close(last));
  TRACE_WAIT(60, accept(impatient, NULL, NULL));
  limit.rlim_cur = first;
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  TRACE(accept(patient, NULL, NULL));
  limit.rlim_cur = 0;
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  TRACE(accept(patient, NULL, NULL));
}

SCENARIO(accept_of_another_file, "accept of a number that was a listener and is something else by now") {
  static const enum kind kinds[] = {UDP, TCP, UNIX, DGRAM, SEQPACKET, PIPE};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int ends[2];
    say("%s", kind_names[kinds[i]]);
    make_listener();
    make_pair(kinds[i], ends);
    MUST(dup2(ends[0], listener));
    TRACE(accept(listener, NULL, NULL));
    MUST(close(listener));
    TRACE(accept(listener, NULL, NULL));
    MUST(close(ends[0]));
    MUST(close(ends[1]));
  }
  make_listener();
  MUST(close(listener));
  TRACE(accept(listener, NULL, NULL));
  TRACE(socket(AF_INET, SOCK_STREAM, 0) == listener);
  TRACE(accept(listener, NULL, NULL));
}

SCENARIO(accept_of_an_ended_listener, "accept of a listener that was shut down or disconnected") {
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  struct sockaddr_un path;
  make_listener();
  MUST(shutdown(listener, SHUT_WR));
  set_time_out(listener, SO_RCVTIMEO, 60);
  TRACE_WAIT(60, accept(listener, NULL, NULL));
  MUST(shutdown(listener, SHUT_RD));
  TRACE(accept(listener, NULL, NULL));
  make_listener();
  MUST(connect(listener, &none, sizeof none));
  TRACE(accept(listener, NULL, NULL));
  listener = listen_unix(SOCK_STREAM, 5, "listener", &path);
  client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(connect(client, plain(&path), sizeof path));
  MUST(accept(listener, NULL, NULL));
  MUST(shutdown(listener, SHUT_RD));
  TRACE(accept(listener, NULL, NULL));
  set_nonblocking(listener, true);
  TRACE(accept(listener, NULL, NULL));
}

static void accept_two(void *unused UNUSED) {
  for (int i = 0; i < 2; i++) TRACE(accept(listener, NULL, NULL) > 0);
  TRACE(accept(listener, NULL, NULL));
}

SCENARIO(accept_until_the_end, "connections are accepted as they come, and a listener that is shut down ends the wait") {
  listener = listen_tcp(5, &address);
  start("acceptor", accept_two, NULL);
  for (int i = 0; i < 2; i++) {
    settle();
    client = MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(client, plain(&address), sizeof address));
  }
  settle();
  MUST(shutdown(listener, SHUT_RD));
  join();
}
