/* options.c - time-outs of sockets, flags of receive and send, low-water marks, urgent data. */
#include "scenario.h"

static int ends[2];
static char buffer[256], large[1 << 20];
static const enum kind socket_kinds[] = {TCP, UNIX, SEQPACKET, DGRAM, UDP};
#define EACH_SOCKET(kind) \
  for (unsigned each = 0; each < 5; each++) \
    for (enum kind kind = socket_kinds[each], once = 0; once < 1; once++)

static void make(enum kind kind) {
  say("%s", kind_names[kind]);
  make_pair(kind, ends);
  memset(buffer, 0, sizeof buffer);
}

static void drop(void) {
  for (int e = 0; e < 2; e++) MUST(close(ends[e]));
}

/* Receives and writes down the bytes as well. */
static ssize_t receive(size_t length, int flags) {
  memset(buffer, 0, sizeof buffer);
  ssize_t n = recv(ends[0], buffer, length, flags);
  say("recv(%zu, %#x) = %zd %s \"%.*s\"", length, (unsigned)flags, n, error_name(n < 0 ? errno : 0), (int)length, buffer);
  return n;
}

SCENARIO(receive_time_out, "SO_RCVTIMEO ends every way to receive with EAGAIN") {
  struct iovec piece = {buffer, 8};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  EACH_SOCKET(kind) {
    make(kind);
    set_time_out(ends[0], SO_RCVTIMEO, 60);
    TRACE_WAIT(60, read(ends[0], buffer, 8));
    TRACE_WAIT(60, readv(ends[0], &piece, 1));
    TRACE_WAIT(60, recv(ends[0], buffer, 8, 0));
    TRACE_WAIT(60, recv(ends[0], buffer, 8, MSG_PEEK));
    TRACE_WAIT(60, recv(ends[0], buffer, 8, MSG_WAITALL));
    TRACE_WAIT(60, recvfrom(ends[0], buffer, 8, 0, (struct sockaddr *)&from, &length));
    TRACE_WAIT(60, recvmsg(ends[0], &message, 0));
    TRACE(recv(ends[0], buffer, 8, MSG_DONTWAIT));
    TRACE(send(ends[1], "in time", 7, 0));
    TRACE(recv(ends[0], buffer, 8, 0));
    drop();
  }
}

SCENARIO(no_time_out, "a time-out of zero is none, and other sockets keep their own") {
  struct timeval time = {9, 9};
  socklen_t length = sizeof time;
  EACH_SOCKET(kind) {
    make(kind);
    set_time_out(ends[0], SO_RCVTIMEO, 60);
    set_time_out(ends[0], SO_RCVTIMEO, 0);
    TRACE(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, &length));
    say("%ld %ld %u", (long)time.tv_sec, (long)time.tv_usec, length);
    drop();
  }
  time = (struct timeval){1, 1000000};
  MUST(pipe(ends));
  TRACE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  drop();
  make(TCP);
  TRACE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  TRACE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, 3));
  TRACE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, nowhere, sizeof time));
  TRACE(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, nowhere, &length));
  TRACE(setsockopt(ends[0], 12345, 1, &time, sizeof time));
  TRACE(setsockopt(-1, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  TRACE(getsockopt(-1, SOL_SOCKET, SO_RCVTIMEO, &time, &length));
}

static void receive_waiting(void *argument) {
  (void)argument;
  TRACE(recv(ends[0], buffer, 8, 0));
}

SCENARIO(negative_time_out, "a negative time-out means not to wait at all") {
  struct timeval time = {-1, 0};
  socklen_t length = sizeof time;
  make(TCP);
  TRACE(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  TRACE(getsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, &length));
  say("%ld %ld", (long)time.tv_sec, (long)time.tv_usec);
  start("reader", receive_waiting, NULL);
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(send(ends[1], "x", 1, 0));
}

SCENARIO(time_out_meanwhile, "a time-out set while a call waits is for the next call") {
  make(UNIX);
  start("reader", receive_waiting, NULL);
  settle();
  set_time_out(ends[0], SO_RCVTIMEO, 10);
  settle();
  usleep(60000);
  say("still waiting: %d", !has_ended("reader"));
  TRACE(send(ends[1], "x", 1, 0));
  join();
  TRACE_WAIT(10, recv(ends[0], buffer, 8, 0));
}

SCENARIO(send_time_out, "SO_SNDTIMEO ends a send: with what was sent, then with EAGAIN") {
  int size = 8192;
  static const enum kind kinds[] = {TCP, UNIX, SEQPACKET, DGRAM};
  for (unsigned i = 0; i < 4; i++) {
    enum kind kind = kinds[i];
    make(kind);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    set_time_out(ends[1], SO_SNDTIMEO, 80);
    int64_t before = now_ms();
    ssize_t n = 0;
    size_t sent = 0, calls = 0;
    if (is_stream(kind)) {
      n = write(ends[1], large, sizeof large);
      say("a part: %d", n > 0 && n < (ssize_t)sizeof large);
      said_wait(80, now_ms() - before);
      sent = (size_t)n;
    } else {
      while ((n = write(ends[1], large, 1000)) == 1000) calls++;
      say("some: %d, then %zd %s", calls > 0, n, error_name(errno));
      said_wait(80, now_ms() - before);
    }
    /* A tcp connection finds a little more room now and then. */
    if (kind == TCP) continue;
    TRACE_WAIT(80, write(ends[1], large, 1000));
    TRACE_WAIT(80, writev(ends[1], &(struct iovec){large, 1000}, 1));
    TRACE_WAIT(80, send(ends[1], large, 1000, 0));
    TRACE_WAIT(80, sendto(ends[1], large, 1000, 0, NULL, 0));
    TRACE_WAIT(80, sendmsg(ends[1], &(struct msghdr){.msg_iov = &(struct iovec){large, 1000}, .msg_iovlen = 1}, 0));
    TRACE(send(ends[1], large, 1000, MSG_DONTWAIT));
    MUST(shutdown(ends[1], SHUT_WR));
    if (is_stream(kind)) say("all of the part arrived: %d", read_all(ends[0], large, sizeof large) == sent);
    drop();
  }
}

SCENARIO(one_call_flags, "MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC") {
  EACH_SOCKET(kind) {
    make(kind);
    receive(8, MSG_DONTWAIT);
    TRACE(send(ends[1], "abcdef", 6, MSG_NOSIGNAL));
    receive(3, MSG_PEEK);
    receive(8, MSG_PEEK);
    receive(8, MSG_PEEK | MSG_DONTWAIT);
    if (!is_stream(kind)) receive(2, MSG_PEEK | MSG_TRUNC);
    receive(3, kind == TCP ? 0 : MSG_TRUNC);
    if (is_stream(kind)) receive(8, 0);
    receive(8, MSG_DONTWAIT);
    if (kind == TCP) {
      TRACE(send(ends[1], "thrown away", 11, 0));
      receive(6, MSG_TRUNC);
      receive(8, 0);
    }
    if (kind != UDP) TRACE(recv(ends[0], buffer, 8, MSG_OOB));
    if (kind == TCP || kind == UDP) TRACE(recv(ends[0], buffer, 8, MSG_ERRQUEUE));
    drop();
  }
}

/* Two parts that a receive may take together or not. */
static struct event first_sent;

static void send_in_parts(void *argument) {
  const char *parts = argument;
  TRACE(send(ends[1], parts, 4, 0));
  announce(&first_sent);
  settle();
  if (parts[4]) TRACE(send(ends[1], parts + 4, strlen(parts + 4), 0));
}

static void in_two_parts(enum kind kind, size_t length, int flags, const char *parts) {
  make(kind);
  first_sent.set = false;
  start("sender", send_in_parts, (void *)(uintptr_t)parts);
  await(&first_sent);
  receive(length, flags);
  join();
  receive(64, MSG_DONTWAIT);
  receive(64, MSG_DONTWAIT);
  drop();
}

SCENARIO(wait_all, "MSG_WAITALL waits for all of it on streams only") {
  EACH_SOCKET(kind) in_two_parts(kind, 8, MSG_WAITALL, "abcdefghij");
}

SCENARIO(wait_all_peek, "MSG_WAITALL with MSG_PEEK") {
  EACH_SOCKET(kind) in_two_parts(kind, 8, MSG_WAITALL | MSG_PEEK, "abcdefghij");
}

SCENARIO(wait_all_truncated, "MSG_WAITALL with MSG_TRUNC throws away all of it") {
  in_two_parts(TCP, 8, MSG_WAITALL | MSG_TRUNC, "abcdefghij");
}

SCENARIO(wait_all_not, "MSG_WAITALL with MSG_DONTWAIT, or non-blocking, takes what is there") {
  EACH_SOCKET(kind) {
    make(kind);
    TRACE(send(ends[1], "abcd", 4, 0));
    receive(8, MSG_WAITALL | MSG_DONTWAIT);
    TRACE(send(ends[1], "abcd", 4, 0));
    set_nonblocking(ends[0], true);
    receive(8, MSG_WAITALL);
    receive(8, MSG_WAITALL);
    drop();
  }
}

SCENARIO(wait_all_time_out, "MSG_WAITALL gives what came in time") {
  EACH_SOCKET(kind) {
    make(kind);
    set_time_out(ends[0], SO_RCVTIMEO, 60);
    TRACE(send(ends[1], "abcd", 4, 0));
    int64_t before = now_ms();
    receive(8, MSG_WAITALL);
    if (is_stream(kind)) said_wait(60, now_ms() - before);
    before = now_ms();
    receive(8, MSG_WAITALL);
    said_wait(60, now_ms() - before);
    TRACE(send(ends[1], "abcd", 4, 0));
    before = now_ms();
    receive(8, MSG_WAITALL | MSG_PEEK);
    if (kind == TCP) said_wait(60, now_ms() - before);
    drop();
  }
}

static void close_the_other(void *argument) {
  (void)argument;
  settle();
  TRACE(close(ends[1]));
}

SCENARIO(wait_all_end, "MSG_WAITALL gives what came before the end") {
  static const enum kind kinds[] = {TCP, UNIX};
  for (unsigned i = 0; i < 4; i++) {
    make(kinds[i % 2]);
    TRACE(send(ends[1], "abcd", 4, 0));
    start("closer", close_the_other, NULL);
    receive(8, MSG_WAITALL | (i < 2 ? 0 : MSG_PEEK));
    receive(8, MSG_WAITALL);
    receive(8, 0);
    join();
    MUST(close(ends[0]));
  }
}

SCENARIO(wait_all_reset, "MSG_WAITALL gives what came before a reset and leaves the error for the next call") {
  for (int i = 0; i < 2; i++) {
    make(TCP);
    reset_on_close(ends[1]);
    TRACE(send(ends[1], "abcd", 4, 0));
    start("closer", close_the_other, NULL);
    receive(8, MSG_WAITALL | (i ? MSG_PEEK : 0));
    receive(8, 0);
    receive(8, 0);
    join();
    MUST(close(ends[0]));
  }
}

static struct iovec three[3];

static void receive_message_whole(void *argument) {
  struct msghdr message = {.msg_iov = three, .msg_iovlen = 3};
  (void)argument;
  TRACE(recvmsg(ends[0], &message, MSG_WAITALL));
  say("%s, flags %#x, vector %d %d %d", buffer, (unsigned)message.msg_flags, (int)three[0].iov_len,
      (int)three[1].iov_len, (int)three[2].iov_len);
}

SCENARIO(wait_all_message, "recvmsg with MSG_WAITALL fills all of its pieces") {
  static const enum kind kinds[] = {TCP, UNIX};
  for (unsigned i = 0; i < 2; i++) {
    make(kinds[i]);
    three[0] = (struct iovec){buffer, 3};
    three[1] = (struct iovec){NULL, 0};
    three[2] = (struct iovec){buffer + 3, 9};
    start("receiver", receive_message_whole, NULL);
    for (int n = 0; n < 12; n++) {
      settle();
      TRACE(write(ends[1], &"abcdefghijkl"[n], 1));
    }
    join();
    drop();
  }
}

/* ---- low-water marks -------------------------------------------------------------------------------- */

static void read_with_mark(void *argument) {
  ssize_t n = argument ? recv(ends[0], buffer, 64, MSG_PEEK) : read(ends[0], buffer, 64);
  say("%zd %.*s", n, (int)n, buffer);
}

SCENARIO(low_water_mark, "SO_RCVLOWAT: a receive waits for that much") {
  static const enum kind kinds[] = {TCP, UNIX};
  int mark = 6;
  struct pollfd p = {.events = POLLIN};
  for (unsigned i = 0; i < 4; i++) {
    make(kinds[i % 2]);
    MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark));
    start("reader", read_with_mark, i < 2 ? NULL : ends);
    settle();
    TRACE(write(ends[1], "abcd", 4));
    settle();
    p.fd = ends[0];
    if (kinds[i % 2] == TCP) say("poll %d", poll(&p, 1, 0));
    TRACE(write(ends[1], "efgh", 4));
    join();
    receive(64, MSG_DONTWAIT);
    /* What is there when the time is up is enough then. */
    set_time_out(ends[0], SO_RCVTIMEO, 60);
    TRACE(write(ends[1], "ijkl", 4));
    int64_t before = now_ms();
    receive(64, 0);
    if (i < 2) said_wait(60, now_ms() - before);
    TRACE(write(ends[1], "mn", 2));
    MUST(shutdown(ends[1], SHUT_WR));
    receive(64, 0);
    receive(64, 0);
    receive(64, 0);
    drop();
  }
}

/* ---- urgent data ------------------------------------------------------------------------------------ */

static void receive_urgent(void *argument) {
  struct pollfd p = {ends[0], POLLPRI, 0};
  (void)argument;
  TRACE(poll(&p, 1, -1));
  say("%s", poll_names(p.revents));
  TRACE(recv(ends[0], buffer, 8, MSG_OOB));
  say("%.1s", buffer);
  TRACE(recv(ends[0], buffer, 8, MSG_OOB));
}

SCENARIO(urgent, "urgent data: POLLPRI, MSG_OOB, the mark") {
  int at_mark = -1;
  make(TCP);
  TRACE(recv(ends[0], buffer, 8, MSG_OOB));
  start("urgent", receive_urgent, NULL);
  settle();
  TRACE(send(ends[1], "abcX", 4, MSG_OOB));
  TRACE(send(ends[1], "def", 3, 0));
  join();
  receive(64, 0);
  TRACE(ioctl(ends[0], SIOCATMARK, &at_mark));
  say("at the mark: %d", at_mark);
  receive(64, 0);
}

SCENARIO(wait_all_urgent, "MSG_WAITALL stops at the urgent mark") {
  int on = 1;
  for (int in_line = 0; in_line < 2; in_line++) {
    make(TCP);
    if (in_line) MUST(setsockopt(ends[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
    TRACE(send(ends[1], "abcX", 4, MSG_OOB));
    TRACE(send(ends[1], "defg", 4, 0));
    settle();
    receive(7, MSG_WAITALL);
    receive(4, MSG_WAITALL);
    receive(64, MSG_DONTWAIT);
    drop();
  }
}

static void receive_seven(void *argument) {
  (void)argument;
  receive(7, MSG_WAITALL);
}

SCENARIO(urgent_meanwhile, "urgent data that comes while MSG_WAITALL waits") {
  make(TCP);
  start("reader", receive_seven, NULL);
  settle();
  TRACE(send(ends[1], "ab", 2, 0));
  settle();
  TRACE(send(ends[1], "cX", 2, MSG_OOB));
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(send(ends[1], "defgh", 5, 0));
  join();
  receive(64, MSG_DONTWAIT);
}
