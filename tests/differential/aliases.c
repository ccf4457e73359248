/* aliases.c - the same calls by their other names, at positions, with flags. */
#include "scenario.h"

#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <threads.h>

ssize_t __read(int, void *, size_t);
ssize_t __write(int, const void *, size_t);
ssize_t __send(int, const void *, size_t, int);
int __connect(int, const struct sockaddr *, socklen_t);
int __select(int, fd_set *, fd_set *, fd_set *, struct timeval *);
int __nanosleep(const struct timespec *, struct timespec *);
int __close(int), __pipe(int *), __dup2(int, int), __fcntl(int, int, ...);
int _IO_fclose(FILE *);
ssize_t __pread64(int, void *, size_t, off64_t);
ssize_t __pwrite64(int, const void *, size_t, off64_t);

static int ends[2];
/* A number that the compiler is not to see. */
static volatile int minus = -1;
static char buffer[64];
static struct iovec pieces[2] = {{buffer, 4}, {buffer + 4, 60}};

static void read_by_name(void *argument) {
  (void)argument;
  TRACE(__read(ends[0], buffer, 8));
  say("%s", buffer);
}

static void connect_by_name(void *argument) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(__connect(fd, argument, sizeof(struct sockaddr_in)));
  TRACE(__send(fd, "sent", 4, 0));
  TRACE(__close(fd));
  TRACE(__close(fd));
}

SCENARIO(other_names, "calls by the names with underscores") {
  static struct sockaddr_in address;
  struct timeval time = {0, 40000};
  struct timespec nap = {0, 40000000}, bad = {0, -1};
  fd_set set;
  TRACE(__pipe(ends));
  start("reader", read_by_name, NULL);
  settle();
  TRACE(__write(ends[1], "written", 8));
  join();
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  TRACE_WAIT(40, __select(ends[0] + 1, &set, NULL, NULL, &time));
  TRACE_WAIT(40, __nanosleep(&nap, NULL));
  TRACE(__nanosleep(&bad, NULL));
  int listener = listen_tcp(1, &address);
  start("client", connect_by_name, &address);
  int fd = MUST(accept(listener, NULL, NULL));
  TRACE(recv(fd, buffer, 9, 0));
  join();
  TRACE(__dup2(fd, ends[0]));
  TRACE(__fcntl(ends[0], F_GETFL) & O_ACCMODE);
  TRACE(__fcntl(-1, F_GETFL));
  FILE *stream = fdopen(fd, "r");
  TRACE(_IO_fclose(stream));
  TRACE(fcntl(fd, F_GETFD));
}

SCENARIO(thread_sleep, "thrd_sleep sleeps, and says in its own way what is wrong") {
  struct timespec nap = {0, 40000000}, bad = {0, 1000000000}, negative = {-1, 0}, none = {0, 0};
  TRACE_WAIT(40, thrd_sleep(&nap, NULL));
  TRACE(thrd_sleep(&bad, NULL));
  TRACE(thrd_sleep(&negative, NULL));
  TRACE(thrd_sleep(&none, NULL));
}

/* ---- positions -------------------------------------------------------------------------------------- */

static int other_kind(int which) {
  sigset_t set;
  sigemptyset(&set);
  switch (which) {
    case 0: return eventfd(3, 0);
    case 1: return timerfd_create(CLOCK_MONOTONIC, 0);
    case 2: return signalfd(-1, &set, 0);
    case 3: return inotify_init1(0);
    case 4: return open("/dev/null", O_RDWR);
    case 5: return open("/dev/zero", O_RDWR);
    case 6: return memfd_create("memory", 0);
    case 7: return open(".", O_RDONLY | O_DIRECTORY);
    case 8: return open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    case 9: return open("file", O_RDONLY);
    case 10: return open("file", O_WRONLY);
    default: return -1;
  }
}

static void at_positions(int fd, off_t position) {
  say("at %ld", (long)position);
  TRACE(pwrite(fd, "pwrite", 6, position));
  TRACE(pwrite64(fd, "pwrite", 6, position));
  TRACE(__pwrite64(fd, nowhere, 6, position));
  TRACE(pwrite(fd, nowhere, (size_t)minus, position));
  TRACE(pwritev(fd, pieces, 1, position));
  TRACE(pwritev64(fd, pieces, 1, position));
  TRACE(pwritev(fd, pieces, minus, position));
  TRACE(pwritev2(fd, pieces, 1, position < 0 ? -2 : position, 0));
  TRACE(pwritev2(fd, pieces, 1, position, RWF_DSYNC | RWF_SYNC));
  TRACE(pread(fd, buffer, 8, position));
  TRACE(pread64(fd, buffer, 8, position));
  TRACE(__pread64(fd, nowhere, 8, position));
  TRACE(pread(fd, buffer, 0, position));
  TRACE(preadv(fd, pieces, 2, position));
  TRACE(preadv64(fd, pieces, 2, position));
  TRACE(preadv(fd, nowhere, 2, position));
  TRACE(preadv2(fd, pieces, 2, position < 0 ? -2 : position, 0));
  TRACE(preadv64v2(fd, pieces, 2, position, RWF_HIPRI | RWF_NOWAIT));
}

SCENARIO(positions_of_pairs, "reads and writes at positions: pairs of every kind") {
  count_sigpipes();
  for (enum kind kind = 0; kind < KINDS; kind++) {
    say("%s", kind_names[kind]);
    make_pair(kind, ends);
    for (int e = 0; e < 2; e++) {
      at_positions(ends[e], 0);
      at_positions(ends[e], -7);
      set_nonblocking(ends[e], true);
      at_positions(ends[e], 3);
    }
  }
}

SCENARIO(positions_of_others, "reads and writes at positions: all else") {
  for (int i = 0; i < 12; i++) {
    int fd = other_kind(i);
    say("kind %d", i);
    if (i != 0) at_positions(fd, -7);
    at_positions(fd, 2);
    if (i == 5 || i < 1) continue;
    set_nonblocking(fd, true);
    at_positions(fd, 0);
  }
}

/* ---- flags ------------------------------------------------------------------------------------------ */

static const int flags[] = {0, RWF_HIPRI, RWF_DSYNC, RWF_SYNC | RWF_HIPRI, RWF_APPEND};

struct call {
  int flags;
  bool out;
};

static char large[300000];

static void with_flags(void *argument) {
  struct call *call = argument;
  struct iovec one = {large, sizeof large};
  if (call->out)
    TRACE(pwritev2(ends[1], &one, 1, -1, call->flags));
  else
    TRACE(preadv2(ends[0], pieces, 2, -1, call->flags));
}

SCENARIO(flags_that_wait, "preadv2 and pwritev2 wait as readv and writev do") {
  static struct call call;
  for (enum kind kind = 0; kind < KINDS; kind++)
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
      char name[32];
      snprintf(name, sizeof name, "%s %d", kind_names[kind], flags[i]);
      make_pair(kind, ends);
      call = (struct call){flags[i], false};
      start(name, with_flags, &call);
      settle();
      say("%s: still waiting: %d", name, !has_ended(name));
      MUST(write(ends[1], "some bytes", 10));
      join();
      if (!is_stream(kind) || kind == PTY) continue;
      snprintf(name, sizeof name, "%s %d out", kind_names[kind], flags[i]);
      call = (struct call){flags[i], true};
      start(name, with_flags, &call);
      say("%zu", read_all(ends[0], large, sizeof large));
      join();
      MUST(close(ends[0]));
      MUST(close(ends[1]));
    }
}

SCENARIO(flags_without_waiting, "preadv2 and pwritev2 do not wait for what does not block") {
  count_sigpipes();
  for (enum kind kind = 0; kind < KINDS + 12; kind++) {
    if (kind < KINDS)
      make_pair(kind, ends);
    else
      ends[0] = ends[1] = other_kind((int)(kind - KINDS));
    say("%s", kind < KINDS ? kind_names[kind] : "another");
    if (ends[0] < 0) continue;
    set_nonblocking(ends[0], true);
    set_nonblocking(ends[1], true);
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
      TRACE(preadv2(ends[0], pieces, 2, -1, flags[i]));
      TRACE(preadv2(ends[0], nowhere, 2, -1, flags[i]));
      TRACE(preadv2(ends[0], pieces, minus, -1, flags[i]));
      TRACE(pwritev2(ends[1], pieces, minus, -1, flags[i]));
      TRACE(pwritev2(ends[1], nowhere, 1, -1, flags[i]));
      if (is_socket(kind)) continue;
      TRACE(pwritev2(ends[1], pieces, 2, -1, flags[i]));
    }
  }
}

SCENARIO(flags_that_do_not, "RWF_NOWAIT of the program's own, and flags that the kernel refuses") {
  static const int refused[] = {RWF_NOWAIT, RWF_NOWAIT | RWF_DSYNC, 0x40000000, -1};
  count_sigpipes();
  for (enum kind kind = 0; kind < KINDS + 12; kind++) {
    if (kind < KINDS)
      make_pair(kind, ends);
    else
      ends[0] = ends[1] = other_kind((int)(kind - KINDS));
    say("%s", kind < KINDS ? kind_names[kind] : "another");
    for (unsigned i = 0; i < 4; i++) {
      /* A counter's or a full file's answer would depend on what came before. */
      TRACE(preadv2(ends[0], pieces, 2, -1, refused[i]));
      TRACE(pwritev2(ends[1], pieces, 1, -1, refused[i]));
      TRACE(preadv2(ends[0], nowhere, 2, -1, refused[i]));
      TRACE(preadv2(ends[0], pieces, minus, -1, refused[i]));
    }
  }
}

SCENARIO(flags_on_disk, "flags mean on disk what they mean") {
  int fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  TRACE(pwritev2(fd, pieces, 2, -1, RWF_DSYNC));
  TRACE(pwritev2(fd, pieces, 2, 0, RWF_APPEND));
  TRACE(lseek(fd, 0, SEEK_END));
  TRACE(pwritev2(fd, pieces, 1, -1, RWF_APPEND));
  TRACE(lseek(fd, 0, SEEK_END));
  TRACE(preadv2(fd, pieces, 1, 100, 0));
  TRACE(lseek(fd, 0, SEEK_CUR));
  TRACE(lseek(fd, 0, SEEK_SET));
  TRACE(preadv2(fd, pieces, 1, -1, 0));
  TRACE(lseek(fd, 0, SEEK_CUR));
}

/* ---- counters --------------------------------------------------------------------------------------- */

static int counter;
static eventfd_t value;

static void count_down(void *argument) {
  (void)argument;
  TRACE(eventfd_read(counter, &value));
  say("%lu", (unsigned long)value);
}

static void count_up(void *argument) {
  (void)argument;
  TRACE(eventfd_write(counter, 5));
}

SCENARIO(counters_by_name, "eventfd_read and eventfd_write wait, and fail") {
  counter = MUST(eventfd(0, 0));
  start("reader", count_down, NULL);
  settle();
  TRACE(eventfd_write(counter, 3));
  join();
  TRACE(eventfd_write(counter, 0xfffffffffffffffe));
  start("writer", count_up, NULL);
  settle();
  say("still waiting: %d", !has_ended("writer"));
  TRACE(eventfd_read(counter, &value));
  join();
  TRACE(eventfd_read(counter, &value));
  say("%lu", (unsigned long)value);
  TRACE(eventfd_write(counter, 0xffffffffffffffff));
  TRACE(eventfd_read(-1, &value));
  TRACE(eventfd_write(-1, 1));
  TRACE(eventfd_write(counter, 1));
  TRACE(eventfd_read(counter, nowhere));
  set_nonblocking(counter, true);
  eventfd_read(counter, &value);
  TRACE(eventfd_read(counter, &value));
  make_pair(PIPE, ends);
  MUST(write(ends[1], "abc", 3));
  TRACE(eventfd_read(ends[0], &value));
  TRACE(eventfd_write(ends[1], 1));
}
