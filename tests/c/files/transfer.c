/* transfer.c - sendfile, splice, tee, vmsplice, copy_file_range: the thread goes on while they wait. */
#include "../all_at_once.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

#define LARGE (1 << 20)

static int file, sockets[MANY][2], pipes[MANY][2], others[MANY][2];
static char bytes[LARGE];

static void make_file(void) {
  enter_directory();
  for (int i = 0; i < LARGE; i++) bytes[i] = (char)(i * 7 + i / 251);
  file = open("large", O_CREAT | O_RDWR, 0600);
  NEED(file >= 0 && write(file, bytes, LARGE) == LARGE);
}

/* Reads all that comes, once the thread has gone on for some time, and compares it with the file. */
static void *drain(void *number) {
  static char buffers[MANY][65536];
  intptr_t i = (intptr_t)number;
  ssize_t n;
  size_t got = 0;
  co_enable_hook_sys();
  while (ticks < 2) usleep(1000);
  while (got < LARGE && (n = read(sockets[i][1], buffers[i], sizeof *buffers)) > 0) {
    CHECK(memcmp(buffers[i], bytes + got, (size_t)n) == 0);
    got += (size_t)n;
    usleep(500);
  }
  CHECK_IS(got, LARGE);
  finished++;
  return NULL;
}

static void *send_file(void *number) {
  intptr_t i = (intptr_t)number;
  co_enable_hook_sys();
  off_t offset = 0;
  CHECK_IS(sendfile(sockets[i][0], file, &offset, LARGE), LARGE);
  CHECK_IS(offset, LARGE);
  CHECK_IS(lseek(file, 0, SEEK_CUR), 0);
  finished++;
  return NULL;
}

TEST(sendfile_returns_when_a_slow_reader_has_all) {
  make_file();
  NEED(lseek(file, 0, SEEK_SET) == 0);
  stShareStack_t *shared = co_alloc_sharestack(1, 128 * 1024);
  start(tick, NULL);
  for (intptr_t i = 0; i < MANY; i++) {
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]) == 0);
    co_resume(spawn_on(i % 2 ? shared : NULL, 0, send_file, (void *)i));
    start(drain, (void *)i);
  }
  loop_until(&finished, 2 * MANY);
  remove_directory();
}

static void *send_in_vain(void *nothing) {
  co_enable_hook_sys();
  off_t offset = 5;
  errno = 0;
  CHECK(sendfile(-1, file, &offset, 10) == -1 && errno == EBADF);
  CHECK(sendfile(sockets[0][0], -1, NULL, 10) == -1 && errno == EBADF);
  CHECK(sendfile(sockets[0][0], file, (off_t *)8, 10) == -1 && errno == EFAULT);
  CHECK_IS(sendfile(sockets[0][0], file, &offset, 0), 0);
  CHECK_IS(offset, 5);
  fcntl(sockets[0][0], F_SETFL, O_NONBLOCK);
  long sum = 0, n;
  while ((n = sendfile(sockets[0][0], file, &offset, LARGE)) > 0) sum += n;
  CHECK(n == -1 && errno == EAGAIN);
  CHECK_IS(offset, sum + 5);
  finished++;
  return nothing;
}

TEST(sendfile_tells_of_errors_and_of_full_sockets) {
  make_file();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[0]) == 0);
  start(send_in_vain, NULL);
  loop_until(&finished, 1);
  remove_directory();
}

static int pipe_signals;
static void count_signal(int signal) { pipe_signals += signal == SIGPIPE; }

static void *send_to_nobody(void *nothing) {
  co_enable_hook_sys();
  off_t offset = 0;
  CHECK(sendfile(sockets[0][0], file, &offset, LARGE) == -1 && errno == EPIPE);
  CHECK_IS(pipe_signals, 1);
  CHECK(splice(pipes[0][0], NULL, pipes[1][1], NULL, 10, 0) == -1 && errno == EPIPE);
  CHECK_IS(pipe_signals, 2);
  finished++;
  return nothing;
}

TEST(a_broken_connection_raises_sigpipe_in_the_coroutines_thread) {
  make_file();
  struct sigaction action = {.sa_handler = count_signal};
  sigaction(SIGPIPE, &action, NULL);
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[0]) == 0);
  NEED(pipe(pipes[0]) == 0 && pipe(pipes[1]) == 0 && write(pipes[0][1], "something", 9) == 9);
  close(sockets[0][1]);
  close(pipes[1][0]);
  start(send_to_nobody, NULL);
  loop_until(&finished, 1);
  remove_directory();
}

/* ---- pipes ------------------------------------------------------------------------------------------ */

static void *feed(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) {
    CHECK_IS(write(i % 4 == 1 ? sockets[i][0] : pipes[i][1], "twelve bytes", 12), 12);
  }
  return nothing;
}

/* Waits for data in a pipe, in a socket, and to look at data. */
static void *move_on(void *number) {
  char text[20] = "";
  intptr_t i = (intptr_t)number;
  co_enable_hook_sys();
  loff_t offset = 3;
  struct iovec piece = {text, 12};
  begun += i % 4 != 2;
  switch (i % 4) {
    case 0:
      CHECK_IS(splice(pipes[i][0], NULL, others[i][1], NULL, 100, 0), 12);
      break;
    case 1:
      CHECK_IS(splice(sockets[i][1], NULL, others[i][1], NULL, 100, 0), 12);
      break;
    case 2:
      CHECK_IS(splice(file, &offset, others[i][1], NULL, 12, 0), 12);
      CHECK_IS(offset, 15);
      CHECK_IS(read(others[i][0], text, 12), 12);
      CHECK(memcmp(text, bytes + 3, 12) == 0);
      begun++;
      CHECK_IS(read(pipes[i][0], text, 12), 12);
      finished++;
      return NULL;
    case 3:
      if (i % 8 == 3) {
        CHECK_IS(tee(pipes[i][0], others[i][1], 100, 0), 12);
        CHECK_IS(read(pipes[i][0], text, 20), 12);
      } else {
        CHECK_IS(vmsplice(pipes[i][0], &piece, 1, 0), 12);
        CHECK_TEXT(text, "twelve bytes");
        finished++;
        return NULL;
      }
  }
  memset(text, 0, sizeof text);
  CHECK_IS(read(others[i][0], text, 19), 12);
  CHECK_TEXT(text, "twelve bytes");
  finished++;
  return NULL;
}

TEST(splice_tee_and_vmsplice_wait_for_data) {
  make_file();
  for (int i = 0; i < MANY; i++)
    NEED(pipe(pipes[i]) == 0 && pipe(others[i]) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]) == 0);
  all_at_once(move_on, feed);
  remove_directory();
}

static void *make_room(void *nothing) {
  static char much[65536];
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) CHECK_IS(read(pipes[i][0], much, sizeof much), sizeof much);
  return nothing;
}

static void *push_on(void *number) {
  intptr_t i = (intptr_t)number;
  static char text[] = "twelve bytes";
  struct iovec piece = {text, 12};
  co_enable_hook_sys();
  begun++;
  if (i % 2) {
    CHECK_IS(vmsplice(pipes[i][1], &piece, 1, 0), 12);
  } else {
    CHECK_IS(splice(others[i][0], NULL, pipes[i][1], NULL, 12, 0), 12);
  }
  finished++;
  return NULL;
}

TEST(splice_and_vmsplice_wait_for_room) {
  static char much[65536];
  for (int i = 0; i < MANY; i++) {
    NEED(pipe(pipes[i]) == 0 && pipe(others[i]) == 0);
    NEED(write(pipes[i][1], much, sizeof much) == (ssize_t)sizeof much && write(others[i][1], "twelve bytes", 12) == 12);
  }
  all_at_once(push_on, make_room);
}

static void *copy(void *nothing) {
  co_enable_hook_sys();
  int to = open("copy", O_CREAT | O_RDWR, 0600);
  loff_t from = 100, at = 50;
  CHECK_IS(copy_file_range(file, &from, to, &at, 1000, 0), 1000);
  CHECK(from == 1100 && at == 1050);
  CHECK_IS(lseek(file, 200, SEEK_SET), 200);
  CHECK_IS(sendfile(to, file, NULL, 300), 300);
  CHECK_IS(lseek(file, 0, SEEK_CUR), 500);
  CHECK_IS(lseek(to, 0, SEEK_CUR), 300);
  CHECK(copy_file_range(file, (loff_t *)8, to, NULL, 10, 0) == -1 && errno == EFAULT);
  CHECK(copy_file_range(file, NULL, -1, NULL, 10, 0) == -1 && errno == EBADF);
  CHECK(copy_file_range(file, NULL, to, NULL, 10, 77) == -1 && errno == EINVAL);
  finished++;
  return nothing;
}

TEST(files_are_copied_with_their_offsets) {
  make_file();
  start(copy, NULL);
  loop_until(&finished, 1);
  remove_directory();
}

RUN_TESTS
