/* Programs that close everything, numbers that the program sees, and very high ones. */
#include "../refusal.h"
#include "../ticks.h"

#include <dirent.h>
#include <netdb.h>
#include <sys/eventfd.h>

static int ends[2], finished;

/* What the test was started with would be counted as the program's. */
__attribute__((constructor)) static void forget_the_inheritance(void) { syscall(SYS_close_range, 3, ~0U, 0); }

static void *read_one(void *expected) {
  char byte;
  int fd = ends[0];
  co_enable_hook_sys();
  long n = read(fd, &byte, 1);
  if (*(long *)expected == -1)
    CHECK(n == -1 && errno == EBADF);
  else
    CHECK_IS(n, *(long *)expected);
  finished++;
  return NULL;
}

static void *write_one(void *nothing) {
  co_enable_hook_sys();
  usleep(5000);
  CHECK_IS(write(ends[1], "x", 1), 1);
  return nothing;
}

static void *look_up(void *nothing) {
  struct addrinfo *list = NULL;
  co_enable_hook_sys();
  CHECK_IS(getaddrinfo("localhost", NULL, NULL, &list), 0);
  freeaddrinfo(list);
  finished++;
  return nothing;
}

/* All that the library does still works. */
static void all_works(void) {
  static long one = 1;
  int before = finished, beat = ticks;
  NEED(pipe(ends) == 0);
  start(read_one, &one);
  start(write_one, NULL);
  start(look_up, NULL);
  loop_until(&finished, before + 2);
  loop_until(&ticks, beat + 3);
  CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

/* The library's own are not open, as far as the program can tell. */
static int by_loop_count(void) {
  int closed = 0;
  for (int fd = 3; fd < 20000; fd++) closed += close(fd) == 0;
  return closed;
}

static void by_loop(void) { CHECK_IS(by_loop_count(), 2); }

static void by_closefrom(void) { closefrom(3); }
static void by_close_range(void) { CHECK_IS(close_range(3, ~0U, 0), 0); }
static void by_unsharing_range(void) { CHECK_IS(close_range(3, ~0U, CLOSE_RANGE_UNSHARE), 0); }

static void by_daemon_loop(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = (int)limit.rlim_cur - 1; fd > 2; fd--) close(fd);
}

/* As shells and language runtimes do it. */
static void by_proc(void) {
  DIR *directory = opendir("/proc/self/fd");
  struct dirent *entry;
  NEED(directory != NULL);
  while ((entry = readdir(directory))) {
    int fd = atoi(entry->d_name);
    if (fd > 2 && fd != dirfd(directory)) close(fd);
  }
  closedir(directory);
}

static void by_dup2(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
    if (!CHECK_IS(dup2(0, fd), fd)) break;
  for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
    if (!CHECK_IS(close(fd), 0)) break;
}

/* Nothing but raw system calls, which no hook sees. */
static void by_raw_range(void) { CHECK_IS(syscall(SYS_close_range, 3, ~0U, 0), 0); }

/* `told`: waiters learn it. A raw call tells nobody; there it is enough that the program goes on. */
static void close_everything(void (*how)(void), int told) {
  static long bad = -1;
  start(tick, NULL);
  all_works();
  for (int round = 0; round < 3; round++) {
    stCoRoutine_t *waiters[4];
    finished = 0;
    NEED(pipe(ends) == 0);
    for (int i = 0; i < 4; i++) waiters[i] = start(read_one, &bad);
    loop_for(3);
    CHECK_IS(finished, 0);
    how();
    if (told) {
      loop_until(&finished, 4);
    } else {
      for (int i = 0; i < 4; i++) co_release(waiters[i]);
    }
    all_works();
  }
}

TEST(a_loop_closes_everything) { close_everything(by_loop, 1); }
TEST(closefrom_closes_everything) { close_everything(by_closefrom, 1); }

/* Where there is no close_range. The program's own are above the library's too. */
TEST(closefrom_closes_everything_by_itself) {
  refuse(SYS_close_range, ENOSYS);
  start(tick, NULL);
  all_works();
  NEED(dup2(0, 15000) == 15000 && dup2(0, 3) == 3);
  closefrom(3);
  CHECK(fcntl(3, F_GETFD) == -1 && fcntl(15000, F_GETFD) == -1);
  CHECK_IS(by_loop_count(), 0);
  all_works();
}

TEST(close_range_closes_everything) { close_everything(by_close_range, 1); }
TEST(close_range_unshares_and_closes_everything) { close_everything(by_unsharing_range, 1); }
TEST(a_daemon_closes_everything_from_the_limit_down) { close_everything(by_daemon_loop, 1); }
TEST(everything_in_proc_self_fd_is_closed) { close_everything(by_proc, 1); }
TEST(dup2_goes_over_every_number) { close_everything(by_dup2, 1); }
TEST(a_raw_close_range_closes_everything) { close_everything(by_raw_range, 0); }

static void *close_all_inside(void *nothing) {
  co_enable_hook_sys();
  usleep(2000);
  closefrom(3);
  all_works();
  return nothing;
}

TEST(a_coroutine_closes_everything_and_goes_on) {
  start(tick, NULL);
  all_works();
  finished = 0;
  start(close_all_inside, NULL);
  loop_until(&finished, 2);
  loop_until(&ticks, ticks + 5);
}

static void *close_all_in_thread(void *nothing) {
  by_loop();
  return nothing;
}

TEST(another_thread_closes_everything) {
  static long bad = -1;
  pthread_t thread;
  start(tick, NULL);
  all_works();
  finished = 0;
  NEED(pipe(ends) == 0);
  for (int i = 0; i < 4; i++) start(read_one, &bad);
  loop_for(3);
  NEED(pthread_create(&thread, NULL, close_all_in_thread, NULL) == 0);
  loop_until(&finished, 4);
  pthread_join(thread, NULL);
  all_works();
}

TEST(a_child_closes_everything_and_the_parent_goes_on) {
  start(tick, NULL);
  all_works();
  for (int i = 0; i < 3; i++) {
    int status;
    pid_t child = fork();
    if (child == 0) {
      if (i == 0) CHECK_IS(by_loop_count(), 0);
      if (i == 1) closefrom(3);
      if (i == 2) syscall(SYS_close_range, 3, ~0U, 0);
      all_works();
      fflush(NULL);
      _exit(check_failures != 0);
    }
    all_works();
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
}

/* ---- what the program sees -------------------------------------------------------------------------- */

static void *allocate(void *nothing) {
  int pair[2];
  co_enable_hook_sys();
  usleep(1000);
  int base = dup(2);
  CHECK_IS(pipe(pair), 0);
  CHECK_IS(pair[0], base + 1);
  CHECK_IS(pair[1], base + 2);
  CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  CHECK_IS(pair[0], base + 3);
  CHECK_IS(pair[1], base + 4);
  CHECK_IS(socket(AF_INET, SOCK_DGRAM, 0), base + 5);
  CHECK_IS(open("/dev/null", O_RDONLY), base + 6);
  CHECK_IS(eventfd(0, 0), base + 7);
  CHECK_IS(dup(0), base + 8);
  CHECK_IS(fcntl(0, F_DUPFD, 0), base + 9);
  CHECK_IS(close(base + 4), 0);
  CHECK_IS((int)syscall(SYS_epoll_create1, 0), base + 4);
  CHECK_IS(close(base + 11), -1);
  finished++;
  return nothing;
}

TEST(numbers_are_those_without_the_library) {
  start(tick, NULL);
  all_works();
  int lowest = dup(2);
  CHECK_IS(lowest, 3);
  close(lowest);
  finished = 0;
  start(allocate, NULL);
  loop_until(&finished, 1);
}

TEST(the_program_can_have_as_many_as_its_limit_says) {
  struct rlimit limit = {256, 256};
  int count = 0, pair[2];
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  start(tick, NULL);
  all_works();
  int used = open_descriptors();
  while (dup(2) >= 0) count++;
  CHECK_IS(errno, EMFILE);
  /* The library needs a few of its own where the hard limit leaves no room above the soft one. */
  CHECK(count >= 256 - used - 4);
  CHECK(pipe(pair) == -1 && errno == EMFILE);
  loop_until(&ticks, ticks + 5);
  CHECK_IS(close(100), 0);
  CHECK_IS(dup(2), 100);
}

TEST(nothing_of_the_library_survives_exec) {
  int status, wanted[2];
  char text[400] = "";
  start(tick, NULL);
  all_works();
  NEED(pipe(wanted) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(wanted[1], 1);
    close(wanted[0]);
    close(wanted[1]);
    execlp("sh", "sh", "-c", "for n in /proc/$$/fd/*; do n=${n##*/}; [ $n -gt 2 ] && [ -e /proc/$$/fd/$n ] && echo $n; done; true", NULL);
    _exit(9);
  }
  close(wanted[1]);
  NEED(read(wanted[0], text, sizeof text - 1) >= 0);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK_TEXT(text, "");
}

TEST(descriptors_far_above_a_hundred_thousand) {
  struct rlimit limit = {300000, 300000};
  int low[2];
  start(tick, NULL);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) SKIP("the hard limit on descriptors cannot be raised so far");
  NEED(pipe(low) == 0);
  if (dup2(low[0], 250000) != 250000) SKIP("the system allows no descriptor 250000");
  static long one = 1, bad = -1;
  ends[0] = 250000;
  ends[1] = fcntl(low[1], F_DUPFD, 102400);
  CHECK(ends[1] >= 102400);
  start(read_one, &one);
  start(write_one, NULL);
  loop_until(&finished, 1);
  start(read_one, &bad);
  loop_for(3);
  CHECK_IS(close(250000), 0);
  loop_until(&finished, 2);
  closefrom(3);
  all_works();
}

RUN_TESTS
