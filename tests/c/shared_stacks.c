/* Shared stacks: many coroutines on few stacks, whose bytes move away while they wait. */
#include "check.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include "co_routine_inner.h"

enum { KIB = 1024 };

static int done;

static stShareStack_t *stacks_of(int count, int size) {
  stShareStack_t *stacks = co_alloc_sharestack(count, size);
  NEED(stacks != NULL);
  return stacks;
}

/* ---- any order of operations ------------------------------------------------------------------------ */

static NOINLINE void fill(unsigned char *bytes, size_t size, uint64_t mark) {
  for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(mark * 31 + i * 7 + (mark >> 8));
}

static NOINLINE int is_filled(const unsigned char *bytes, size_t size, uint64_t mark) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != (unsigned char)(mark * 31 + i * 7 + (mark >> 8))) return 0;
  return 1;
}

static void *fills_and_yields(void *argument) {
  intptr_t me = (intptr_t)argument;
  unsigned char bytes[3000];
  fill(bytes, sizeof bytes, (uint64_t)me);
  for (int i = 0; i < 3; i++) {
    co_yield_ct();
    CHECK(is_filled(bytes, sizeof bytes, (uint64_t)me));
  }
  done++;
  return NULL;
}

TEST(coroutines_of_one_stack_use_the_same_addresses_and_keep_their_own_bytes) {
  enum { N = 50 };
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *all[N];
  for (long i = 0; i < N; i++) all[i] = spawn_on(stacks, 0, fills_and_yields, (void *)i);
  for (int round = 0; round < 4; round++)
    for (int i = 0; i < N; i++) co_resume(all[(i * 7 + round * 3) % N]);
  CHECK_IS(done, N);
  for (int i = 0; i < N; i++) co_release(all[i]);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *tells_its_address(void *place) {
  char here;
  *(uintptr_t *)place = (uintptr_t)&here;
  co_yield_ct();
  CHECK_IS(*(uintptr_t *)place, (uintptr_t)&here);
  return NULL;
}

TEST(coroutines_are_dealt_to_the_stacks_in_turn) {
  enum { STACKS = 3, N = 12 };
  stShareStack_t *stacks = stacks_of(STACKS, 64 * KIB);
  stCoRoutine_t *all[N];
  uintptr_t at[N];
  for (int i = 0; i < N; i++) {
    all[i] = spawn_on(stacks, 0, tells_its_address, &at[i]);
    co_resume(all[i]);
    if (i >= STACKS)
      CHECK_IS(at[i], at[i - STACKS]);
    else
      for (int j = 0; j < i; j++) CHECK(at[i] != at[j]);
  }
  for (int i = 0; i < N; i++) {
    co_resume(all[i]);
    CHECK(all[i]->cEnd && all[i]->cIsShareStack);
    co_release(all[i]);
  }
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static stCoRoutine_t *family[20];

static void *resumes_the_next(void *argument) {
  intptr_t me = (intptr_t)argument;
  unsigned char bytes[1000];
  fill(bytes, sizeof bytes, (uint64_t)me);
  for (int i = 0; i < 2; i++) {
    if (me + 1 < 20) co_resume(family[me + 1]);
    CHECK(is_filled(bytes, sizeof bytes, (uint64_t)me));
    co_yield_ct();
    CHECK(is_filled(bytes, sizeof bytes, (uint64_t)me));
  }
  done++;
  return NULL;
}

TEST(coroutines_of_one_stack_may_resume_each_other) {
  for (int count = 1; count <= 3; count++) {
    stShareStack_t *stacks = stacks_of(count, 32 * KIB);
    done = 0;
    for (long i = 0; i < 20; i++) family[i] = spawn_on(stacks, 0, resumes_the_next, (void *)i);
    for (int i = 0; i < 3; i++)
      for (int j = 19; j >= 0; j--) co_resume(family[j]);
    for (int i = 0; i < 60 && done < 20; i++) co_resume(family[i % 20]);
    CHECK_IS(done, 20);
    for (int i = 0; i < 20; i++) co_release(family[i]);
    CHECK_IS(co_free_sharestack(stacks), 0);
  }
}

TEST(releasing_one_coroutine_leaves_the_others_of_its_stack_whole) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  /* Whoever is released has its bytes in the stack, moved out, or nowhere yet. */
  for (int which = 0; which < 4; which++) {
    stCoRoutine_t *all[4];
    for (long i = 0; i < 4; i++) all[i] = spawn_on(stacks, 0, fills_and_yields, (void *)i);
    for (int i = 0; i < 3; i++) co_resume(all[i]);
    done = 0;
    co_release(all[which]);
    for (int round = 0; round < 4; round++)
      for (int i = 0; i < 4; i++)
        if (i != which) co_resume(all[i]);
    CHECK_IS(done, 3);
    for (int i = 0; i < 4; i++)
      if (i != which) co_release(all[i]);
  }
  CHECK_IS(co_free_sharestack(stacks), 0);
}

TEST(resetting_one_coroutine_leaves_the_others_of_its_stack_whole) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  for (int which = 0; which < 4; which++) {
    stCoRoutine_t *all[4];
    for (long i = 0; i < 4; i++) all[i] = spawn_on(stacks, 0, fills_and_yields, (void *)i);
    for (int i = 0; i < 3; i++) co_resume(all[i]);
    done = 0;
    co_reset(all[which]);
    for (int round = 0; round < 4; round++)
      for (int i = 0; i < 4; i++) co_resume(all[i]);
    CHECK_IS(done, 4);
    for (int i = 0; i < 4; i++) co_release(all[i]);
  }
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *ends(void *unused) {
  unsigned char bytes[5000];
  fill(bytes, sizeof bytes, 77);
  done += is_filled(bytes, sizeof bytes, 77);
  return unused;
}

TEST(coroutines_that_end_leave_the_others_of_their_stack_whole) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *one = spawn_on(stacks, 0, fills_and_yields, (void *)1);
  for (int i = 0; i < 4; i++) {
    stCoRoutine_t *other = spawn_on(stacks, 0, ends, NULL);
    co_resume(one);
    co_resume(other);
    co_resume(other);
    co_reset(other);
    co_resume(other);
    co_release(other);
  }
  CHECK(one->cEnd);
  CHECK_IS(done, 9);
  co_release(one);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *releases_itself(void *unused) {
  unsigned char bytes[2000];
  fill(bytes, sizeof bytes, 5);
  co_release(co_self());
  CHECK(is_filled(bytes, sizeof bytes, 5));
  done++;
  co_yield_ct();
  done += 100;
  return unused;
}

TEST(a_coroutine_on_a_shared_stack_may_release_itself) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *one = spawn_on(stacks, 0, fills_and_yields, (void *)1);
  for (int i = 0; i < 4; i++) {
    co_resume(one);
    co_resume(spawn_on(stacks, 0, releases_itself, NULL));
  }
  CHECK(one->cEnd);
  CHECK_IS(done, 5);
  co_release(one);
  loop_for(1);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *resumes_private(void *co) {
  unsigned char bytes[2000];
  fill(bytes, sizeof bytes, 9);
  for (int i = 0; i < 4; i++) {
    co_resume(co);
    CHECK(is_filled(bytes, sizeof bytes, 9));
    co_yield_ct();
  }
  return NULL;
}

TEST(private_and_shared_stacks_mix) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *shared = spawn_on(stacks, 0, fills_and_yields, (void *)1), *own = spawn(resumes_private, shared),
                *outer = spawn_on(stacks, 0, resumes_private, own);
  for (int i = 0; i < 5; i++) co_resume(outer);
  CHECK(shared->cEnd && outer->cEnd);
  co_resume(own);
  CHECK(own->cEnd);
  co_release(outer);
  co_release(own);
  co_release(shared);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

TEST(shared_stacks_are_freed_only_when_nobody_uses_them) {
  CHECK_IS(co_free_sharestack(NULL), 0);
  stShareStack_t *stacks = stacks_of(2, 0);
  stCoRoutine_t *fresh = spawn_on(stacks, 0, ends, NULL), *ended = spawn_on(stacks, 0, ends, NULL);
  co_resume(ended);
  errno = 0;
  CHECK(co_free_sharestack(stacks) == -1 && errno == EBUSY);
  co_release(fresh);
  errno = 0;
  CHECK(co_free_sharestack(stacks) == -1 && errno == EBUSY);
  co_release(ended);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static int deepest(int levels) {
  volatile char frame[1000];
  frame[0] = (char)levels;
  return levels ? deepest(levels - 1) + frame[0] * 0 + 1 : 0;
}

static void *uses_a_lot(void *kib) {
  CHECK_IS(deepest((int)(intptr_t)kib), (int)(intptr_t)kib);
  co_yield_ct();
  CHECK_IS(deepest((int)(intptr_t)kib), (int)(intptr_t)kib);
  done++;
  return NULL;
}

TEST(shared_stacks_have_the_size_that_was_asked_for) {
  static const int sizes[][2] = {{4096, 2}, {5000, 4}, {0, 115}, {8 << 20, 7400}, {INT_MAX, 7400}};
  for (int i = 0; i < 5; i++) {
    stShareStack_t *stacks = stacks_of(2, sizes[i][0]);
    for (int j = 0; j < 6; j++) {
      stCoRoutine_t *co = spawn_on(stacks, 1234, uses_a_lot, (void *)(intptr_t)sizes[i][1]);
      co_resume(co);
      co_resume(co);
      co_release(co);
    }
    CHECK_IS(co_free_sharestack(stacks), 0);
  }
  CHECK_IS(done, 30);
}

static stShareStack_t *borrowed;

static void *makes_a_user(void *unused) {
  stCoRoutine_t *co = NULL;
  stCoRoutineAttr_t attr = {0, borrowed};
  errno = 0;
  int made = co_create(&co, &attr, ends, NULL);
  CHECK(unused ? made == -1 && errno == EINVAL && co == NULL : made == 0);
  if (made == 0) co_resume(co);
  co_release(co);
  return NULL;
}

TEST(shared_stacks_serve_one_thread_at_a_time) {
  pthread_t thread;
  borrowed = stacks_of(1, 64 * KIB);
  stCoRoutine_t *co = spawn_on(borrowed, 0, fills_and_yields, NULL);
  co_resume(co);
  pthread_create(&thread, NULL, makes_a_user, "not allowed");
  pthread_join(thread, NULL);
  for (int i = 0; i < 3; i++) co_resume(co);
  CHECK(co->cEnd);
  co_release(co);
  pthread_create(&thread, NULL, makes_a_user, NULL);
  pthread_join(thread, NULL);
  CHECK_IS(done, 2);
  CHECK_IS(co_free_sharestack(borrowed), 0);
}

/* ---- hooks whose arguments move away ---------------------------------------------------------------- */

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

/* ---- memory ----------------------------------------------------------------------------------------- */

enum { MANY = 100000 };
static stCoRoutine_t *crowd[MANY];
static size_t live;

static NOINLINE void *holds_a_little(void *unused) {
  volatile char bytes[64];
  bytes[0] = 1;
  /* A stack's top is the end of a page; six registers and two words more are saved below this frame. */
  live = 4096 - (uintptr_t)bytes % 4096 + 64;
  co_yield_ct();
  bytes[1] = bytes[0];
  done++;
  return unused;
}

TEST(a_parked_coroutine_with_200_live_bytes_costs_at_most_600_bytes) {
  stShareStack_t *stacks = stacks_of(4, 128 * KIB);
  memset(crowd, 1, sizeof crowd);
  for (int i = 0; i < 8; i++) co_resume(spawn_on(stacks, 0, holds_a_little, NULL));
  long before = resident_bytes();
  for (int i = 0; i < MANY; i++) {
    crowd[i] = spawn_on(stacks, 0, holds_a_little, NULL);
    co_resume(crowd[i]);
  }
  long each = (resident_bytes() - before) / MANY;
  fprintf(stderr, "# %ld bytes each, of which about %zu are its stack's\n", each, live);
  CHECK(live >= 160 && live <= 260);
  CHECK(each >= 150 && each <= 600);
  for (int i = 0; i < MANY; i++) {
    co_resume(crowd[i]);
    co_release(crowd[i]);
  }
  CHECK_IS(done, MANY);
  /* The blocks are used again. */
  for (int i = 0; i < MANY; i++) {
    crowd[i] = spawn_on(stacks, 0, holds_a_little, NULL);
    co_resume(crowd[i]);
  }
  CHECK((resident_bytes() - before) / MANY <= 600);
}

/* ---- everything at once ----------------------------------------------------------------------------- */

enum { TENANTS = 3000, PAIRS = 64, ACTIONS = 10 };

static struct tenant {
  stCoRoutine_t *co;
  unsigned life;
  int active; /* it runs, or waits for one that it resumed */
  long runs;
} tenants[TENANTS];
static int pipes[PAIRS][2];
static struct dice dice;
static stShareStack_t *few;
static long acted[ACTIONS], moved_in;

static void *lives(void *argument);

static struct tenant *somebody(void) { return &tenants[below(&dice, TENANTS)]; }

static void move_one_in(struct tenant *one) {
  one->life++;
  one->active = 0;
  one->co = spawn_on(few, 0, lives, one);
  moved_in++;
}

static void leave(struct tenant *one) { one->active = 0; }

static void come_back(struct tenant *one, unsigned life) {
  CHECK_IS(one->active, 0);
  CHECK_IS(one->life, life);
  CHECK(co_self() == one->co);
  one->active = 1;
}

/* What anybody may do to anybody who is not active. */
static void meddle(void) {
  struct tenant *other = somebody();
  if (other->active) return;
  if (!other->co) {
    move_one_in(other);
  } else if (below(&dice, 4) == 0) {
    co_release(other->co);
    other->co = NULL;
  } else if (below(&dice, 3) == 0) {
    co_reset(other->co);
    other->life++;
  } else {
    co_resume(other->co);
  }
}

static void send_tokens(void) {
  for (int i = 0; i < 4; i++) {
    uint64_t token = 0x70ce70ce00000000u | (roll(&dice) & 0xffffffff);
    CHECK_IS(send(pipes[below(&dice, PAIRS)][1], &token, 8, MSG_DONTWAIT), 8);
  }
}

static NOINLINE void act(struct tenant *me, unsigned life) {
  unsigned action = below(&dice, ACTIONS);
  acted[action]++;
  if (action <= 2) {
    leave(me);
    co_yield_ct();
    come_back(me, life);
  } else if (action <= 4) {
    meddle();
    CHECK_IS(me->active, 1);
  } else if (action == 5) {
    leave(me);
    CHECK_IS(usleep(below(&dice, 2000)), 0);
    come_back(me, life);
  } else if (action == 6) {
    struct pollfd fds[4];
    int count = 1 + (int)below(&dice, 4), at[4], ready = 0;
    for (int i = 0; i < count; i++) {
      at[i] = (int)below(&dice, PAIRS);
      fds[i].fd = pipes[at[i]][0];
      fds[i].events = POLLIN;
      fds[i].revents = -1;
    }
    leave(me);
    int found = poll(fds, (nfds_t)count, (int)below(&dice, 4));
    come_back(me, life);
    for (int i = 0; i < count; i++) {
      CHECK(fds[i].fd == pipes[at[i]][0] && fds[i].events == POLLIN);
      CHECK(fds[i].revents == 0 || fds[i].revents == POLLIN);
      ready += fds[i].revents != 0;
    }
    CHECK_IS(found, ready);
  } else if (action == 7) {
    uint64_t token[3] = {1, 0, 2};
    int at = (int)below(&dice, PAIRS);
    leave(me);
    CHECK_IS(read(pipes[at][0], &token[1], 8), 8);
    come_back(me, life);
    CHECK(token[0] == 1 && token[1] >> 32 == 0x70ce70ce && token[2] == 2);
  } else if (action == 8) {
    struct timeval wait = {0, below(&dice, 3000)};
    fd_set in;
    int at = (int)below(&dice, PAIRS);
    FD_ZERO(&in);
    FD_SET(pipes[at][0], &in);
    leave(me);
    int found = select(pipes[at][0] + 1, &in, NULL, NULL, &wait);
    come_back(me, life);
    CHECK(found == !!FD_ISSET(pipes[at][0], &in));
  } else {
    send_tokens();
  }
}

/* Frames of many sizes, each of which must be as it was when control comes back. */
static NOINLINE void go_down(struct tenant *me, unsigned life, unsigned levels) {
  size_t size = 16 + below(&dice, below(&dice, 8) ? 100 : 4000);
  unsigned char *bytes = __builtin_alloca(size);
  uint64_t mark = (uint64_t)(me - tenants) * 1000003 + life * 31 + levels;
  fill(bytes, size, mark);
  if (levels)
    go_down(me, life, levels - 1);
  else
    act(me, life);
  CHECK(is_filled(bytes, size, mark));
}

static void *lives(void *argument) {
  struct tenant *me = argument;
  unsigned life = me->life;
  co_enable_hook_sys();
  me->active = 1;
  me->runs++;
  while (below(&dice, 12)) go_down(me, life, below(&dice, 6));
  if (below(&dice, 10) == 0) {
    /* Gone as soon as it leaves: its place is free, and this frame must not be needed any more. */
    me->co = NULL;
    me->active = 0;
    co_release(co_self());
    if (below(&dice, 2)) co_yield_ct();
    return NULL;
  }
  CHECK_IS(me->life, life);
  me->active = 0;
  return NULL;
}

static int drives(void *count) {
  for (int i = 0; i < 40; i++) {
    meddle();
    if (below(&dice, 4) == 0) send_tokens();
  }
  /* So that nobody's tokens fill a pipe. */
  uint64_t tokens[64];
  for (int i = 0; i < PAIRS; i++)
    if (recv(pipes[i][0], tokens, sizeof tokens, MSG_DONTWAIT | MSG_PEEK) == sizeof tokens)
      CHECK(recv(pipes[i][0], tokens, sizeof tokens / 2, MSG_DONTWAIT) > 0);
  return --*(int *)count == 0 || check_failures ? -1 : 0;
}

static void live_together(int count, int size, int turns) {
  few = stacks_of(count, size);
  for (int i = 0; i < TENANTS; i++) move_one_in(&tenants[i]);
  co_eventloop(co_get_epoll_ct(), drives, &turns);
  for (int i = 0; i < TENANTS; i++) co_release(tenants[i].co);
  loop_for(1);
  CHECK_IS(co_free_sharestack(few), 0);
}

TEST(random_orders_of_everything_keep_every_coroutines_bytes) {
  long runs = 0;
  dice = cast_dice();
  struct rlimit limit = {1000, 1000};
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < PAIRS; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes[i]) == 0);
  live_together(4, 64 * KIB, 1500);
  memset(tenants, 0, sizeof tenants);
  live_together(1, 128 * KIB, 400);
  for (int i = 0; i < TENANTS; i++) runs += tenants[i].runs;
  fprintf(stderr, "# %ld made, %ld runs;", moved_in, runs);
  for (int i = 0; i < ACTIONS; i++) {
    fprintf(stderr, " %ld", acted[i]);
    CHECK(acted[i] > 100);
  }
  fprintf(stderr, " actions of each kind\n");
}

RUN_TESTS
