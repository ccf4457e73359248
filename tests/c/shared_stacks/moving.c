/* Calls find their arguments although the stack these stand on moved away while they waited. */
#include "shared.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include "co_routine_inner.h"

static int pair[2], listener;
static struct sockaddr_in bound;
static stCoCond_t *cond;

static void open_descriptors_to_wait_for(void) {
  socklen_t length = sizeof bound;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  bound.sin_family = AF_INET;
  bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&bound, sizeof bound) == 0 && listen(listener, 5) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&bound, &length) == 0);
  cond = co_cond_alloc();
}

static void fill_the_pair(void) {
  char chunk[1024];
  memset(chunk, 'f', sizeof chunk);
  while (send(pair[0], chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
}

static void end_by_data(void) { CHECK_IS(write(pair[1], "01234567", 8), 8); }

static char drained[64];
static void end_by_room(void) {
  char chunk[4096];
  ssize_t n;
  while ((n = recv(pair[1], chunk, sizeof chunk, MSG_DONTWAIT)) > 0)
    for (ssize_t i = 0; i < n; i++)
      if (chunk[i] != 'f') strncat(drained, &chunk[i], 1);
}

static void end_by_connection(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&bound, sizeof bound) == 0);
}

static void end_by_signal(void) { co_cond_signal(cond); }
static void end_by_itself(void) {}

static void call_read(void) {
  char bytes[9] = {0};
  CHECK_IS(read(pair[0], bytes, 8), 8);
  CHECK_TEXT(bytes, "01234567");
}

static void call_readv(void) {
  char one[5] = {0}, two[6] = {0};
  struct iovec parts[2] = {{one, 3}, {two, 5}};
  CHECK_IS(readv(pair[0], parts, 2), 8);
  CHECK_TEXT(one, "012");
  CHECK_TEXT(two, "34567");
}

static void call_recv(void) {
  char bytes[9] = {0};
  CHECK_IS(recv(pair[0], bytes, 8, MSG_PEEK), 8);
  CHECK_TEXT(bytes, "01234567");
  CHECK_IS(recv(pair[0], bytes, 8, MSG_WAITALL), 8);
}

static void call_recvfrom(void) {
  char bytes[9] = {0};
  struct sockaddr_un from;
  socklen_t length = sizeof from;
  CHECK_IS(recvfrom(pair[0], bytes, 8, 0, (struct sockaddr *)&from, &length), 8);
  CHECK_TEXT(bytes, "01234567");
  CHECK(length < sizeof from);
}

static void call_recvmsg(void) {
  char one[9] = {0}, control[100];
  struct sockaddr_un from;
  struct iovec part = {one, 8};
  struct msghdr message = {&from, sizeof from, &part, 1, control, sizeof control, -1};
  CHECK_IS(recvmsg(pair[0], &message, 0), 8);
  CHECK_TEXT(one, "01234567");
  CHECK(message.msg_controllen == 0 && message.msg_namelen == 0 && message.msg_flags == 0);
}

static void call_write(void) {
  char bytes[9] = "01234567";
  fill_the_pair();
  CHECK_IS(write(pair[0], bytes, 8), 8);
  CHECK_TEXT(bytes, "01234567");
  end_by_room();
  CHECK_TEXT(drained, "01234567");
}

static void call_writev(void) {
  char one[4] = "012", two[6] = "34567";
  struct iovec parts[2] = {{one, 3}, {two, 5}};
  fill_the_pair();
  CHECK_IS(writev(pair[0], parts, 2), 8);
  end_by_room();
  CHECK_TEXT(drained, "01234567");
}

static void call_sendmsg(void) {
  char one[4] = "012", two[6] = "34567";
  struct iovec parts[2] = {{one, 3}, {two, 5}};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  fill_the_pair();
  CHECK_IS(sendmsg(pair[0], &message, 0), 8);
  end_by_room();
  CHECK_TEXT(drained, "01234567");
}

static void call_accept(void) {
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int fd = accept(listener, (struct sockaddr *)&peer, &length);
  CHECK(fd >= 0);
  CHECK(length == sizeof peer && peer.sin_family == AF_INET && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

static void call_connect(void) {
  struct sockaddr_in to = bound;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_IS(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  CHECK(memcmp(&to, &bound, sizeof to) == 0);
}

static void call_poll(void) {
  struct pollfd fds[3] = {{pair[0], POLLIN, -1}, {-1, POLLIN, -1}, {listener, POLLIN, -1}};
  CHECK_IS(poll(fds, 3, -1), 1);
  CHECK(fds[0].revents == POLLIN && fds[1].revents == 0 && fds[2].revents == 0);
  CHECK(fds[0].fd == pair[0] && fds[1].fd == -1 && fds[2].fd == listener);
}

static void call_co_poll(void) {
  struct pollfd fds[2] = {{pair[0], POLLIN, -1}, {pair[0], POLLIN | POLLPRI, -1}};
  CHECK_IS(co_poll(co_get_epoll_ct(), fds, 2, 100000), 2);
  CHECK(fds[0].revents == POLLIN && fds[1].revents == POLLIN);
}

static void call_ppoll(void) {
  struct pollfd fds[1] = {{pair[0], POLLIN, -1}};
  struct timespec wait = {100, 0};
  sigset_t mask;
  sigemptyset(&mask);
  CHECK_IS(ppoll(fds, 1, &wait, &mask), 1);
  CHECK(fds[0].revents == POLLIN && wait.tv_sec <= 100);
}

static void call_select(void) {
  struct timeval wait = {100, 0};
  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(pair[0], &in);
  FD_SET(listener, &in);
  CHECK_IS(select(listener + 1, &in, &out, NULL, &wait), 1);
  CHECK(FD_ISSET(pair[0], &in) && !FD_ISSET(listener, &in));
  CHECK(wait.tv_sec < 100);
}

static void call_pselect(void) {
  struct timespec wait = {100, 0};
  fd_set in;
  sigset_t mask;
  sigemptyset(&mask);
  FD_ZERO(&in);
  FD_SET(pair[0], &in);
  CHECK_IS(pselect(pair[0] + 1, &in, NULL, NULL, &wait, &mask), 1);
  CHECK(FD_ISSET(pair[0], &in));
}

static void call_nanosleep(void) {
  struct timespec wait = {0, 3000000}, left = {77, 88};
  long long before = now_ns();
  CHECK_IS(nanosleep(&wait, &left), 0);
  CHECK(now_ns() - before >= 3000000 && wait.tv_nsec == 3000000 && left.tv_sec == 77);
}

static void call_clock_nanosleep(void) {
  struct timespec when;
  clock_gettime(CLOCK_REALTIME, &when);
  when.tv_nsec += 3000000;
  when.tv_sec += when.tv_nsec / 1000000000;
  when.tv_nsec %= 1000000000;
  CHECK_IS(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL), 0);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  CHECK(now.tv_sec > when.tv_sec || (now.tv_sec == when.tv_sec && now.tv_nsec >= when.tv_nsec));
}

static void call_co_cond_timedwait(void) { CHECK_IS(co_cond_timedwait(cond, 100000), 0); }

static void call_getaddrinfo(void) {
  char name[] = "localhost", service[] = "80";
  struct addrinfo hints, *found = NULL;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  CHECK_IS(getaddrinfo(name, service, &hints, &found), 0);
  if (CHECK(found != NULL)) {
    struct sockaddr_in *at = (struct sockaddr_in *)found->ai_addr;
    CHECK(at->sin_port == htons(80) && at->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    freeaddrinfo(found);
  }
}

static void call_gethostbyname_r(void) {
  char name[] = "localhost", buffer[1000];
  struct hostent host, *found = NULL;
  int error = -1;
  CHECK_IS(gethostbyname_r(name, &host, buffer, sizeof buffer, &found, &error), 0);
  CHECK(found == &host && host.h_length == 4);
  CHECK(found && host.h_addr_list[0] >= buffer && host.h_addr_list[0] < buffer + sizeof buffer);
  CHECK(found && memcmp(host.h_addr_list[0], "\x7f\0\0\1", 4) == 0);
}

static void call_getnameinfo(void) {
  struct sockaddr_in at = bound;
  char name[NI_MAXHOST] = "?", service[NI_MAXSERV] = "?";
  CHECK_IS(getnameinfo((struct sockaddr *)&at, sizeof at, name, sizeof name, service, sizeof service, 0), 0);
  CHECK(name[0] && strcmp(name, "?") != 0 && service[0]);
}

struct call {
  void (*call)(void), (*end)(void);
};

static int waiting;

static void *calls(void *argument) {
  struct call *one = argument;
  unsigned char before[300];
  co_enable_hook_sys();
  fill(before, sizeof before, 3);
  waiting = 1;
  one->call();
  CHECK(is_filled(before, sizeof before, 3));
  done++;
  return NULL;
}

static NOINLINE void cover(struct call *one) {
  unsigned char bytes[20000];
  fill(bytes, sizeof bytes, 4);
  one->end();
  for (int i = 0; i < 20 && done == 0; i++) {
    usleep(1000);
    CHECK(is_filled(bytes, sizeof bytes, 4));
  }
}

static void *covers(void *argument) {
  co_enable_hook_sys();
  cover(argument);
  waiting = 0;
  done += 10;
  return NULL;
}

/* One waits in the call; another covers its stack, lets the wait end, and waits with its own bytes there. */
static void move_during(void (*call)(void), void (*end)(void)) {
  struct call one = {call, end};
  open_descriptors_to_wait_for();
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *caller = spawn_on(stacks, 0, calls, &one), *other = spawn_on(stacks, 0, covers, &one);
  co_resume(caller);
  CHECK_IS(waiting, 1);
  CHECK_IS(done, 0);
  co_resume(other);
  loop_until(&done, 11);
  CHECK(caller->cEnd && other->cEnd);
  co_release(caller);
  co_release(other);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

#define MOVES(call, end) \
  TEST(call##_finds_its_arguments_although_its_stack_moved_away) { move_during(call_##call, end); }
MOVES(read, end_by_data)
MOVES(readv, end_by_data)
MOVES(recv, end_by_data)
MOVES(recvfrom, end_by_data)
MOVES(recvmsg, end_by_data)
MOVES(write, end_by_room)
MOVES(writev, end_by_room)
MOVES(sendmsg, end_by_room)
MOVES(accept, end_by_connection)
MOVES(poll, end_by_data)
MOVES(co_poll, end_by_data)
MOVES(ppoll, end_by_data)
MOVES(select, end_by_data)
MOVES(pselect, end_by_data)
MOVES(nanosleep, end_by_itself)
MOVES(clock_nanosleep, end_by_itself)
MOVES(co_cond_timedwait, end_by_signal)
MOVES(getaddrinfo, end_by_itself)
MOVES(gethostbyname_r, end_by_itself)
MOVES(getnameinfo, end_by_itself)

/* A connection on the loopback may be there at once: no wait is demanded. */
static void *connects(void *unused) {
  co_enable_hook_sys();
  call_connect();
  done++;
  return unused;
}

TEST(connect_finds_its_arguments_although_its_stack_moved_away) {
  open_descriptors_to_wait_for();
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  for (int i = 0; i < 5; i++) co_resume(spawn_on(stacks, 0, connects, NULL));
  loop_until(&done, 5);
}

RUN_TESTS
