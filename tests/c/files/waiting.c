/* waiting.c - opening, locking, flushing and moving data: coroutines wait, their thread does not. */
#include "../all_at_once.h"

#include <sys/file.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static char path[64];

static const char *name(const char *kind, intptr_t number) {
  snprintf(path, sizeof path, "%s.%d", kind, (int)number);
  return path;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static void *open_other_end(void *argument) {
  intptr_t number = (intptr_t)argument;
  char other[64];
  snprintf(other, sizeof other, "fifo.%d", (int)number);
  int fd = open(other, number % 2 ? O_RDONLY : O_WRONLY);
  CHECK(fd >= 0);
  return NULL;
}

static void *open_other_ends(void *nothing) {
  pthread_t thread;
  for (intptr_t i = 0; i < MANY; i++) NEED(pthread_create(&thread, NULL, open_other_end, (void *)i) == 0);
  return nothing;
}

static void *open_fifo(void *number) {
  co_enable_hook_sys();
  intptr_t i = (intptr_t)number;
  char mine[64];
  snprintf(mine, sizeof mine, "fifo.%d", (int)i);
  int fd = -1, wanted = i % 2 ? O_WRONLY : O_RDONLY;
  begun++;
  switch (i % 3) {
    case 0: fd = open(mine, wanted); break;
    case 1: fd = openat(AT_FDCWD, mine, wanted | O_CLOEXEC); break;
    case 2: fd = i % 2 ? creat(mine, 0600) : open64(mine, wanted); break;
  }
  CHECK(fd >= 0);
  CHECK_IS(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), wanted);
  CHECK_IS(fcntl(fd, F_GETFD), i % 3 == 1 ? FD_CLOEXEC : 0);
  finished++;
  return NULL;
}

TEST(opens_of_fifos_wait_for_the_other_end) {
  enter_directory();
  for (intptr_t i = 0; i < MANY; i++) NEED(mkfifo(name("fifo", i), 0600) == 0);
  all_at_once(open_fifo, open_other_ends);
  remove_directory();
}

static void *open_at_once(void *nothing) {
  co_enable_hook_sys();
  NEED(mkfifo("fifo", 0600) == 0);
  int both = open("fifo", O_RDWR), in = open("fifo", O_RDONLY | O_NONBLOCK);
  CHECK(both >= 0 && in >= 0);
  int out = open("fifo", O_WRONLY);
  CHECK(out >= 0);
  CHECK(open("/dev/null", O_RDWR) >= 0);
  CHECK(open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0);
  errno = 0;
  CHECK(open("absent", O_RDONLY) == -1 && errno == ENOENT);
  CHECK(open((char *)8, O_RDONLY) == -1 && errno == EFAULT);
  int made = open("made", O_CREAT | O_EXCL | O_RDWR, 0640);
  struct stat stat;
  CHECK(made >= 0 && fstat(made, &stat) == 0 && (stat.st_mode & 0777 & ~0022) == 0640);
  finished++;
  return nothing;
}

TEST(opens_that_need_not_wait_do_not) {
  enter_directory();
  umask(0);
  start(open_at_once, NULL);
  loop_until(&finished, 1);
  remove_directory();
}

static void *open_in_vain(void *nothing) {
  co_enable_hook_sys();
  open("fifo", O_RDONLY);
  CHECK(!"a released coroutine goes on");
  return nothing;
}

TEST(a_descriptor_that_a_released_coroutine_would_have_opened_is_closed) {
  enter_directory();
  NEED(mkfifo("fifo", 0600) == 0);
  start(tick, NULL);
  int before = open_descriptors();
  for (int i = 0; i < MANY; i++) co_release(start(open_in_vain, NULL));
  int out = open("fifo", O_WRONLY | O_NONBLOCK);
  /* Helpers that had begun have opened, and find nobody. */
  for (int i = 0; i < 100; i++) {
    if (out < 0) out = open("fifo", O_WRONLY | O_NONBLOCK);
    loop_for(5);
  }
  if (out >= 0) close(out);
  loop_for(50);
  /* The loop's own two. */
  CHECK(open_descriptors() <= before + 2);
  remove_directory();
}

/* ---- locks ------------------------------------------------------------------------------------------ */

static int holders[MANY];

static void *let_go(void *nothing) {
  for (int i = 0; i < MANY; i++) CHECK_IS(flock(holders[i], LOCK_UN), 0);
  return nothing;
}

static void *take_flock(void *number) {
  co_enable_hook_sys();
  char mine[64];
  snprintf(mine, sizeof mine, "lock.%d", (int)(intptr_t)number);
  int fd = open(mine, O_RDWR);
  CHECK(flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
  begun++;
  CHECK_IS(flock(fd, LOCK_EX), 0);
  CHECK(flock(holders[(intptr_t)number], LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
  finished++;
  return NULL;
}

TEST(flock_waits_for_who_has_the_lock) {
  enter_directory();
  for (intptr_t i = 0; i < MANY; i++) {
    holders[i] = open(name("lock", i), O_CREAT | O_RDWR, 0600);
    NEED(flock(holders[i], LOCK_EX) == 0);
  }
  all_at_once(take_flock, let_go);
  remove_directory();
}

static void *take_record(void *number) {
  co_enable_hook_sys();
  intptr_t i = (intptr_t)number;
  int fd = open("records", O_RDWR);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i * 10, .l_len = 10};
  struct flock other = lock;
  NEED(fd >= 0 && lseek(fd, i * 10, SEEK_SET) == i * 10);
  CHECK(fcntl(fd, F_SETLK, &lock) == -1 && (errno == EAGAIN || errno == EACCES));
  begun++;
  switch (i % 3) {
    case 0: CHECK_IS(fcntl(fd, F_SETLKW, &lock), 0); break;
    case 1: CHECK_IS(lockf(fd, F_LOCK, 10), 0); break;
    case 2: CHECK_IS(fcntl(fd, F_OFD_SETLKW, &lock), 0); break;
  }
  CHECK_IS(fcntl(holders[0], F_OFD_GETLK, &other), 0);
  CHECK_IS(other.l_type, F_WRLCK);
  /* Closing another descriptor of the file would give up all of the process's locks. */
  finished++;
  return NULL;
}

/* Another process has all of the records until the gate is opened. */
TEST(record_locks_wait_for_another_process) {
  enter_directory();
  int ends[2];
  char byte;
  holders[0] = open("records", O_CREAT | O_RDWR, 0600);
  NEED(pipe(ends) == 0 && pipe(gate) == 0);
  if (fork() == 0) {
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open("records", O_RDWR);
    close(gate[1]);
    if (fcntl(fd, F_SETLK, &all) != 0 || write(ends[1], "x", 1) != 1) _exit(1);
    _exit(read(gate[0], &byte, 1) != 0);
  }
  NEED(read(ends[0], &byte, 1) == 1);
  all_at_once(take_record, open_for_children);
  remove_directory();
}

/* Each holds its own lock and waits for that of the one before, who gives it up when it has got what it waits for. */
#define CHAIN 300
static void *chained(void *number) {
  co_enable_hook_sys();
  intptr_t i = (intptr_t)number;
  char mine[64], former[64];
  snprintf(mine, sizeof mine, "chain.%d", (int)i);
  snprintf(former, sizeof former, "chain.%d", (int)i - 1);
  int own = open(mine, O_CREAT | O_RDWR, 0600), before = open(former, O_CREAT | O_RDWR, 0600);
  CHECK(own >= 0 && before >= 0);
  CHECK_IS(flock(own, LOCK_EX), 0);
  CHECK_IS(flock(before, LOCK_EX), 0);
  close(before);
  close(own);
  finished++;
  return NULL;
}

TEST(three_hundred_coroutines_wait_in_a_chain_of_locks) {
  enter_directory();
  struct rlimit many = {2048, 4096};
  setrlimit(RLIMIT_NOFILE, &many);
  int first = open("chain.-1", O_CREAT | O_RDWR, 0600);
  NEED(first >= 0 && flock(first, LOCK_EX) == 0);
  start(tick, NULL);
  for (intptr_t i = 0; i < CHAIN; i++) start(chained, (void *)i);
  loop_until(&ticks, 5);
  CHECK_IS(finished, 0);
  flock(first, LOCK_UN);
  loop_until(&finished, CHAIN);
  remove_directory();
}

static void *lock_in_vain(void *nothing) {
  co_enable_hook_sys();
  flock(holders[1], LOCK_EX);
  CHECK(!"a released coroutine goes on");
  return nothing;
}

TEST(a_coroutine_is_released_while_it_waits_for_a_lock) {
  enter_directory();
  for (int i = 0; i < 2; i++) holders[i] = open("lock", O_CREAT | O_RDWR, 0600);
  NEED(flock(holders[0], LOCK_EX) == 0);
  start(tick, NULL);
  for (int i = 0; i < MANY; i++) {
    stCoRoutine_t *co = start(lock_in_vain, NULL);
    if (i % 2) loop_for(2);
    co_release(co);
  }
  flock(holders[0], LOCK_UN);
  loop_for(20);
  remove_directory();
}

/* ---- flushing, random numbers ----------------------------------------------------------------------- */

static void *flush_all_ways(void *nothing) {
  co_enable_hook_sys();
  int ends[2], fd = open("file", O_CREAT | O_RDWR, 0600);
  static unsigned char bytes[300];
  CHECK_IS(write(fd, "some bytes", 10), 10);
  CHECK_IS(fsync(fd), 0);
  CHECK_IS(fdatasync(fd), 0);
  CHECK_IS(syncfs(fd), 0);
  CHECK_IS(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER), 0);
  void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK_IS(msync(map, 4096, MS_SYNC), 0);
  CHECK(msync(map, 4096, MS_SYNC | MS_ASYNC) == -1 && errno == EINVAL);
  NEED(pipe(ends) == 0);
  CHECK(fsync(ends[0]) == -1 && errno == EINVAL);
  CHECK(fdatasync(-1) == -1 && errno == EBADF);
  CHECK_IS(getrandom(bytes, 64, 0), 64);
  CHECK_IS(getentropy(bytes, 64), 0);
  CHECK(getrandom(bytes, 1, 0xffff) == -1 && errno == EINVAL);
  CHECK(getentropy(bytes, 257) == -1 && errno == EIO);
  finished++;
  return nothing;
}

TEST(flushing_calls_answer_as_ever) {
  enter_directory();
  start(flush_all_ways, NULL);
  loop_until(&finished, 1);
  remove_directory();
}

/* ---- what a success leaves -------------------------------------------------------------------------- */

static void *flush_often(void *file) {
  co_enable_hook_sys();
  for (int i = 0; i < 300; i++) {
    errno = 0;
    if (!CHECK_IS(fsync((int)(intptr_t)file), 0) || !CHECK_IS(errno, 0)) break;
  }
  finished++;
  return NULL;
}

/* Many hand jobs to helpers and get in the way of one another there. */
TEST(errno_is_left_alone_by_calls_that_succeed) {
  int file = memfd_create("file", 0);
  NEED(file >= 0);
  for (int i = 0; i < MANY; i++) start(flush_often, (void *)(intptr_t)file);
  loop_until(&finished, MANY);
}

RUN_TESTS
