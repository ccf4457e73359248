/*
 * park.h - a table of cases, one a blocking function: twenty coroutines of one thread wait in it at once.
 *
 *     PARKS(read, empty_pipe, write_a_byte) { char byte; return read(me->in, &byte, 1) == 1; }
 *
 * `empty_pipe` has readied what the call waits for, `write_a_byte` ends the wait; both run on a plain thread. The body is
 * the coroutine's, hooks on; it gives whether the result is right. A case whose function the library does not hook is
 * skipped. Whatever anybody else touches while the coroutine waits is in `me`, never on its stack.
 */
#ifndef PARK_H
#define PARK_H

#include "../c/check.h"

#include <mqueue.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <threads.h>

enum { CROWD = 20, WAIT_MS = 100 };

struct waiter {
  int index;
  /* What it waits for: in what comes from the other end `far`. */
  int in, far;
  /* More of what single families need. */
  int other, number;
  pid_t child;
  FILE *stream;
  char path[64];
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  pthread_rwlock_t rwlock;
  pthread_barrier_t barrier;
  pthread_once_t once;
  pthread_spinlock_t spin_lock;
  pthread_t thread;
  sem_t semaphore, gone;
  mtx_t mtx;
  cnd_t cnd;
  thrd_t thrd;
  bool flag;
  /* The runner's: when it began to wait, and whether it was told to go on, and has. */
  long long began;
  bool told, ended, right;
};

typedef void ready_fn(struct waiter *me);
typedef bool call_fn(struct waiter *me);

struct parking {
  /* The case's name; the symbol it needs of the library. */
  const char *name, *symbol;
  call_fn *call;
  ready_fn *ready, *end;
  /* What the case does before it has any other thread. */
  void (*begin)(void);
  /* Whether `end` is to be called again and again until the wait is over; whether the case runs only when it is asked for. */
  bool again, by_name_only;
  struct parking *next;
};

void add_parking(struct parking *one);

/* Further fields of the case: `.again = true`, say. */
#define PARKS_AS(title, needs, how_ready, how_end, ...)                                       \
  static bool call_##title(struct waiter *me);                                                \
  __attribute__((constructor)) static void add_##title(void) {                                \
    static struct parking one = {.name = #title, .symbol = needs, .call = call_##title,       \
                                 .ready = how_ready, .end = how_end, __VA_ARGS__};            \
    add_parking(&one);                                                                        \
  }                                                                                           \
  static bool call_##title(struct waiter *me)

#define PARKS(function, how_ready, how_end) PARKS_AS(function, #function, how_ready, how_end, .again = false)

/* For what ends waits in a way of its own: all wait and the thread goes on, or one that began then has waited too long. */
bool may_end(long long began);

/* Ends the case as one that cannot run here. */
#define CANNOT(reason) SKIP(reason)

/* ---- what several families use ---------------------------------------------------------------------- */

UNUSED static void nothing(struct waiter *me) { (void)me; }

UNUSED static void empty_pipe(struct waiter *me) {
  int ends[2];
  NEED(pipe(ends) == 0);
  me->in = ends[0], me->far = ends[1];
}

UNUSED static void write_a_byte(struct waiter *me) { NEED(write(me->far, "x", 1) == 1); }

/* Fills what is written to, and leaves it blocking. */
UNUSED static void fill_up(int fd) {
  static const char zeroes[4096];
  int flags = fcntl(fd, F_GETFL);
  NEED(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
  while (write(fd, zeroes, sizeof zeroes) > 0);
  while (write(fd, zeroes, 1) > 0);
  NEED(errno == EAGAIN && fcntl(fd, F_SETFL, flags) == 0);
}

/* Here `in` is written to. */
UNUSED static void full_pipe(struct waiter *me) {
  int ends[2];
  NEED(pipe(ends) == 0);
  me->in = ends[1], me->far = ends[0];
  fill_up(me->in);
}

UNUSED static void socket_pair(struct waiter *me) {
  int ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  me->in = ends[0], me->far = ends[1];
}

UNUSED static void full_socket(struct waiter *me) {
  int size = 4096;
  socket_pair(me);
  setsockopt(me->in, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  fill_up(me->in);
}

/* Takes all that comes until the coroutine has ended. */
UNUSED static void drain(struct waiter *me) {
  static char bytes[65536];
  int flags = fcntl(me->far, F_GETFL);
  fcntl(me->far, F_SETFL, flags | O_NONBLOCK);
  while (read(me->far, bytes, sizeof bytes) > 0);
  fcntl(me->far, F_SETFL, flags);
}

/* A path of the waiter's own, where nothing is. */
UNUSED static void name_path(struct waiter *me) {
  static int count;
  snprintf(me->path, sizeof me->path, "/tmp/colib-park-%d-%d", (int)getpid(), count++);
  unlink(me->path);
}

/* An empty file without a name, opened twice: two descriptions. */
UNUSED static void open_twice(struct waiter *me) {
  name_path(me);
  NEED((me->in = open(me->path, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0);
  NEED((me->far = open(me->path, O_RDWR)) >= 0);
  unlink(me->path);
}

#endif
