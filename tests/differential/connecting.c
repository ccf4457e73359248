/* connecting.c - connect and accept: waiting, time-outs, refusals, full queues, wrong sockets. */
#include "scenario.h"

#include <sys/resource.h>

static int listener, client, other;
static struct sockaddr_in tcp;
static struct sockaddr_un local;
static char buffer[16];

static int socket_error(int fd) {
  int error = -1;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

static void accept_one(void *argument) {
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  (void)argument;
  int fd = accept(listener, (struct sockaddr *)&from, &length);
  say("accepted: %d, family %d, length %u, flags %s, close-on-exec %d", fd >= 0, from.ss_family, length,
      flag_names(fcntl(fd, F_GETFL)), fcntl(fd, F_GETFD));
  TRACE(write(fd, "welcome", 7));
  MUST(close(fd));
}

static void accept_with_flags(void *argument) {
  (void)argument;
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  say("accepted: %d, flags %s, close-on-exec %d", fd >= 0, flag_names(fcntl(fd, F_GETFL)), fcntl(fd, F_GETFD));
  MUST(close(fd));
}

SCENARIO(accept_waits, "accept and accept4 wait for a connection") {
  for (int i = 0; i < 2; i++) {
    listener = i ? listen_unix(SOCK_STREAM, 5, "listener", &local) : listen_tcp(5, &tcp);
    start("accept", accept_one, NULL);
    settle();
    say("still waiting: %d", !has_ended("accept"));
    client = MUST(socket(i ? AF_UNIX : AF_INET, SOCK_STREAM, 0));
    TRACE(connect(client, i ? plain(&local) : plain(&tcp), i ? sizeof local : sizeof tcp));
    TRACE(recv(client, buffer, 7, MSG_WAITALL));
    join();
    TRACE(read(client, buffer, 1));
    start("accept4", accept_with_flags, NULL);
    settle();
    other = MUST(socket(i ? AF_UNIX : AF_INET, SOCK_STREAM, 0));
    TRACE(connect(other, i ? plain(&local) : plain(&tcp), i ? sizeof local : sizeof tcp));
    join();
    TRACE(connect(other, i ? plain(&local) : plain(&tcp), i ? sizeof local : sizeof tcp));
    say("listener's flags: %s", flag_names(fcntl(listener, F_GETFL)));
  }
}

static void accept_any(void *argument) {
  (void)argument;
  int fd = accept(listener, NULL, NULL);
  say("accepted: %d", fd >= 0);
}

SCENARIO(several_accept, "several that wait in accept get a connection each") {
  static const char *const names[] = {"one", "two", "three"};
  int clients[3];
  listener = listen_tcp(5, &tcp);
  for (int i = 0; i < 3; i++) start(names[i], accept_any, NULL);
  settle();
  for (int i = 0; i < 3; i++) {
    clients[i] = MUST(socket(AF_INET, SOCK_STREAM, 0));
    TRACE(connect(clients[i], plain(&tcp), sizeof tcp));
  }
  join();
}

SCENARIO(accept_time_out, "accept honours SO_RCVTIMEO, which the accepted socket inherits") {
  struct timeval time = {0, 0};
  socklen_t length = sizeof time;
  listener = listen_tcp(5, &tcp);
  set_time_out(listener, SO_RCVTIMEO, 60);
  set_time_out(listener, SO_SNDTIMEO, 3000);
  TRACE_WAIT(60, accept(listener, NULL, NULL));
  TRACE_WAIT(60, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  other = (int)TRACE(accept(listener, NULL, NULL));
  TRACE(getsockopt(other, SOL_SOCKET, SO_SNDTIMEO, &time, &length));
  say("%ld", (long)time.tv_sec);
  TRACE_WAIT(60, read(other, buffer, 1));
  set_nonblocking(listener, true);
  TRACE(accept(listener, NULL, NULL));
}

SCENARIO(accept_errors, "accept tells at once what is wrong") {
  socklen_t length = sizeof local, negative = (socklen_t)-1;
  int ends[2];
  listener = listen_tcp(5, &tcp);
  TRACE(accept4(listener, NULL, NULL, 1));
  TRACE(accept(-1, NULL, NULL));
  TRACE(accept(999, NULL, NULL));
  MUST(pipe(ends));
  TRACE(accept(ends[0], NULL, NULL));
  TRACE(accept(MUST(socket(AF_INET, SOCK_STREAM, 0)), NULL, NULL));
  TRACE(accept(MUST(socket(AF_INET, SOCK_DGRAM, 0)), NULL, NULL));
  TRACE(accept(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), NULL, NULL));
  TRACE(accept(MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), NULL, NULL));
  for (int i = 0; i < 4; i++) {
    client = MUST(socket(AF_INET, SOCK_STREAM, 0));
    TRACE(connect(client, plain(&tcp), sizeof tcp));
    struct sockaddr_in from;
    if (i == 0) TRACE(accept(listener, nowhere, &length));
    if (i == 1) TRACE(accept(listener, (struct sockaddr *)&from, nowhere));
    if (i == 2) TRACE(accept(listener, (struct sockaddr *)&from, &negative));
    if (i == 3) length = 3, TRACE(accept(listener, (struct sockaddr *)&from, &length)), say("length %u", length);
  }
}

SCENARIO(accept_at_the_limit, "accept without a free number fails at once") {
  int all[64], count = 0, fd;
  struct rlimit limit = {40, 40};
  listener = listen_tcp(5, &tcp);
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  /* All numbers below a limit of our own are taken. */
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  while (count < 64 && (fd = dup(0)) >= 0) all[count++] = fd;
  say("%s", error_name(errno));
  TRACE(accept(listener, NULL, NULL));
  TRACE(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(dup(0));
  int pair[2];
  TRACE(pipe(pair));
  TRACE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  TRACE(fcntl(0, F_DUPFD, 0));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  TRACE(accept(listener, NULL, NULL));
  MUST(close(all[0]));
  say("accepted: %d", accept(listener, NULL, NULL) == all[0]);
}

static void accept_until_shut(void *argument) {
  (void)argument;
  TRACE(accept(listener, NULL, NULL));
  TRACE(accept(listener, NULL, NULL));
}

SCENARIO(accept_shut, "shutdown of a listener ends accept") {
  for (int i = 0; i < 2; i++) {
    listener = i ? listen_unix(SOCK_STREAM, 5, "listener", &local) : listen_tcp(5, &tcp);
    start(i ? "unix" : "tcp", accept_until_shut, NULL);
    settle();
    TRACE(shutdown(listener, SHUT_RD));
    join();
  }
}

/* ---- connect ---------------------------------------------------------------------------------------- */

SCENARIO(connected, "connect to a listener, again, to nobody, to wrong addresses") {
  struct sockaddr_in nobody;
  struct sockaddr nothing = {.sa_family = AF_UNSPEC};
  struct sockaddr_un none = unix_address("none"), file = unix_address("log");
  int ends[2];
  listener = listen_tcp(5, &tcp);
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  say("flags %s", flag_names(fcntl(client, F_GETFL)));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  say("flags %s, SO_ERROR %s", flag_names(fcntl(client, F_GETFL)), error_name(socket_error(client)));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  TRACE(connect(client, &nothing, sizeof nothing));
  TRACE(write(client, "x", 0));
  TRACE(connect(listener, plain(&tcp), sizeof tcp));
  MUST(close(listen_tcp(1, &nobody)));
  other = MUST(socket(AF_INET, SOCK_STREAM, 0));
  int closed = MUST(socket(AF_INET, SOCK_STREAM, 0));
  socklen_t length = sizeof nobody;
  MUST(bind(closed, plain(&(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}), sizeof nobody));
  MUST(getsockname(closed, (struct sockaddr *)&nobody, &length));
  TRACE(connect(other, plain(&nobody), sizeof nobody));
  say("flags %s, SO_ERROR %s", flag_names(fcntl(other, F_GETFL)), error_name(socket_error(other)));
  TRACE(connect(other, plain(&nobody), sizeof nobody));
  TRACE(connect(other, plain(&tcp), sizeof tcp));
  TRACE(connect(-1, plain(&tcp), sizeof tcp));
  MUST(pipe(ends));
  TRACE(connect(ends[0], plain(&tcp), sizeof tcp));
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(connect(client, nowhere, sizeof tcp));
  TRACE(connect(client, plain(&tcp), 3));
  TRACE(connect(client, plain(&tcp), -1));
  TRACE(connect(client, plain(&none), sizeof none));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
    if (type == SOCK_RAW || type == SOCK_RDM) continue;
    client = MUST(socket(AF_UNIX, type, 0));
    TRACE(connect(client, plain(&none), sizeof none));
    TRACE(connect(client, plain(&file), sizeof file));
    TRACE(connect(client, plain(&tcp), sizeof tcp));
    say("flags %s", flag_names(fcntl(client, F_GETFL)));
  }
  listen_unix(SOCK_STREAM, 1, "stream", &local);
  TRACE(connect(client, plain(&local), sizeof local));
}

SCENARIO(connect_datagrams, "connect of datagram sockets, and its undoing") {
  struct sockaddr nothing = {.sa_family = AF_UNSPEC};
  int ends[2];
  make_pair(UDP, ends);
  TRACE(connect(ends[1], &nothing, sizeof nothing));
  TRACE(send(ends[1], "x", 1, 0));
  local = unix_address("datagrams");
  other = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(bind(other, plain(&local), sizeof local));
  client = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  TRACE(connect(client, plain(&local), sizeof local));
  TRACE(send(client, "x", 1, 0));
  TRACE(recv(other, buffer, 9, 0));
}

SCENARIO(connect_nonblocking, "connect of a non-blocking socket is under way, then done") {
  struct pollfd p = {.events = POLLOUT};
  listener = listen_tcp(5, &tcp);
  client = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  p.fd = client;
  TRACE(poll(&p, 1, 5000));
  say("%s, SO_ERROR %s", poll_names(p.revents), error_name(socket_error(client)));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  other = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  MUST(close(listener));
  TRACE(connect(other, plain(&tcp), sizeof tcp));
  p.fd = other;
  TRACE(poll(&p, 1, 5000));
  say("%s, SO_ERROR %s", poll_names(p.revents), error_name(socket_error(other)));
  TRACE(connect(other, plain(&tcp), sizeof tcp));
  say("flags %s", flag_names(fcntl(other, F_GETFL)));
}

/* ---- full queues ------------------------------------------------------------------------------------ */

/* Connections to a listener of backlog 0 until the next one gets no answer. */
static void fill_backlog(void) {
  struct pollfd p = {.events = POLLOUT};
  listener = listen_tcp(0, &tcp);
  do {
    p.fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(p.fd, plain(&tcp), sizeof tcp);
  } while (poll(&p, 1, 300) == 1);
  MUST(close(p.fd));
}

SCENARIO(connect_time_out, "connect honours SO_SNDTIMEO, again and again while it is under way") {
  fill_backlog();
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  set_time_out(client, SO_SNDTIMEO, 60);
  TRACE_WAIT(60, connect(client, plain(&tcp), sizeof tcp));
  say("flags %s, SO_ERROR %s", flag_names(fcntl(client, F_GETFL)), error_name(socket_error(client)));
  TRACE_WAIT(60, connect(client, plain(&tcp), sizeof tcp));
  set_nonblocking(client, true);
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  set_nonblocking(client, false);
  /* Once there is room the next try of the kernel comes through; whoever connects waits for it. */
  set_time_out(client, SO_SNDTIMEO, 0);
  set_nonblocking(listener, true);
  while ((other = accept(listener, NULL, NULL)) >= 0) MUST(close(other));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  TRACE(connect(client, plain(&tcp), sizeof tcp));
}

/* Which of them gets which error is chance. */
static void connect_client(void *argument) {
  (void)argument;
  say("%d", connect(client, plain(&tcp), sizeof tcp));
}

SCENARIO(connect_twice, "two that connect one socket both wait for it") {
  fill_backlog();
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  start("one", connect_client, NULL);
  settle();
  start("two", connect_client, NULL);
  settle();
  say("waiting: %d %d", !has_ended("one"), !has_ended("two"));
  TRACE(shutdown(client, SHUT_RDWR));
  join();
}

SCENARIO(write_while_connecting, "a write or read on a socket that connects") {
  fill_backlog();
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  set_time_out(client, SO_SNDTIMEO, 60);
  set_time_out(client, SO_RCVTIMEO, 60);
  TRACE_WAIT(60, connect(client, plain(&tcp), sizeof tcp));
  TRACE_WAIT(60, write(client, "x", 1));
  TRACE(send(client, "x", 1, MSG_DONTWAIT));
  TRACE(read(client, buffer, 1));
}

static void connect_local(void *argument) {
  (void)argument;
  TRACE(connect(client, plain(&local), sizeof local));
  say("flags %s", flag_names(fcntl(client, F_GETFL)));
}

SCENARIO(unix_backlog, "a full unix listener: connect waits, times out, or gives EAGAIN") {
  int first[2];
  listener = listen_unix(SOCK_STREAM, 0, "listener", &local);
  first[0] = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  TRACE(connect(first[0], plain(&local), sizeof local));
  other = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  TRACE(connect(other, plain(&local), sizeof local));
  set_nonblocking(other, false);
  set_time_out(other, SO_SNDTIMEO, 60);
  TRACE_WAIT(60, connect(other, plain(&local), sizeof local));
  client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  start("client", connect_local, NULL);
  settle();
  say("still waiting: %d", !has_ended("client"));
  say("accepted: %d", accept(listener, NULL, NULL) >= 0);
  join();
  /* And when the listener goes. */
  client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  start("refused", connect_local, NULL);
  settle();
  TRACE(close(listener));
  join();
}

SCENARIO(connect_and_poll, "what poll says of sockets before, while and after connecting") {
  struct pollfd p = {.events = POLLIN | POLLOUT | POLLRDHUP};
  p.fd = client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(poll(&p, 1, -1));
  say("%s", poll_names(p.revents));
  fill_backlog();
  set_nonblocking(client, true);
  TRACE(connect(client, plain(&tcp), sizeof tcp));
  TRACE(poll(&p, 1, 20));
  say("%s", poll_names(p.revents));
  p.fd = listener;
  TRACE(poll(&p, 1, -1));
  say("%s", poll_names(p.revents));
}
