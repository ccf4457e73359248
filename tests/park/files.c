/* files.c - files that somebody has locked, FIFOs that nobody has opened yet, and output that drains. */
#define _GNU_SOURCE
#include "park.h"

/* ---- locks ------------------------------------------------------------------------------------------ */

static void flocked(struct waiter *me) {
  open_twice(me);
  NEED(flock(me->far, LOCK_EX) == 0);
}
static void unflock(struct waiter *me) { NEED(flock(me->far, LOCK_UN) == 0); }
PARKS(flock, flocked, unflock) { return flock(me->in, LOCK_EX) == 0 && flock(me->in, LOCK_UN) == 0; }

/* Locks of descriptions can be held in the same process. */
static void ofd_locked(struct waiter *me) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  open_twice(me);
  NEED(fcntl(me->far, F_OFD_SETLK, &lock) == 0);
}
static void ofd_unlock(struct waiter *me) {
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  NEED(fcntl(me->far, F_OFD_SETLK, &lock) == 0);
}
/* fcntl is hooked for other reasons as well: the two came together. */
PARKS_AS(fcntl_ofd_setlkw, "flock", ofd_locked, ofd_unlock) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(me->in, F_OFD_SETLKW, &lock) == 0;
}

/* Locks of processes need another process: one holds all files, and is told by their numbers what to unlock. */
static int commands = -1;
static void hold_all(int orders, int answers) {
  int files[CROWD];
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
  unsigned char index = 0;
  for (int i = 0; i < CROWD; i++) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/colib-park-lock-%d-%d", (int)getppid(), i);
    if ((files[i] = open(path, O_RDWR | O_CREAT, 0600)) < 0 || fcntl(files[i], F_SETLK, &lock) != 0) _exit(1);
    if (write(answers, "x", 1) != 1) _exit(1);
  }
  while (read(orders, &index, 1) == 1) {
    lock.l_type = F_UNLCK;
    if (index < CROWD) fcntl(files[index], F_SETLK, &lock);
  }
  _exit(0);
}
static void process_locked(struct waiter *me) {
  if (me->index == 0) {
    int orders[2], answers[2];
    char byte;
    NEED(pipe2(orders, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
      close(orders[1]);
      close(answers[0]);
      hold_all(orders[0], answers[1]);
    }
    NEED(child > 0);
    close(orders[0]);
    close(answers[1]);
    for (int i = 0; i < CROWD; i++) NEED(read(answers[0], &byte, 1) == 1);
    close(answers[0]);
    commands = orders[1];
  }
  snprintf(me->path, sizeof me->path, "/tmp/colib-park-lock-%d-%d", (int)getpid(), me->index);
  NEED((me->in = open(me->path, O_RDWR)) >= 0);
  unlink(me->path);
}
static void process_unlock(struct waiter *me) {
  unsigned char index = (unsigned char)me->index;
  NEED(write(commands, &index, 1) == 1);
}
PARKS(lockf, process_locked, process_unlock) { return lockf(me->in, F_LOCK, 1) == 0 && lockf(me->in, F_ULOCK, 1) == 0; }
PARKS_AS(fcntl_setlkw, "flock", process_locked, process_unlock) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
  return fcntl(me->in, F_SETLKW, &lock) == 0;
}

/* ---- opening a FIFO --------------------------------------------------------------------------------- */

int __open_2(const char *, int);
int __openat_2(int, const char *, int);

static void lonely_fifo(struct waiter *me) {
  name_path(me);
  NEED(mkfifo(me->path, 0600) == 0);
}
/* Succeeds once somebody is in `open` for reading, which may be a moment away. */
static void open_for_writing(struct waiter *me) {
  if (me->far < 0) me->far = open(me->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}
static void open_for_reading(struct waiter *me) { NEED((me->far = open(me->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) >= 0); }
static bool opened(struct waiter *me, int fd, int mode) {
  unlink(me->path);
  return fd >= 0 && (fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == mode;
}

#define OPENS(name, how_end, mode, call) \
  PARKS_AS(name, #name, lonely_fifo, how_end, .again = (mode) == O_RDONLY) { return opened(me, call, mode); }
OPENS(open, open_for_writing, O_RDONLY, open(me->path, O_RDONLY | O_CLOEXEC))
OPENS(open64, open_for_reading, O_WRONLY, open64(me->path, O_WRONLY | O_CLOEXEC))
OPENS(openat, open_for_writing, O_RDONLY, openat(AT_FDCWD, me->path, O_RDONLY | O_CLOEXEC))
OPENS(__open_2, open_for_writing, O_RDONLY, __open_2(me->path, O_RDONLY))
OPENS(__openat_2, open_for_writing, O_RDONLY, __openat_2(AT_FDCWD, me->path, O_RDONLY))
OPENS(creat, open_for_reading, O_WRONLY, creat(me->path, 0600))

PARKS_AS(fopen, "fopen", lonely_fifo, open_for_writing, .again = true) {
  FILE *stream = fopen(me->path, "r");
  return stream && opened(me, fileno(stream), O_RDONLY);
}

/* ---- draining --------------------------------------------------------------------------------------- */

static void slow_terminal(struct waiter *me) {
  (void)me;
  CANNOT("no terminal of this machine takes its time: a pseudo terminal never has output left to drain");
}
PARKS(tcdrain, slow_terminal, nothing) {
  (void)me;
  return false;
}
