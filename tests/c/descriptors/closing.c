/* Descriptors that are closed, replaced, shut down or used again while coroutines wait on them. */
#include "../check.h"

#include <dirent.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int ends[2], finished, gone;
static char large[1 << 20];

static void sockets(void) { NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }

/* Neither readable nor writable. */
static void stuffed(void) {
  sockets();
  while (send(ends[0], large, sizeof large, MSG_DONTWAIT) > 0) continue;
}

/* ---- ways to take a descriptor away ----------------------------------------------------------------- */

static void by_close(void) { CHECK_IS(close(ends[0]), 0); }
static void by_dup2(void) { CHECK_IS(dup2(2, ends[0]), ends[0]); }
static void by_dup3(void) { CHECK_IS(dup3(2, ends[0], O_CLOEXEC), ends[0]); }
static void by_close_range(void) { CHECK_IS(close_range((unsigned)ends[0], (unsigned)ends[0], 0), 0); }

static void by_fclose(void) {
  FILE *stream = fdopen(ends[0], "r");
  NEED(stream != NULL);
  CHECK_IS(fclose(stream), 0);
}

/* The other end stays, and a duplicate keeps the description. */
static void with_a_duplicate(void) {
  CHECK(dup(ends[0]) >= 0);
  CHECK_IS(close(ends[0]), 0);
}

typedef void take_away(void);

static void *take_in_coroutine(void *how) {
  co_enable_hook_sys();
  usleep(10000);
  CHECK_IS(finished, 0);
  (*(take_away **)how)();
  gone = 1;
  return NULL;
}

static void *take_in_thread(void *how) {
  usleep(20000);
  CHECK_IS(finished, 0);
  (*(take_away **)how)();
  gone = 1;
  return NULL;
}

/* ---- calls that wait -------------------------------------------------------------------------------- */

static long wait_in(int call, int fd) {
  char byte = 0;
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  struct pollfd p = {fd, POLLIN, 0};
  fd_set set;
  FD_ZERO(&set);
  if (call >= 12) FD_SET(fd, &set);
  switch (call) {
    case 0: return read(fd, &byte, 1);
    case 1: return readv(fd, &piece, 1);
    case 2: return recv(fd, &byte, 1, 0);
    case 3: return recvfrom(fd, &byte, 1, MSG_WAITALL, NULL, NULL);
    case 4: return recvmsg(fd, &message, 0);
    case 5: return write(fd, large, 10);
    case 6: return writev(fd, &piece, 1);
    case 7: return send(fd, large, 10, 0);
    case 8: return sendmsg(fd, &message, 0);
    case 9: return poll(&p, 1, -1) == 1 && p.revents == POLLNVAL ? -1 : -2;
    case 10: return ppoll(&p, 1, NULL, NULL) == 1 && p.revents == POLLNVAL ? -1 : -2;
    case 11: return co_poll(NULL, &p, 1, -1) == 1 && p.revents == POLLNVAL ? -1 : -2;
    case 12: return select(fd + 1, &set, NULL, NULL, NULL);
    default: return pselect(fd + 1, &set, NULL, NULL, NULL, NULL);
  }
}
enum { CALLS = 14 };

static void *wait_until_gone(void *call) {
  co_enable_hook_sys();
  errno = 0;
  long result = wait_in(*(int *)call, ends[0]);
  int error = *(int *)call >= 9 && *(int *)call <= 11 ? EBADF : errno;
  if (!CHECK(result == -1 && error == EBADF))
    fprintf(stderr, "# call %d gave %ld, errno %d\n", *(int *)call, result, errno);
  finished++;
  return NULL;
}

/* Each call waits, twice over, and is told when its descriptor is taken away. */
static void each_is_told(take_away *how) {
  for (int thread = 0; thread < 2; thread++)
    for (int call = 0; call < CALLS; call++) {
      pthread_t other;
      finished = gone = 0;
      stuffed();
      start(wait_until_gone, &call);
      start(wait_until_gone, &call);
      if (thread) NEED(pthread_create(&other, NULL, take_in_thread, &how) == 0);
      else start(take_in_coroutine, &how);
      loop_until(&finished, 2);
      loop_until(&gone, 1);
      if (thread) pthread_join(other, NULL);
      for (int fd = 3; fd < 40; fd++) close(fd);
    }
}

TEST(close_tells_every_call_that_waits) { each_is_told(by_close); }
TEST(close_with_a_duplicate_left_tells_every_call_that_waits) { each_is_told(with_a_duplicate); }
TEST(dup2_over_a_descriptor_tells_every_call_that_waits) { each_is_told(by_dup2); }
TEST(dup3_over_a_descriptor_tells_every_call_that_waits) { each_is_told(by_dup3); }
TEST(close_range_tells_every_call_that_waits) { each_is_told(by_close_range); }
TEST(fclose_tells_every_call_that_waits) { each_is_told(by_fclose); }

static void *accept_until_gone(void *nothing) {
  co_enable_hook_sys();
  CHECK(accept(ends[0], NULL, NULL) == -1 && errno == EBADF);
  finished++;
  return nothing;
}

TEST(close_tells_accept) {
  take_away *ways[] = {by_close, by_dup2, by_close_range};
  for (int i = 0; i < 6; i++) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t other;
    take_away *how = ways[i % 3];
    finished = gone = 0;
    NEED((ends[0] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
    NEED(bind(ends[0], (struct sockaddr *)&address, 2) == 0 && listen(ends[0], 5) == 0);
    start(accept_until_gone, NULL);
    if (i < 3) start(take_in_coroutine, &how);
    else NEED(pthread_create(&other, NULL, take_in_thread, &how) == 0);
    loop_until(&finished, 1);
    loop_until(&gone, 1);
    if (i >= 3) pthread_join(other, NULL);
  }
}

/* ---- shutdown --------------------------------------------------------------------------------------- */

static void shut_here(void) { CHECK_IS(shutdown(ends[0], SHUT_RD), 0); }
static void shut_there(void) { CHECK_IS(shutdown(ends[1], SHUT_WR), 0); }
static void shut_all(void) { CHECK_IS(shutdown(ends[0], SHUT_RDWR), 0); }

static void *read_the_end(void *how) {
  char byte;
  struct pollfd p = {ends[0], POLLIN | POLLRDHUP, 0};
  co_enable_hook_sys();
  if (how) CHECK(poll(&p, 1, -1) == 1 && p.revents & POLLRDHUP);
  CHECK_IS(recv(ends[0], &byte, 1, how ? 0 : MSG_WAITALL), 0);
  finished++;
  return NULL;
}

TEST(shutdown_by_another_ends_the_input) {
  take_away *ways[] = {shut_here, shut_there, shut_all};
  for (int i = 0; i < 6; i++) {
    pthread_t other;
    finished = gone = 0;
    sockets();
    start(read_the_end, NULL);
    start(read_the_end, ends);
    if (i < 3) start(take_in_coroutine, &ways[i % 3]);
    else NEED(pthread_create(&other, NULL, take_in_thread, &ways[i % 3]) == 0);
    loop_until(&finished, 2);
    loop_until(&gone, 1);
    if (i >= 3) pthread_join(other, NULL);
  }
}

static void *write_until_shut(void *nothing) {
  co_enable_hook_sys();
  CHECK(send(ends[0], large, 10, MSG_NOSIGNAL) == -1 && errno == EPIPE);
  finished++;
  return nothing;
}

TEST(shutdown_by_another_ends_the_output) {
  for (int i = 0; i < 2; i++) {
    pthread_t other;
    take_away *how = shut_all;
    finished = gone = 0;
    stuffed();
    start(write_until_shut, NULL);
    if (i) NEED(pthread_create(&other, NULL, take_in_thread, &how) == 0);
    else start(take_in_coroutine, &how);
    loop_until(&finished, 1);
    loop_until(&gone, 1);
    if (i) pthread_join(other, NULL);
  }
}

/* ---- closed where nobody sees it -------------------------------------------------------------------- */

static int has_read, has_written;

static void *read_a_byte(void *nothing) {
  char byte = 0;
  co_enable_hook_sys();
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(byte, 'x');
  has_read++;
  finished++;
  return nothing;
}

static void *write_a_byte(void *nothing) {
  co_enable_hook_sys();
  usleep(3000);
  CHECK_IS(write(ends[1], "x", 1), 1);
  has_written++;
  return nothing;
}

static void read_there(int goal) {
  start(read_a_byte, NULL);
  start(write_a_byte, NULL);
  loop_until(&finished, goal);
}

TEST(a_number_closed_by_a_raw_system_call_is_used_again) {
  for (int round = 1; round <= 30; round++) {
    if (round % 3) sockets();
    else NEED(pipe(ends) == 0);
    read_there(round);
    int copy = round % 2 ? dup(ends[0]) : -1;
    /* Something to read stays behind, and must not be taken for the next one's. */
    NEED(write(ends[1], "old", 3) == 3);
    syscall(SYS_close, ends[0]);
    syscall(SYS_close, ends[1]);
    if (round % 4 == 0) NEED(syscall(SYS_close, copy) == 0 || copy < 0);
  }
}

static void *wait_in_vain(void *nothing) {
  char byte;
  co_enable_hook_sys();
  read(ends[0], &byte, 1);
  finished++;
  return nothing;
}

TEST(a_number_closed_by_a_raw_system_call_under_a_waiter_is_used_again) {
  for (int round = 0; round < 10; round++) {
    has_read = has_written = 0;
    sockets();
    stCoRoutine_t *old = start(wait_in_vain, NULL);
    loop_for(2);
    int number = ends[0], other = ends[1];
    syscall(SYS_close, number);
    NEED(pipe(ends) == 0);
    if (ends[0] != number) {
      NEED(dup2(ends[0], number) == number);
      ends[0] = number;
    }
    start(read_a_byte, NULL);
    start(write_a_byte, NULL);
    start(write_a_byte, NULL);
    /* There is a byte for both: the number is the pipe's now, for whoever waited on it before as well. */
    loop_until(&has_written, 2);
    loop_until(&has_read, 1);
    co_release(old);
    close(other);
    for (int fd = 3; fd < 40; fd++) close(fd);
  }
}

TEST(a_number_closed_inside_libc_is_used_again) {
  for (int round = 1; round <= 20; round++) {
    sockets();
    read_there(round);
    FILE *stream = fdopen(ends[0], "r+");
    NEED(stream != NULL && fclose(stream) == 0);
    close(ends[1]);
    DIR *directory = opendir("/");
    NEED(directory != NULL);
    closedir(directory);
    FILE *shell = popen("true", "r");
    NEED(shell != NULL && pclose(shell) == 0);
  }
}

static void *close_raw_and_reopen(void *nothing) {
  for (int i = 0; i < 200; i++) {
    int fd = (int)syscall(SYS_dup, 2);
    syscall(SYS_close, fd);
  }
  gone = 1;
  return nothing;
}

TEST(other_threads_close_and_open_all_the_time) {
  pthread_t other;
  NEED(pthread_create(&other, NULL, close_raw_and_reopen, NULL) == 0);
  for (int round = 1; round <= 30; round++) {
    sockets();
    read_there(round);
    close(ends[0]);
    close(ends[1]);
  }
  pthread_join(other, NULL);
}

RUN_TESTS
