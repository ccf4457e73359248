/*
 * While one coroutine waits in a call, the others of its thread go on.
 *
 * In each case whoever ends the wait is a coroutine of the same thread, after having slept twenty times: a
 * call that blocks the thread never ends.
 */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static int ends[2], other = -1, finished, ticks;
static char buffer[1 << 20];
static long result;
static struct sockaddr_un local;
static struct sockaddr_in tcp;
static long (*waiting)(void);
static void (*ending)(void);

static void *wait_here(void *nothing) {
  co_enable_hook_sys();
  result = waiting();
  finished++;
  return nothing;
}

static void *tick_then_end(void *nothing) {
  co_enable_hook_sys();
  for (ticks = 0; ticks < 20; ticks++) usleep(1000);
  CHECK_IS(finished, 0);
  ending();
  finished++;
  return nothing;
}

static void run_both(long expected) {
  start(wait_here, NULL);
  CHECK_IS(finished, 0);
  start(tick_then_end, NULL);
  loop_until(&finished, 2);
  CHECK_IS(ticks, 20);
  CHECK_IS(result, expected);
}

/* A case: what is prepared, the call that waits, what ends the wait, what the call must give. */
#define WAITS(title, prepare, call, end, expected)      \
  static long title##_waits(void) { return call; }      \
  static void title##_ends(void) { end; }               \
  TEST(others_go_on_while_a_coroutine_waits_in_##title) { \
    prepare;                                            \
    waiting = title##_waits;                            \
    ending = title##_ends;                              \
    run_both(expected);                                 \
  }

static void sockets(void) { NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
static void pipes(void) { NEED(pipe(ends) == 0); }
static void say_hello(void) { CHECK_IS(write(ends[1], "hello", 5), 5); }

static void full_sockets(void) {
  sockets();
  while (send(ends[1], buffer, sizeof buffer, MSG_DONTWAIT) > 0) continue;
}

static void full_pipe(void) {
  pipes();
  NEED(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  while (write(ends[1], buffer, 4096) > 0) continue;
  NEED(fcntl(ends[1], F_SETFL, 0) == 0);
}

/* Takes out all that was in there and `more`. */
static void empty(long more) {
  long left = more;
  int there = 0;
  NEED(ioctl(ends[0], FIONREAD, &there) == 0);
  for (left += there; left > 0;) {
    ssize_t n = read(ends[0], buffer, sizeof buffer);
    NEED(n > 0);
    left -= n;
  }
}

static struct iovec two[2] = {{buffer, 2}, {buffer + 2, 100}};
static struct msghdr message = {.msg_iov = two, .msg_iovlen = 2};

WAITS(read, sockets(), read(ends[0], buffer, 100), say_hello(), 5)
WAITS(read_of_a_pipe, pipes(), read(ends[0], buffer, 100), say_hello(), 5)
WAITS(readv, sockets(), readv(ends[0], two, 2), say_hello(), 5)
WAITS(readv_of_a_pipe, pipes(), readv(ends[0], two, 2), say_hello(), 5)
WAITS(recv, sockets(), recv(ends[0], buffer, 100, 0), say_hello(), 5)
WAITS(recv_of_all, sockets(), recv(ends[0], buffer, 10, MSG_WAITALL), (say_hello(), say_hello()), 10)
WAITS(recvfrom, sockets(), recvfrom(ends[0], buffer, 100, 0, NULL, NULL), say_hello(), 5)
WAITS(recvmsg, sockets(), recvmsg(ends[0], &message, 0), say_hello(), 5)
WAITS(write, full_sockets(), write(ends[1], buffer, 300000), empty(300000), 300000)
WAITS(write_to_a_pipe, full_pipe(), write(ends[1], buffer, 300000), empty(300000), 300000)
WAITS(writev, full_sockets(), writev(ends[1], two, 2), empty(102), 102)
WAITS(writev_to_a_pipe, full_pipe(), writev(ends[1], two, 2), empty(102), 102)
WAITS(send, full_sockets(), send(ends[1], buffer, 300000, 0), empty(300000), 300000)
WAITS(sendto, full_sockets(), sendto(ends[1], buffer, 300000, 0, NULL, 0), empty(300000), 300000)
WAITS(sendmsg, full_sockets(), sendmsg(ends[1], &message, 0), empty(102), 102)

/* ---- connections ------------------------------------------------------------------------------------ */

static void listening(int backlog) {
  socklen_t length = sizeof tcp;
  memset(&tcp, 0, sizeof tcp);
  tcp.sin_family = AF_INET;
  tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED((ends[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  NEED(bind(ends[0], (struct sockaddr *)&tcp, sizeof tcp) == 0 && listen(ends[0], backlog) == 0);
  NEED(getsockname(ends[0], (struct sockaddr *)&tcp, &length) == 0);
}

static void connect_once(void) {
  NEED((other = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  CHECK_IS(connect(other, (struct sockaddr *)&tcp, sizeof tcp), 0);
}

/* Another connection has no room until somebody accepts. */
static void full_listener(void) {
  local.sun_family = AF_UNIX;
  snprintf(local.sun_path + 1, sizeof local.sun_path - 1, "colib-io-others-%d", getpid());
  NEED((ends[0] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && (ends[1] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
  NEED((other = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
  NEED(bind(ends[0], (struct sockaddr *)&local, sizeof local) == 0 && listen(ends[0], 0) == 0);
  NEED(connect(other, (struct sockaddr *)&local, sizeof local) == 0);
}

WAITS(accept, listening(5), accept(ends[0], NULL, NULL) >= 0, connect_once(), 1)
WAITS(accept4, listening(5), accept4(ends[0], NULL, NULL, SOCK_CLOEXEC) >= 0, connect_once(), 1)
WAITS(co_accept, listening(5), co_accept(ends[0], NULL, NULL) >= 0, connect_once(), 1)
WAITS(connect, full_listener(), connect(ends[1], (struct sockaddr *)&local, sizeof local),
      CHECK(accept(ends[0], NULL, NULL) >= 0), 0)

/* ---- many descriptors ------------------------------------------------------------------------------- */

extern int __poll(struct pollfd *fds, nfds_t count, int time);

static long poll_with(int how) {
  struct pollfd p = {ends[0], POLLIN, 0};
  struct timespec hour = {3600, 0};
  struct timeval hour_too = {3600, 0};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  switch (how) {
    case 0: return poll(&p, 1, -1);
    case 1: return poll(&p, 1, 3600000);
    case 2: return ppoll(&p, 1, &hour, NULL);
    case 3: return select(ends[0] + 1, &set, NULL, NULL, &hour_too);
    case 4: return pselect(ends[0] + 1, &set, NULL, NULL, NULL, NULL);
    case 5: return __poll(&p, 1, -1);
    default: return co_poll(co_get_epoll_ct(), &p, 1, -1);
  }
}

WAITS(poll, sockets(), poll_with(0), say_hello(), 1)
WAITS(poll_with_a_time, pipes(), poll_with(1), say_hello(), 1)
WAITS(ppoll, pipes(), poll_with(2), say_hello(), 1)
WAITS(select, pipes(), poll_with(3), say_hello(), 1)
WAITS(pselect, sockets(), poll_with(4), say_hello(), 1)
WAITS(poll_by_its_other_name, pipes(), poll_with(5), say_hello(), 1)
WAITS(co_poll, sockets(), poll_with(6), say_hello(), 1)

/* ---- other descriptors ------------------------------------------------------------------------------ */

static long read_counter(void) {
  eventfd_t value = 0;
  return read(ends[0], &value, sizeof value) == 8 ? (long)value : -1;
}

static long write_counter(void) {
  eventfd_t value = 5;
  return write(ends[0], &value, sizeof value);
}

static void full_counter(void) {
  NEED((ends[0] = eventfd(0, 0)) >= 0);
  CHECK(eventfd_write(ends[0], UINT64_MAX - 3) == 0);
}

WAITS(read_of_an_eventfd, NEED((ends[0] = eventfd(0, 0)) >= 0), read_counter(), CHECK(eventfd_write(ends[0], 7) == 0), 7)
WAITS(write_to_an_eventfd, full_counter(), write_counter(), CHECK(read_counter() != 0), 8)

/* ---- time ------------------------------------------------------------------------------------------- */

static void *tick_until_finished(void *nothing) {
  co_enable_hook_sys();
  while (!finished) {
    usleep(2000);
    ticks++;
  }
  return nothing;
}

static void goes_on_for(long (*sleeping)(void), int ms) {
  long long before = now_ns();
  waiting = sleeping;
  start(wait_here, NULL);
  CHECK_IS(finished, 0);
  start(tick_until_finished, NULL);
  loop_until(&finished, 1);
  CHECK_IS(result, 0);
  CHECK(now_ns() - before >= ms * 1000000LL);
}

static const struct timespec tenth = {0, 100000000};
static long in_sleep(void) { return sleep(1); }
static long in_usleep(void) { return usleep(100000); }
static long in_nanosleep(void) { return nanosleep(&tenth, NULL); }
static long in_clock_nanosleep(void) { return clock_nanosleep(CLOCK_BOOTTIME, 0, &tenth, NULL); }
static long in_poll(void) { return poll(NULL, 0, 100); }
static long in_select(void) {
  struct timeval time = {0, 100000};
  return select(0, NULL, NULL, NULL, &time);
}
static long until_a_time(void) {
  struct timespec then;
  clock_gettime(CLOCK_REALTIME, &then);
  then.tv_sec += 1;
  return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, NULL);
}

TEST(others_go_on_during_sleep) { goes_on_for(in_sleep, 1000); }
TEST(others_go_on_during_usleep) { goes_on_for(in_usleep, 100); }
TEST(others_go_on_during_nanosleep) { goes_on_for(in_nanosleep, 100); }
TEST(others_go_on_during_clock_nanosleep) { goes_on_for(in_clock_nanosleep, 100); }
TEST(others_go_on_until_a_time_of_the_wall_clock) { goes_on_for(until_a_time, 900); }
TEST(others_go_on_during_a_poll_of_nothing) { goes_on_for(in_poll, 100); }
TEST(others_go_on_during_a_select_of_nothing) { goes_on_for(in_select, 100); }

static long with_a_time_out(void) {
  struct timeval time = {0, 100000};
  setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  return recv(ends[0], buffer, 1, 0) == -1 && errno == EAGAIN ? 0 : -1;
}
TEST(others_go_on_until_a_socket_times_out) {
  sockets();
  goes_on_for(with_a_time_out, 90);
}

static long by_timer(void) {
  struct itimerspec soon = {{0, 0}, {0, 100000000}};
  uint64_t times;
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  timerfd_settime(fd, 0, &soon, NULL);
  return read(fd, &times, sizeof times) == 8 ? 0 : -1;
}
TEST(others_go_on_during_a_read_of_a_timerfd) { goes_on_for(by_timer, 100); }

RUN_TESTS
