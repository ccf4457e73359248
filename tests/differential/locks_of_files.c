/* locks_of_files.c - locks of files between actors and processes, opens of FIFOs, data moved inside the kernel. */
#include "scenario.h"

#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

static int files[4], pair[2], other[2];
static char buffer[256];

static void lock_second(void *operation) {
  TRACE(flock(files[1], *(int *)operation));
  TRACE(flock(files[1], LOCK_UN));
}

SCENARIO(file_locks, "flock: shared, exclusive, converted, waited for") {
  static int exclusive = LOCK_EX, shared = LOCK_SH;
  for (int i = 0; i < 3; i++) files[i] = MUST(open("file", O_CREAT | O_RDWR, 0600));
  TRACE(flock(files[0], LOCK_SH));
  TRACE(flock(files[2], LOCK_SH | LOCK_NB));
  TRACE(flock(files[1], LOCK_EX | LOCK_NB));
  start("exclusive", lock_second, &exclusive);
  settle();
  say("still waiting: %d", !has_ended("exclusive"));
  TRACE(flock(files[0], LOCK_UN));
  settle();
  say("still waiting: %d", !has_ended("exclusive"));
  TRACE(flock(files[2], LOCK_UN));
  join();
  TRACE(flock(files[0], LOCK_EX));
  start("shared", lock_second, &shared);
  settle();
  TRACE(flock(files[0], LOCK_SH));
  join();
  TRACE(flock(files[0], 77));
  TRACE(flock(999, LOCK_EX));
  TRACE(flock(files[0], LOCK_EX | LOCK_SH));
}

static void lock_record(void *command) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};
  TRACE(fcntl(files[1], *(int *)command, &lock));
}

/* A process that has bytes 5 to 9 of the file until the pipe is closed. */
static pid_t holder(int hold[2]) {
  int ready[2];
  char byte;
  MUST(pipe(hold));
  MUST(pipe(ready));
  pid_t child = MUST(fork());
  if (child == 0) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 5};
    syscall(SYS_close, hold[1]);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "file", O_RDWR, 0);
    syscall(SYS_fcntl, fd, F_SETLK, &lock);
    syscall(SYS_write, ready[1], "x", 1);
    syscall(SYS_read, hold[0], &byte, 1);
    _exit(0);
  }
  MUST(read(ready[0], &byte, 1));
  return child;
}

SCENARIO(record_locks, "fcntl and lockf: records that another process has") {
  static int commands[] = {F_SETLKW, F_OFD_SETLKW};
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 8};
  int hold[2];
  for (int i = 0; i < 2; i++) files[i] = MUST(open("file", O_CREAT | O_RDWR, 0600));
  for (int i = 0; i < 2; i++) {
    pid_t child = holder(hold);
    TRACE(fcntl(files[0], F_SETLK, &lock));
    start(i ? "of the description" : "of the process", lock_record, &commands[i]);
    settle();
    say("still waiting: %d", !has_ended(i ? "of the description" : "of the process"));
    MUST(close(hold[1]));
    join();
    TRACE(fcntl(files[1], F_OFD_GETLK, &lock));
    say("type %d start %d length %d", lock.l_type, (int)lock.l_start, (int)lock.l_len);
    lock = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET};
    TRACE(fcntl(files[1], F_SETLKW, &lock));
    TRACE(fcntl(files[1], F_OFD_SETLKW, &lock));
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 8};
    MUST(waitpid(child, NULL, 0));
  }
  TRACE(lseek(files[0], 3, SEEK_SET));
  TRACE(lockf(files[0], F_LOCK, 4));
  TRACE(lockf(files[0], F_TEST, -3));
  TRACE(lockf(files[0], F_ULOCK, 0));
  TRACE(lockf(files[0], 99, 0));
  TRACE(lockf(999, F_LOCK, 0));
  TRACE(lockf(files[0], F_LOCK, -10));
  TRACE(fcntl(files[0], F_SETLKW, nowhere));
  TRACE(fcntl(999, F_SETLKW, nowhere));
  lock.l_whence = 9;
  TRACE(fcntl(files[0], F_SETLKW, &lock));
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_pid = 7};
  TRACE(fcntl(files[0], F_OFD_SETLKW, &lock));
  int reading = MUST(open("file", O_RDONLY));
  TRACE(fcntl(reading, F_SETLKW, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}));
}

static void open_end(void *flags) {
  int fd = open("fifo", *(int *)flags);
  say("opened: %d, %s", fd >= 0, flag_names(fcntl(fd, F_GETFL)));
}

SCENARIO(opening_fifos, "opens of FIFOs wait for the other end") {
  static int in = O_RDONLY, out = O_WRONLY;
  MUST(mkfifo("fifo", 0600));
  start("reader", open_end, &in);
  settle();
  say("still waiting: %d", !has_ended("reader"));
  start("writer", open_end, &out);
  join();
  TRACE(open("fifo", O_WRONLY | O_NONBLOCK) >= 0);
  TRACE(open("absent", O_RDONLY));
  TRACE(open("file", O_CREAT | O_EXCL | O_DIRECTORY | O_RDWR, 0600));
  TRACE(open(nowhere, O_RDONLY));
  TRACE(openat(999, "x", O_RDONLY));
  TRACE(creat("no/such", 0600));
  MUST(symlink("fifo", "link"));
  TRACE(open("link", O_WRONLY | O_NOFOLLOW));
}

static void move_data(void *argument) {
  loff_t offset = 0;
  int *way = argument;
  struct iovec piece = {buffer, 5};
  if (*way == 0) TRACE(splice(pair[0], NULL, other[1], NULL, 100, 0));
  if (*way == 1) TRACE(tee(pair[0], other[1], 100, 0));
  if (*way == 2) TRACE(splice(pair[0], NULL, files[0], &offset, 100, 0));
  if (*way == 3) TRACE(vmsplice(pair[0], &piece, 1, 0));
  say("offset %d", (int)offset);
}

SCENARIO(moving_data, "splice, tee, vmsplice, sendfile: waiting, ends, errors") {
  static int ways[] = {0, 1, 2, 3};
  static const char *const names[] = {"splice", "tee", "to a file", "vmsplice"};
  files[0] = MUST(open("file", O_CREAT | O_RDWR, 0600));
  for (int i = 0; i < 4; i++) {
    MUST(pipe(pair));
    MUST(pipe(other));
    start(names[i], move_data, &ways[i]);
    settle();
    say("still waiting: %d", !has_ended(names[i]));
    TRACE(write(pair[1], "some data", 9));
    join();
    MUST(close(pair[1]));
    if (i == 1) TRACE(read(pair[0], buffer, 99));
    TRACE(splice(pair[0], NULL, other[1], NULL, 100, 0));
    TRACE(tee(pair[0], other[1], 100, 0));
    set_nonblocking(other[0], true);
    TRACE(splice(other[0], NULL, files[0], NULL, 4, 0));
    if (i < 2) TRACE(vmsplice(other[0], &(struct iovec){buffer, 100}, 1, 0));
    TRACE(vmsplice(other[0], &(struct iovec){buffer, 100}, 1, SPLICE_F_NONBLOCK));
  }
  off_t offset = 2;
  TRACE(sendfile(other[1], files[0], &offset, 100));
  say("offset %d", (int)offset);
  TRACE(sendfile(other[1], other[0], NULL, 100));
  TRACE(sendfile(files[0], files[0], NULL, 100));
  TRACE(sendfile(other[1], files[0], nowhere, 100));
  TRACE(sendfile(999, files[0], NULL, 100));
  TRACE(splice(files[0], NULL, files[0], NULL, 10, 0));
  TRACE(splice(other[0], nowhere, files[0], NULL, 10, 0));
  TRACE(splice(files[0], nowhere, other[1], NULL, 10, 0));
  TRACE(splice(999, NULL, other[1], NULL, 10, 0));
  TRACE(splice(other[0], NULL, other[1], NULL, 10, 1u << 20));
  TRACE(tee(files[0], other[1], 10, 0));
  TRACE(tee(other[0], other[1], 10, 0));
  TRACE(vmsplice(files[0], &(struct iovec){buffer, 5}, 1, 0));
  TRACE(vmsplice(other[1], nowhere, 1, 0));
}
