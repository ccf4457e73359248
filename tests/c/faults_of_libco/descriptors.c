/* Faults of descriptors: flags that show, high and recycled numbers, fcntl. */
#include "faults.h"

static void uses_a_socket(void) {
  int mine[2], copy;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, mine) == 0);
  copy = dup(mine[0]);
  for (int i = 0; i < 2; i++) {
    char byte;
    CHECK_IS(fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
    CHECK_IS(fcntl(mine[0], F_GETFL) & O_NONBLOCK, 0);
    /* As the kernel sees it, past every hook. */
    CHECK_IS(syscall(SYS_fcntl, copy, F_GETFL) & O_NONBLOCK, 0);
    CHECK_IS(write(mine[1], "x", 1), 1);
    CHECK_IS(read(mine[0], &byte, 1), 1);
    struct timeval limit = {0, 2000};
    setsockopt(mine[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    CHECK(read(mine[0], &byte, 1) == -1 && errno == EAGAIN);
  }
}

TEST(o_nonblock_is_visible_through_dup) { finish(uses_a_socket); }

static void waits_while_a_child_looks(void) {
  pid_t child = fork();
  int status = 0;
  if (child == 0) _exit(fcntl(ends[0], F_GETFL) & O_NONBLOCK ? 1 : 0);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

TEST(o_nonblock_is_visible_through_fork) {
  make_pair();
  go(reads_a_byte);
  finish(waits_while_a_child_looks);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
}

TEST(a_descriptor_from_102400_on_crashes) {
  struct rlimit limit = {200000, 200000};
  make_pair();
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) SKIP("so many descriptors are not allowed");
  int high = fcntl(ends[0], F_DUPFD, 150000);
  NEED(high >= 150000);
  ends[0] = high;
  go(reads_a_byte);
  start(polls, (void *)0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
}

static void reads_from_a_recycled_number(void) {
  int first[2];
  struct timeval limit = {0, 1000};
  make_pair();
  CHECK_IS(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  never_waits();
  memcpy(first, ends, sizeof first);
  close(ends[0]);
  close(ends[1]);
  make_pair();
  CHECK(ends[0] == first[0] && ends[1] == first[1]);
  reads_a_byte();
}

TEST(recycled_descriptors_inherit_flags) {
  go(reads_from_a_recycled_number);
  loop_for(20);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

static long fcntl_results[20][2];

static void ask_fcntl(void) {
  static const int commands[] = {F_GETFL,  F_SETFL,      F_GETFD, F_DUPFD,   F_DUPFD_CLOEXEC, F_GETOWN,
                                 F_GETSIG, F_GETPIPE_SZ, 9999,    F_GETLEASE, F_GET_SEALS};
  int fds[2], at_last = 0;
  make_pair();
  NEED(pipe(fds) == 0);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    errno = 0;
    fcntl_results[i][0] = fcntl(fds[0], commands[i], commands[i] == F_SETFL ? O_NONBLOCK : 50);
    fcntl_results[i][1] = errno;
    at_last++;
  }
  for (int fd = 50; fd < 60; fd++) close(fd);
  close(fds[0]);
  close(fds[1]);
  close(ends[0]);
  close(ends[1]);
  CHECK(at_last > 5);
}

static void ask_fcntl_of_nothing(void) {
  static const int commands[] = {F_GETFL, F_SETFL, F_GETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD, F_GETOWN};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    errno = 0;
    CHECK(fcntl(-1, commands[i], 0) == -1 && errno == EBADF);
  }
}

TEST(fcntl_of_no_descriptor_returns_659) { finish(ask_fcntl_of_nothing); }

TEST(fcntl_with_f_dupfd_cloexec_and_others_fails_without_errno) {
  long expected[20][2];
  ask_fcntl();
  memcpy(expected, fcntl_results, sizeof expected);
  memset(fcntl_results, 1, sizeof fcntl_results);
  finish(ask_fcntl);
  for (int i = 0; i < 11; i++)
    CHECK(fcntl_results[i][0] == expected[i][0] && fcntl_results[i][1] == expected[i][1]);
}

RUN_TESTS
