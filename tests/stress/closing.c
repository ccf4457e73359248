/*
 * closing.c - coroutines of several threads use the same descriptors, and close and replace them under each other.
 *
 *     PROGRAM SECONDS      SEED in the environment repeats the choices, though not their order among threads
 *
 * Built for ThreadSanitizer, it makes its calls by number: the sanitizer takes descriptors that are closed under their users for
 * the fault, and its own list of descriptors is not made for it. What it looks for here are races for memory.
 *
 * Nothing may crash, hang, or read what nobody wrote. Every number that is closed here stands for something of this program.
 */
#include "../c/check.h"

#include <malloc.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>

#ifdef __SANITIZE_THREAD__
#define read(fd, bytes, size) syscall(SYS_read, fd, bytes, size)
#define write(fd, bytes, size) syscall(SYS_write, fd, bytes, size)
#define readv(fd, vector, count) syscall(SYS_readv, fd, vector, count)
#define recv(fd, bytes, size, flags) syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL)
#define sendmsg(fd, message, flags) syscall(SYS_sendmsg, fd, message, flags)
#define poll(fds, count, time) syscall(SYS_poll, fds, (nfds_t)(count), time)
#define select(count, in, out, except, time) syscall(SYS_select, count, in, out, except, time)
#define dup(fd) (int)syscall(SYS_dup, fd)
#define dup2(fd, to) (int)syscall(SYS_dup2, fd, to)
#define shutdown(fd, how) syscall(SYS_shutdown, fd, how)
#define close(fd) syscall(SYS_close, fd)
#define pipe(pair) syscall(SYS_pipe, pair)
#define eventfd(value, flags) (int)syscall(SYS_eventfd2, value, flags)
#define socketpair(domain, kind, protocol, pair) syscall(SYS_socketpair, domain, kind, protocol, pair)
#define setsockopt(fd, level, name, value, size) syscall(SYS_setsockopt, fd, level, name, value, size)
#define epoll_create1(flags) (int)syscall(SYS_epoll_create1, flags)
#define epoll_ctl(epoll, what, fd, event) syscall(SYS_epoll_ctl, epoll, what, fd, event)
#define epoll_wait(epoll, events, count, time) syscall(SYS_epoll_wait, epoll, events, count, time)
#endif

enum { THREADS = 4, COROUTINES = 25, NUMBERS = 48, HANGS_SECONDS = 10 };

static atomic_int numbers[NUMBERS];
static atomic_int running, stop, bad;
static atomic_long operations, closed_under;
static pthread_barrier_t begin;
static uint64_t seed;

static struct actor {
  struct dice dice;
  int *left;
  /* What it is at, for the report of a hang. */
  const char *doing;
  int on;
  char bytes[300];
} actors[THREADS][COROUTINES];

static int some(struct actor *me, int *place) {
  *place = (int)below(&me->dice, NUMBERS);
  return atomic_load(&numbers[*place]);
}

/* New descriptors for two places; what was there goes. */
static void renew(struct actor *me) {
  int pair[2] = {-1, -1}, place, size = 2048;
  struct timeval time = {0, 1000 * (1 + (int)below(&me->dice, 20))};
  switch (below(&me->dice, 6)) {
    case 0:
      if (pipe(pair) != 0) return;
      break;
    case 1:
      if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) return;
      break;
    case 2:
      if ((pair[0] = eventfd(0, 0)) < 0) return;
      pair[1] = dup(pair[0]);
      break;
    default:
      if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
      setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  if (below(&me->dice, 3) == 0) setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  for (int i = 0; i < 2; i++) {
    place = (int)below(&me->dice, NUMBERS);
    close(atomic_exchange(&numbers[place], pair[i]));
  }
}

/* What a descriptor gives at any moment, as long as it means something of this program. */
static void check_result(const char *call, long result) {
  if (result >= 0) return;
  int error = errno;
  if (error == EBADF) atomic_fetch_add(&closed_under, 1);
  switch (error) {
    case EBADF: case EAGAIN: case EPIPE: case ECONNRESET: case ENOTSOCK: case EINVAL: case ENOTCONN: case ENOBUFS: case EMSGSIZE:
    case ENOSPC: case ESPIPE: case EDESTADDRREQ: case ECONNREFUSED: case EMFILE: case EOPNOTSUPP: case ENXIO: case EEXIST: case ENOENT: case EBUSY: case ELOOP:
      return;
    default:
      fprintf(stderr, "# %s: %s\n", call, strerror(error));
      atomic_fetch_add(&bad, 1);
  }
}
#define DO(call) (me->doing = #call, me->on = fd, check_result(#call, (long)(call)), me->doing = NULL)

static void check_bytes(const struct actor *me, ssize_t n) {
  /* An eventfd's number is one of few; all else is written by this program. */
  for (ssize_t i = 0; n != 8 && i < n; i++)
    if (me->bytes[i] != 'x' && me->bytes[i] != 0 && me->bytes[i] != 1) {
      fprintf(stderr, "# read %#x\n", me->bytes[i] & 0xff);
      atomic_fetch_add(&bad, 1);
      return;
    }
}

static void once(struct actor *me) {
  int place, other, fd = some(me, &place), second = some(me, &other);
  size_t size = 1 + below(&me->dice, sizeof me->bytes);
  ssize_t n;
  struct pollfd fds[2] = {{fd, POLLIN, 0}, {second, POLLOUT, 0}};
  struct iovec vector = {me->bytes, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  uint64_t one = 1;
  switch (below(&me->dice, 14)) {
    case 0:
    case 1:
      DO(n = read(fd, me->bytes, size));
      check_bytes(me, n);
      break;
    case 2:
      memset(me->bytes, 'x', size);
      DO(write(fd, size == 8 ? (char *)&one : me->bytes, size));
      break;
    case 3:
      DO(n = recv(fd, me->bytes, size, below(&me->dice, 4) ? 0 : MSG_WAITALL));
      check_bytes(me, n);
      break;
    case 4:
      memset(me->bytes, 'x', size);
      DO(sendmsg(fd, &message, 0));
      break;
    case 5:
      DO(n = readv(fd, &vector, 1));
      check_bytes(me, n);
      break;
    case 6:
      /* Numbers below zero are waited for in vain. */
      if (fd >= 0 || second >= 0) DO(poll(fds, 2, (int)below(&me->dice, 10) - 1));
      break;
    case 7: {
      fd_set set;
      struct timeval time = {0, below(&me->dice, 5000)};
      if (fd < 0 || fd >= FD_SETSIZE) break;
      FD_ZERO(&set);
      FD_SET(fd, &set);
      DO(select(fd + 1, &set, NULL, NULL, &time));
      break;
    }
    case 8:
      DO(dup2(fd, second));
      break;
    case 9:
      DO(shutdown(fd, (int)below(&me->dice, 3)));
      break;
    case 10:
      close(fd);
      break;
    case 11: {
      struct epoll_event event = {.events = EPOLLIN}, got;
      int epoll = epoll_create1(0);
      if (epoll < 0) break;
      DO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
      DO(epoll_wait(epoll, &got, 1, (int)below(&me->dice, 5)));
      close(epoll);
      break;
    }
    case 12:
      usleep(below(&me->dice, 2000));
      break;
    default:
      renew(me);
  }
  atomic_fetch_add(&operations, 1);
}

static void *act(void *argument) {
  struct actor *me = argument;
  co_enable_hook_sys();
  while (!atomic_load(&stop)) once(me);
  (*me->left)--;
  return NULL;
}

static int none_left(void *left) { return *(int *)left > 0 ? 0 : -1; }

static void *run(void *argument) {
  intptr_t number = (intptr_t)argument;
  int left = COROUTINES;
  stCoRoutine_t *coroutines[COROUTINES];
  /* Every other thread's share stacks. */
  stShareStack_t *shared = number % 2 ? co_alloc_sharestack(2, 128 << 10) : NULL;
  for (int i = 0; i < COROUTINES; i++) {
    actors[number][i].left = &left;
    actors[number][i].dice.state = seed + (uint64_t)(number * COROUTINES + i) * 0x9e3779b97f4a7c15u;
    coroutines[i] = spawn_on(shared, 0, act, &actors[number][i]);
  }
  /* Threads that begin open files of libc's and of the sanitizer's, whose numbers could be closed under them. */
  pthread_barrier_wait(&begin);
  for (int i = 0; i < COROUTINES; i++) co_resume(coroutines[i]);
  co_eventloop(co_get_epoll_ct(), none_left, &left);
  for (int i = 0; i < COROUTINES; i++) co_release(coroutines[i]);
  if (shared) CHECK_IS(co_free_sharestack(shared), 0);
  atomic_fetch_sub(&running, 1);
  return NULL;
}

static void report_hang(void) {
  for (int t = 0; t < THREADS; t++)
    for (int i = 0; i < COROUTINES; i++)
      if (actors[t][i].doing) fprintf(stderr, "# thread %d, coroutine %d: %s on %d\n", t, i, actors[t][i].doing, actors[t][i].on);
  fflush(NULL);
  if (system("grep . /proc/$PPID/task/*/wchan /proc/$PPID/task/*/syscall >&2")) abort();
  abort();
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int seconds = argc > 1 ? atoi(argv[1]) : 5;
  struct rlimit limit = {1000, 4096};
  signal(SIGPIPE, SIG_IGN);
  /* Else it opens a file to count the processors, whose number could be closed under it. */
  mallopt(M_ARENA_MAX, 8);
  setrlimit(RLIMIT_NOFILE, &limit);
  seed = cast_dice().state;
  for (int i = 0; i < NUMBERS; i++) atomic_store(&numbers[i], eventfd(0, 0));
  atomic_store(&running, THREADS);
  NEED(pthread_barrier_init(&begin, NULL, THREADS + 1) == 0);
  for (intptr_t i = 0; i < THREADS; i++) NEED(pthread_create(&threads[i], NULL, run, (void *)i) == 0);
  pthread_barrier_wait(&begin);
  for (int i = 0; i < seconds * 500; i++) {
    /* Who waits for what nobody writes to any more goes on all the same. */
    usleep(2000);
    close(atomic_load(&numbers[i % NUMBERS]));
  }
  atomic_store(&stop, 1);
  for (int i = 0; atomic_load(&running) > 0; i++) {
    if (i > HANGS_SECONDS * 100) {
      fprintf(stderr, "# %d threads hang\n", atomic_load(&running));
      report_hang();
    }
    for (int fd = 3; fd < 1000; fd++) close(fd);
    usleep(10000);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  fprintf(stderr, "# %ld calls, %ld of them on what was closed, %d wrong\n", atomic_load(&operations), atomic_load(&closed_under), atomic_load(&bad));
  return atomic_load(&bad) > 0 || check_failures > 0;
}
