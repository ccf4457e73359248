/* accepted.c - what an accepted socket is like: time-outs and flags as its listener gives them or does not, and first reads. */
#include "scenario.h"
#include <sys/wait.h>

static int listener, client, other;
static char buffer[64];
static struct sockaddr_in address;

static void connect_client(void) {
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  MUST(connect(client, plain(&address), sizeof address));
}

static void accept_one(void *unused UNUSED) {
  other = (int)MUST(accept(listener, NULL, NULL));
}

/* A connection that somebody waited for. */
static void make_connection(void) {
  start("acceptor", accept_one, NULL);
  settle();
  connect_client();
  join();
}

static void drop_connection(void) {
  MUST(close(client));
  MUST(close(other));
}

static void receive(void) {
  memset(buffer, 0, sizeof buffer);
  TRACE(recv(other, buffer, 32, 0));
  say("\"%s\"", buffer);
}

/* ---- ways to give a listener a time-out ------------------------------------------------------------- */

static void set_through(int fd) {
  set_time_out(fd, SO_RCVTIMEO, 60);
  MUST(close(fd));
}
static void by_itself(void) { set_time_out(listener, SO_RCVTIMEO, 60); }
static void by_number(void) {
  struct timeval time = {0, 60000};
  MUST(syscall(SYS_setsockopt, listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
}
static void by_dup(void) { set_through(MUST(dup(listener))); }
static void by_dup2(void) { set_through(MUST(dup2(listener, MUST(dup(0))))); }
static void by_dup3(void) { set_through(MUST(dup3(listener, MUST(dup(0)), O_CLOEXEC))); }
static void by_fcntl(void) { set_through(MUST(fcntl(listener, F_DUPFD_CLOEXEC, 3))); }
static void by_fcntl_number(void) { set_through(MUST(syscall(SYS_fcntl, listener, F_DUPFD, 3))); }
static void by_dup_number(void) { set_through(MUST(syscall(SYS_dup, listener))); }
static void by_message(void) {
  int pair[2], fd = -1;
  char room[CMSG_SPACE(sizeof fd)] = {0}, byte = 0;
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(header), &listener, sizeof fd);
  MUST(sendmsg(pair[0], &message, 0));
  MUST(recvmsg(pair[1], &message, 0));
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  set_through(fd);
  MUST(close(pair[0]));
  MUST(close(pair[1]));
}
static void by_pidfd(void) {
  int own = MUST(syscall(SYS_pidfd_open, getpid(), 0));
  set_through(MUST(syscall(SYS_pidfd_getfd, own, listener, 0)));
  MUST(close(own));
}
static void by_child(void) {
  pid_t child = MUST(fork());
  if (child == 0) {
    set_time_out(listener, SO_RCVTIMEO, 60);
    _exit(0);
  }
  MUST(waitpid(child, NULL, 0));
}

static const struct {
  const char *name;
  void (*set)(void);
} ways[] = {
    {"by itself", by_itself}, {"by number", by_number}, {"by dup", by_dup}, {"by dup2", by_dup2}, {"by dup3", by_dup3},
    {"by fcntl", by_fcntl}, {"by fcntl's number", by_fcntl_number}, {"by dup's number", by_dup_number},
    {"by a message", by_message}, {"by pidfd_getfd", by_pidfd}, {"by a child", by_child},
};

SCENARIO(inherited_time_outs, "an accepted socket has its listener's time-out, however that came by it") {
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    say("%s", ways[i].name);
    listener = listen_tcp(5, &address);
    make_connection();
    drop_connection();
    ways[i].set();
    connect_client();
    other = MUST(accept(listener, NULL, NULL));
    TRACE_WAIT(60, recv(other, buffer, 8, 0));
    MUST(write(client, "abc", 3));
    receive();
    TRACE_WAIT(60, recv(other, buffer, 8, 0));
    drop_connection();
    MUST(close(listener));
  }
}

static void send_late(void *what) {
  settle();
  usleep(150000);
  MUST(write(client, what, strlen(what)));
}

SCENARIO(later_time_out, "a time-out that a listener gets later is not that of connections made before") {
  listener = listen_tcp(5, &address);
  make_connection();
  drop_connection();
  connect_client();
  set_time_out(listener, SO_RCVTIMEO, 60);
  other = MUST(accept(listener, NULL, NULL));
  start("sender", send_late, "late");
  receive();
  join();
  drop_connection();
}

/* ---- first reads ------------------------------------------------------------------------------------ */

static void send_three(void *unused UNUSED) {
  settle();
  MUST(write(client, "ghi", 3));
}
static void shut(void *unused UNUSED) {
  settle();
  MUST(shutdown(client, SHUT_WR));
}

SCENARIO(first_reads, "reads of a fresh connection that come short, then find more, wait for more, and find the end") {
  listener = listen_tcp(5, &address);
  for (int i = 0; i < 2; i++) {
    make_connection();
    MUST(write(client, "abc", 3));
    receive();
    MUST(write(client, "def", 3));
    receive();
    start("sender", send_three, NULL);
    receive();
    join();
    start("shutter", shut, NULL);
    receive();
    join();
    receive();
    drop_connection();
  }
}

SCENARIO(first_read_then_end, "a fresh connection that came short and was shut or reset meanwhile") {
  listener = listen_tcp(5, &address);
  make_connection();
  MUST(write(client, "abc", 3));
  receive();
  MUST(shutdown(client, SHUT_WR));
  receive();
  drop_connection();
  make_connection();
  MUST(write(client, "abc", 3));
  receive();
  reset_on_close(client);
  MUST(close(client));
  receive();
  receive();
  MUST(close(other));
}

SCENARIO(first_read_then_poll, "poll of a fresh connection that came short") {
  listener = listen_tcp(5, &address);
  make_connection();
  struct pollfd one = {.fd = other, .events = POLLIN | POLLRDHUP};
  MUST(write(client, "abc", 3));
  receive();
  TRACE(poll(&one, 1, 0));
  TRACE_WAIT(60, poll(&one, 1, 60));
  MUST(write(client, "def", 3));
  TRACE(poll(&one, 1, 1000));
  say("%s", poll_names(one.revents));
  receive();
  start("sender", send_three, NULL);
  TRACE(poll(&one, 1, -1));
  say("%s", poll_names(one.revents));
  receive();
  drop_connection();
}

SCENARIO(first_read_to_the_mark, "the first read of a connection ends at the urgent mark, the second goes on behind it") {
  listener = listen_tcp(5, &address);
  make_connection();
  MUST(send(client, "abX", 3, MSG_OOB));
  MUST(send(client, "cd", 2, 0));
  usleep(20000);
  receive();
  receive();
  start("sender", send_three, NULL);
  receive();
  drop_connection();
}

SCENARIO(changed_after_first_read, "flags and time-outs that change after the first read count for the second") {
  listener = listen_tcp(5, &address);
  make_connection();
  MUST(write(client, "abc", 3));
  receive();
  set_time_out(other, SO_RCVTIMEO, 60);
  TRACE_WAIT(60, recv(other, buffer, 8, 0));
  drop_connection();
  make_connection();
  MUST(write(client, "abc", 3));
  receive();
  set_nonblocking(other, true);
  TRACE(recv(other, buffer, 8, 0));
  drop_connection();
  connect_client();
  other = MUST(accept4(listener, NULL, NULL, SOCK_NONBLOCK));
  TRACE(recv(other, buffer, 8, 0));
  MUST(write(client, "abc", 3));
  usleep(20000);
  receive();
  TRACE(recv(other, buffer, 8, 0));
  drop_connection();
}

/* The same number, a connection and then something else. */
SCENARIO(number_of_a_connection, "a number that was an accepted connection, read short, means another file") {
  int pair[2], kept;
  listener = listen_tcp(5, &address);
  make_connection();
  MUST(write(client, "abc", 3));
  receive();
  kept = other;
  MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
  MUST(dup2(pair[0], other));
  MUST(write(pair[1], "of a pair", 9));
  MUST(write(pair[1], "another", 7));
  receive();
  receive();
  MUST(close(other));
  MUST(close(client));
  make_connection();
  say("the same number: %d", other == kept);
  MUST(write(client, "abc", 3));
  receive();
  start("sender", send_three, NULL);
  receive();
  drop_connection();
}
