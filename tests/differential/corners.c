/* corners.c - less common descriptors, flags and shapes of calls. */
#include "scenario.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static int ends[2], watched;
static char buffer[256], large[300000], received[300000];

static void poll_watched(void *argument) {
  struct pollfd p = {watched, POLLIN, 0};
  (void)argument;
  TRACE(poll(&p, 1, -1));
  say("%s", poll_names(p.revents));
}

SCENARIO(nested_epoll, "poll and select of an epoll descriptor") {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7}, got;
  make_pair(PIPE, ends);
  watched = MUST(epoll_create1(0));
  MUST(epoll_ctl(watched, EPOLL_CTL_ADD, ends[0], &event));
  for (int i = 0; i < 3; i++) {
    start(i == 0 ? "first" : i == 1 ? "second" : "third", poll_watched, NULL);
    settle();
    say("still waiting: %d", has_ended(i == 0 ? "first" : i == 1 ? "second" : "third") == false);
    TRACE(write(ends[1], "x", 1));
    join();
    TRACE(epoll_wait(watched, &got, 1, 0));
    TRACE(read(ends[0], buffer, 9));
    TRACE(epoll_wait(watched, &got, 1, 0));
  }
}

SCENARIO(children, "poll of a pidfd waits for the child") {
  int hold[2];
  MUST(pipe(hold));
  pid_t child = MUST(fork());
  if (child == 0) {
    char byte;
    close(hold[1]);
    syscall(SYS_read, hold[0], &byte, 1);
    _exit(5);
  }
  watched = MUST(syscall(SYS_pidfd_open, child, 0));
  start("poller", poll_watched, NULL);
  settle();
  say("still waiting: %d", !has_ended("poller"));
  TRACE(close(hold[1]));
  join();
  int status = 0;
  MUST(waitpid(child, &status, 0));
  say("%d", WEXITSTATUS(status));
}

static void read_signal(void *argument) {
  struct signalfd_siginfo info = {0};
  (void)argument;
  TRACE(read(watched, &info, sizeof info));
  say("%u", info.ssi_signo);
}

SCENARIO(signal_descriptor, "a read of a signalfd waits for a signal") {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  watched = MUST(signalfd(-1, &set, 0));
  start("reader", read_signal, NULL);
  settle();
  say("still waiting: %d", !has_ended("reader"));
  signal_actor("reader", SIGUSR1);
  join();
}

/* ---- nothing at all --------------------------------------------------------------------------------- */

SCENARIO(receive_nothing, "receiving and sending no bytes: which calls wait") {
  static const enum kind kinds[] = {TCP, UNIX, SEQPACKET, DGRAM, UDP};
  for (int i = 0; i < 5; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    set_time_out(ends[0], SO_RCVTIMEO, 30);
    TRACE(read(ends[0], buffer, 0));
    TRACE(readv(ends[0], &(struct iovec){buffer, 0}, 1));
    TRACE_WAIT(30, recv(ends[0], buffer, 0, 0));
    TRACE_WAIT(30, recv(ends[0], buffer, 0, MSG_WAITALL));
    TRACE(recv(ends[0], buffer, 0, MSG_PEEK));
    TRACE(recv(ends[0], buffer, 0, MSG_DONTWAIT));
    TRACE(recvmsg(ends[0], &(struct msghdr){0}, 0));
    if (i < 3) TRACE(send(ends[1], "", 0, 0));
    TRACE(sendmsg(ends[1], &(struct msghdr){0}, MSG_DONTWAIT));
    TRACE(recv(ends[0], buffer, 9, 0));
    MUST(send(ends[1], "data", 4, 0));
    TRACE(recv(ends[0], buffer, 0, MSG_PEEK));
    TRACE(read(ends[0], buffer, 0));
    TRACE(recv(ends[0], buffer, 0, 0));
    TRACE(recv(ends[0], buffer, 9, MSG_DONTWAIT));
    MUST(shutdown(ends[1], SHUT_WR));
    if (kinds[i] != UDP && kinds[i] != DGRAM) {
      TRACE(recv(ends[0], buffer, 0, 0));
      TRACE(recv(ends[0], buffer, 9, MSG_WAITALL));
    }
  }
}

SCENARIO(write_nothing, "writing no bytes where there is no room, or nobody reads") {
  static const enum kind kinds[] = {TCP, UNIX, PIPE, FIFO};
  count_sigpipes();
  for (int i = 0; i < 4; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    set_nonblocking(ends[1], true);
    while (write(ends[1], large, sizeof large) > 0) continue;
    set_nonblocking(ends[1], false);
    TRACE(write(ends[1], buffer, 0));
    TRACE(writev(ends[1], &(struct iovec){buffer, 0}, 1));
    TRACE(writev(ends[1], NULL, 0));
    if (is_socket(kinds[i])) TRACE(send(ends[1], buffer, 0, 0));
    if (kinds[i] == TCP) continue;
    TRACE(close(ends[0]));
    TRACE(write(ends[1], buffer, 0));
    TRACE(writev(ends[1], NULL, 0));
    if (is_socket(kinds[i])) TRACE(send(ends[1], buffer, 0, 0));
    say("SIGPIPE: %d", (int)sigpipes);
  }
}

/* ---- records ---------------------------------------------------------------------------------------- */

static void send_records(void *argument) {
  int failed = 0, size = 30000;
  (void)argument;
  for (int i = 0; i < 40; i++) {
    fill(large, (size_t)size, (unsigned)i);
    failed += send(ends[1], large, (size_t)size, 0) != size;
  }
  say("failed: %d", failed);
}

static void large_records(enum kind kind) {
  int size = 100000, good = 0;
  make_pair(kind, ends);
  MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  start("sender", send_records, NULL);
  settle();
  say("still waiting: %d", !has_ended("sender"));
  for (int i = 0; i < 40; i++) {
    static char expected[30000];
    fill(expected, sizeof expected, (unsigned)i);
    good += read(ends[0], received, sizeof received) == sizeof expected && memcmp(received, expected, sizeof expected) == 0;
    if (i % 10 == 0) settle();
  }
  say("good: %d", good);
}

SCENARIO(large_datagrams, "unix datagrams larger than the room there is wait, and stay whole") { large_records(DGRAM); }
SCENARIO(large_packets, "packets larger than the room there is wait, and stay whole") { large_records(SEQPACKET); }

static void write_packets(void *argument) {
  (void)argument;
  fill(large, sizeof large, 8);
  TRACE(write(ends[1], large, 100000));
  TRACE(writev(ends[1], &(struct iovec){large, 6000}, 1));
}

SCENARIO(packet_pipe, "a pipe in packet mode keeps its packets") {
  MUST(pipe2(ends, O_DIRECT));
  MUST(fcntl(ends[1], F_SETPIPE_SZ, 8192));
  start("writer", write_packets, NULL);
  settle();
  size_t sum = 0;
  while (sum < 106000) {
    ssize_t n = read(ends[0], received, sizeof received);
    say("%zd", n);
    if (n <= 0) break;
    sum += (size_t)n;
  }
}

/* ---- connections ------------------------------------------------------------------------------------ */

static struct sockaddr_in address;
static int listener;

static void accept_and_read(void *argument) {
  (void)argument;
  int fd = accept(listener, NULL, NULL);
  say("accepted: %d", fd >= 0);
  TRACE(recv(fd, buffer, 5, MSG_WAITALL));
  say("%.5s", buffer);
}

SCENARIO(fast_open, "MSG_FASTOPEN connects and sends") {
  listener = listen_tcp(5, &address);
  start("server", accept_and_read, NULL);
  settle();
  int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(sendto(client, "hello", 5, MSG_FASTOPEN, plain(&address), sizeof address));
  join();
  TRACE(sendto(client, "hello", 5, MSG_FASTOPEN, plain(&address), sizeof address));
  say("%s", flag_names(fcntl(client, F_GETFL)));
  /* To nobody. */
  MUST(close(listener));
  client = MUST(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(sendto(client, "hello", 5, MSG_FASTOPEN | MSG_NOSIGNAL, plain(&address), sizeof address));
}

SCENARIO(simultaneous, "a socket that connects to itself") {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  socklen_t length = sizeof address;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  MUST(bind(fd, plain(&address), sizeof address));
  MUST(getsockname(fd, (struct sockaddr *)&address, &length));
  TRACE(connect(fd, plain(&address), sizeof address));
  TRACE(write(fd, "self", 4));
  TRACE(read(fd, buffer, 9));
  TRACE(accept(fd, NULL, NULL));
}

SCENARIO(version_six, "tcp over ::1") {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  socklen_t length = sizeof six;
  listener = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  if (bind(listener, plain(&six), sizeof six) != 0) {
    say("no ::1 here");
    return;
  }
  MUST(listen(listener, 5));
  MUST(getsockname(listener, (struct sockaddr *)&six, &length));
  start("server", accept_and_read, NULL);
  settle();
  int client = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  TRACE(connect(client, plain(&six), sizeof six));
  TRACE(send(client, "he", 2, MSG_MORE));
  TRACE(send(client, "llo", 3, 0));
  join();
}

/* ---- many ------------------------------------------------------------------------------------------- */

static struct pollfd *many;
enum { MANY = 3000 };

static void poll_many(void *argument) {
  int ready = 0;
  (void)argument;
  TRACE(poll(many, MANY, -1));
  for (int i = 0; i < MANY; i++) ready += many[i].revents == POLLIN;
  say("%d", ready);
}

SCENARIO(poll_of_thousands, "poll of thousands of entries") {
  int others[2];
  make_pair(PIPE, ends);
  make_pair(UNIX, others);
  many = calloc(MANY, sizeof *many);
  for (int i = 0; i < MANY; i++) many[i] = (struct pollfd){i % 7 == 0 ? ends[0] : i % 11 == 0 ? -i : others[0], POLLIN, 0x7f};
  start("poller", poll_many, NULL);
  settle();
  TRACE(write(ends[1], "x", 1));
  join();
}

static unsigned long bits[64];

static void select_high(void *argument) {
  (void)argument;
  TRACE(select(1501, (fd_set *)bits, NULL, NULL, NULL));
  say("%d %d", (int)(bits[1500 / 64] >> 1500 % 64 & 1), (int)(bits[1200 / 64] >> 1200 % 64 & 1));
}

SCENARIO(select_above_its_set, "select of numbers that an fd_set has no room for") {
  int others[2];
  make_pair(PIPE, ends);
  make_pair(PIPE, others);
  MUST(dup2(ends[0], 1500));
  MUST(dup2(others[0], 1200));
  bits[1500 / 64] |= 1ul << 1500 % 64;
  bits[1200 / 64] |= 1ul << 1200 % 64;
  start("selecter", select_high, NULL);
  settle();
  TRACE(write(ends[1], "x", 1));
  join();
}
