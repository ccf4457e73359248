/* endings.c - resets, half-closes, broken pipes, and what is pending after a part has gone through. */
#include "scenario.h"

static int ends[2];
static char buffer[64], large[1 << 20];

static void drop_ends(void) {
  for (int e = 0; e < 2; e++) MUST(close(ends[e]));
}

static void read_to_the_end(void *argument) {
  (void)argument;
  for (int i = 0; i < 3; i++) TRACE(read(ends[0], buffer, sizeof buffer));
}

SCENARIO(reset, "a reset reaches readers, writers and polls that wait, once as an error") {
  struct pollfd p = {.events = POLLIN | POLLRDHUP};
  int error = -1;
  socklen_t length = sizeof error;
  count_sigpipes();
  for (int data = 0; data < 2; data++) {
    make_pair(TCP, ends);
    reset_on_close(ends[1]);
    start("reader", read_to_the_end, NULL);
    settle();
    if (data) TRACE(write(ends[1], "data", 4));
    TRACE(close(ends[1]));
    join();
    TRACE(write(ends[0], "x", 1));
    p.fd = ends[0];
    TRACE(poll(&p, 1, -1));
    say("%s", poll_names(p.revents));
    TRACE(getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &error, &length));
    say("%s, SIGPIPE %d", error_name(error), (int)sigpipes);
    MUST(close(ends[0]));
  }
  /* The first call after a reset takes the error, whatever the call. */
  static const char *const calls[] = {"write", "send", "getsockopt", "writev"};
  for (int i = 0; i < 4; i++) {
    make_pair(TCP, ends);
    reset_on_close(ends[1]);
    TRACE(close(ends[1]));
    settle();
    say("%s", calls[i]);
    if (i == 0) TRACE(write(ends[0], "x", 1));
    if (i == 1) TRACE(send(ends[0], "x", 1, MSG_NOSIGNAL));
    if (i == 2) TRACE(getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &error, &length)), say("%s", error_name(error));
    if (i == 3) TRACE(writev(ends[0], &(struct iovec){large, 8}, 1));
    TRACE(write(ends[0], "x", 1));
    TRACE(read(ends[0], buffer, 1));
    say("SIGPIPE %d", (int)sigpipes);
    MUST(close(ends[0]));
  }
}

SCENARIO(half_close, "a half-closed connection still carries data the other way") {
  static const enum kind kinds[] = {TCP, UNIX, SEQPACKET};
  count_sigpipes();
  for (int i = 0; i < 3; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    start(kind_names[kinds[i]], read_to_the_end, NULL);
    settle();
    TRACE(shutdown(ends[1], SHUT_WR));
    join();
    TRACE(write(ends[1], "x", 1));
    TRACE(send(ends[1], "x", 1, MSG_NOSIGNAL));
    TRACE(write(ends[0], "back", 4));
    TRACE(read(ends[1], buffer, sizeof buffer));
    TRACE(shutdown(ends[0], SHUT_WR));
    TRACE(read(ends[1], buffer, sizeof buffer));
    TRACE(shutdown(ends[0], SHUT_WR));
    TRACE(shutdown(ends[0], 7));
    say("SIGPIPE %d", (int)sigpipes);
    drop_ends();
  }
  TRACE(shutdown(-1, SHUT_WR));
  MUST(pipe(ends));
  TRACE(shutdown(ends[0], SHUT_WR));
  TRACE(shutdown(MUST(socket(AF_INET, SOCK_STREAM, 0)), SHUT_WR));
}

SCENARIO(shut_reader, "SHUT_RD of its own descriptor ends a read") {
  static const enum kind kinds[] = {TCP, UNIX, SEQPACKET, DGRAM, UDP};
  for (int i = 0; i < 5; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    start(kind_names[kinds[i]], read_to_the_end, NULL);
    settle();
    TRACE(shutdown(ends[0], SHUT_RD));
    join();
    if (kinds[i] != UDP) TRACE(send(ends[1], "x", 1, MSG_NOSIGNAL));
    drop_ends();
  }
}

static void write_until_it_fails(void *argument) {
  (void)argument;
  ssize_t n = write(ends[1], large, sizeof large);
  say("%s %s", n < 0 ? "failed" : n == sizeof large ? "all" : "a part", error_name(n < 0 ? errno : 0));
  TRACE(write(ends[1], large, sizeof large));
  TRACE(write(ends[1], large, sizeof large));
}

static void fails_in_the_middle(enum kind kind, int how) {
  int size = 8192;
  sigpipes = 0;
  make_pair(kind, ends);
  say("%s", kind_names[kind]);
  if (is_socket(kind)) MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  if (how == 1) reset_on_close(ends[0]);
  start(kind_names[kind], write_until_it_fails, NULL);
  settle();
  say("still waiting: %d", !has_ended(kind_names[kind]));
  if (how < 2) TRACE(close(ends[0]));
  if (how == 2) TRACE(shutdown(ends[1], SHUT_WR));
  if (how == 3) TRACE(shutdown(ends[0], SHUT_RD));
  join();
  say("SIGPIPE %d", (int)sigpipes);
}

SCENARIO(reader_goes, "the reader goes in the middle of a large write") {
  count_sigpipes();
  static const enum kind kinds[] = {UNIX, PIPE, FIFO};
  for (int i = 0; i < 3; i++) fails_in_the_middle(kinds[i], 0);
}
SCENARIO(reset_in_the_middle, "a reset in the middle of a large write") {
  count_sigpipes();
  fails_in_the_middle(TCP, 1);
}
SCENARIO(own_shutdown, "the writer's own side is shut down in the middle of a large write") {
  count_sigpipes();
  fails_in_the_middle(UNIX, 2);
}
SCENARIO(tcp_own_shutdown, "tcp: the writer's own side is shut down in the middle of a large write") {
  count_sigpipes();
  fails_in_the_middle(TCP, 2);
}
SCENARIO(other_shutdown, "unix: the reader's side is shut down in the middle of a large write") {
  count_sigpipes();
  fails_in_the_middle(UNIX, 3);
}

static struct iovec pieces[64];

static void writev_until_it_fails(void *argument) {
  for (int i = 0; i < 64; i++) pieces[i] = (struct iovec){large + i * 16384, 16384};
  ssize_t n = argument ? sendmsg(ends[1], &(struct msghdr){.msg_iov = pieces, .msg_iovlen = 64}, 0)
                       : writev(ends[1], pieces, 64);
  say("%s %s", n < 0 ? "failed" : n == sizeof large ? "all" : "a part", error_name(n < 0 ? errno : 0));
  TRACE(writev(ends[1], pieces, 64));
}

SCENARIO(pieces_in_the_middle, "the reader goes in the middle of a large writev or sendmsg") {
  static const enum kind kinds[] = {UNIX, TCP, PIPE, FIFO, UNIX, TCP};
  count_sigpipes();
  for (int i = 0; i < 6; i++) {
    int size = 8192;
    sigpipes = 0;
    make_pair(kinds[i], ends);
    if (is_socket(kinds[i])) MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    if (kinds[i] == TCP) reset_on_close(ends[0]);
    start(kind_names[kinds[i]], writev_until_it_fails, i >= 4 ? ends : NULL);
    settle();
    TRACE(close(ends[0]));
    join();
    say("SIGPIPE %d", (int)sigpipes);
  }
}

SCENARIO(broken_pipes, "writes to what nobody reads: EPIPE and one SIGPIPE each") {
  static const enum kind kinds[] = {UNIX, SEQPACKET, PIPE, FIFO, DGRAM};
  count_sigpipes();
  for (int i = 0; i < 5; i++) {
    say("%s", kind_names[kinds[i]]);
    sigpipes = 0;
    make_pair(kinds[i], ends);
    TRACE(close(ends[0]));
    TRACE(write(ends[1], "x", 1));
    TRACE(writev(ends[1], &(struct iovec){large, 2}, 1));
    if (is_socket(kinds[i])) {
      TRACE(send(ends[1], "x", 1, 0));
      TRACE(send(ends[1], "x", 1, MSG_NOSIGNAL));
      TRACE(sendmsg(ends[1], &(struct msghdr){.msg_iov = &(struct iovec){large, 2}, .msg_iovlen = 1}, 0));
    }
    TRACE(write(ends[1], "", 0));
    say("SIGPIPE %d", (int)sigpipes);
  }
  signal(SIGPIPE, SIG_IGN);
  TRACE(write(ends[1], "x", 1));
}

SCENARIO(killed_by_sigpipe, "without a handler SIGPIPE ends the process") {
  make_pair(PIPE, ends);
  TRACE(close(ends[0]));
  TRACE(write(ends[1], "x", 1));
}

SCENARIO(kept_error, "an error that came before a send is told by it, data before a reset is lost or not as ever") {
  make_pair(TCP, ends);
  count_sigpipes();
  TRACE(write(ends[1], "unread", 6));
  /* Closing with unread data resets. */
  TRACE(write(ends[0], "answer", 6));
  settle();
  TRACE(close(ends[0]));
  settle();
  TRACE(read(ends[1], buffer, 3));
  TRACE(read(ends[1], buffer, 30));
  TRACE(read(ends[1], buffer, 30));
  TRACE(write(ends[1], "x", 1));
  say("SIGPIPE %d", (int)sigpipes);
}

SCENARIO(refused_datagram, "an ICMP refusal reaches a udp socket that waits") {
  make_pair(UDP, ends);
  TRACE(close(ends[1]));
  start("reader", read_to_the_end, NULL);
  for (int i = 0; i < 3; i++) {
    settle();
    TRACE(send(ends[0], "x", 1, 0));
  }
  join();
  TRACE(send(ends[0], "x", 1, 0));
  settle();
  TRACE(send(ends[0], "x", 1, 0));
}

static struct iovec places[3];
static struct mmsghdr several[3];

static void receive_several(void *timeout) {
  TRACE(recvmmsg(ends[0], several, 3, 0, timeout));
  say("%.5s, then %u", buffer, several[1].msg_len);
}

SCENARIO(kept_fault, "a wrong address behind the first message is told by the next call") {
  static const enum kind kinds[] = {SEQPACKET, DGRAM, UDP};
  static struct timespec minute = {60, 0};
  for (int i = 0; i < 6; i++) {
    enum kind kind = kinds[i / 2];
    char name[40];
    make_pair(kind, ends);
    memset(several, 0, sizeof several);
    for (int m = 0; m < 3; m++) {
      places[m] = (struct iovec){buffer + m * 8, 8};
      several[m].msg_hdr = (struct msghdr){.msg_iov = m == 1 ? nowhere : &places[m], .msg_iovlen = 1};
    }
    snprintf(name, sizeof name, "%s %d", kind_names[kind], i);
    start(name, receive_several, i % 2 ? &minute : NULL);
    settle();
    MUST(write(ends[1], "first", 5));
    join();
    for (int n = 0; n < 2; n++) TRACE(recv(ends[0], buffer, 8, MSG_DONTWAIT));
    drop_ends();
  }
}
