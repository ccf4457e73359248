/* A descriptor works in a coroutine whoever made it and when. */
#include "../check.h"

#include <pty.h>
#include <sys/uio.h>

static int ends[2], finished, ticks;

/* One coroutine reads what another, of the same thread, writes twenty milliseconds later. */
static void *read_it(void *nothing) {
  char text[8] = "";
  co_enable_hook_sys();
  CHECK_IS(read(ends[0], text, sizeof text), 5);
  CHECK_TEXT(text, "hello");
  finished++;
  return nothing;
}

static void *write_it(void *nothing) {
  co_enable_hook_sys();
  for (ticks = 0; ticks < 20; ticks++) usleep(1000);
  CHECK_IS(finished, 0);
  CHECK_IS(write(ends[1], "hello", 5), 5);
  finished++;
  return nothing;
}

static void use_it(void) {
  finished = 0;
  start(read_it, NULL);
  start(write_it, NULL);
  loop_until(&finished, 2);
  /* And nobody has made it non-blocking. */
  CHECK_IS(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
}

TEST(a_descriptor_made_before_any_coroutine) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  use_it();
}

static void *make_with_hooks_off(void *nothing) {
  NEED(pipe(ends) == 0);
  return nothing;
}

TEST(a_descriptor_made_in_a_coroutine_with_hooks_off) {
  start(make_with_hooks_off, NULL);
  use_it();
}

static void *make_in_thread(void *nothing) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  return nothing;
}

TEST(a_descriptor_made_in_another_thread) {
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, make_in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  use_it();
}

static void *use_in_thread(void *nothing) {
  use_it();
  return nothing;
}

TEST(a_descriptor_that_coroutines_of_several_threads_use_in_turn) {
  pthread_t thread;
  NEED(pipe(ends) == 0);
  use_it();
  NEED(pthread_create(&thread, NULL, use_in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  use_it();
}

TEST(a_descriptor_made_by_raw_system_calls) {
  NEED(syscall(SYS_pipe2, ends, 0) == 0);
  use_it();
  NEED(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  use_it();
  int copy = (int)syscall(SYS_dup, ends[0]);
  syscall(SYS_close, ends[0]);
  ends[0] = copy;
  use_it();
}

TEST(a_descriptor_duplicated_in_every_way) {
  NEED(pipe(ends) == 0);
  use_it();
  int first = ends[0];
  int copies[] = {dup(first), dup2(first, 100), dup3(first, 101, O_CLOEXEC), fcntl(first, F_DUPFD, 50),
                  fcntl(first, F_DUPFD_CLOEXEC, 60)};
  for (int i = 0; i < 5; i++) {
    ends[0] = copies[i];
    use_it();
  }
  CHECK_IS(close(first), 0);
  use_it();
}

TEST(a_terminal) {
  NEED(openpty(&ends[1], &ends[0], NULL, NULL, NULL) == 0);
  struct termios raw;
  NEED(tcgetattr(ends[0], &raw) == 0);
  cfmakeraw(&raw);
  NEED(tcsetattr(ends[0], TCSANOW, &raw) == 0);
  use_it();
}

static void *read_line(void *nothing) {
  char text[8] = "";
  co_enable_hook_sys();
  CHECK_IS(read(ends[0], text, sizeof text), 6);
  CHECK_TEXT(text, "hello\n");
  finished = 1;
  return nothing;
}

/* The shell answers when the thread has gone on for some time. */
static int says;
static void *tick_until_finished(void *nothing) {
  co_enable_hook_sys();
  for (ticks = 0; !finished; ticks++) {
    usleep(1000);
    if (ticks == 2) CHECK_IS(write(says, "\n", 1), 1);
  }
  return nothing;
}

TEST(a_pipe_of_popen) {
  int heard[2];
  char command[64];
  NEED(pipe(heard) == 0);
  snprintf(command, sizeof command, "read line <&%d; echo hello", heard[0]);
  says = heard[1];
  FILE *shell = popen(command, "r");
  NEED(shell != NULL);
  ends[0] = fileno(shell);
  start(tick_until_finished, NULL);
  start(read_line, NULL);
  loop_until(&finished, 1);
  CHECK_IS(pclose(shell), 0);
}

/* ---- from other processes --------------------------------------------------------------------------- */

TEST(a_descriptor_inherited_by_fork) {
  int status;
  NEED(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    use_it();
    fflush(NULL);
    _exit(check_failures != 0);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void *fork_here(void *nothing) {
  int status;
  co_enable_hook_sys();
  /* The coroutine goes on in both; in the child it has descriptors that the parent had registered. */
  pid_t child = fork();
  if (child == 0) {
    char text[8] = "";
    alarm(20);
    CHECK_IS(read(ends[0], text, 5), 5);
    CHECK_TEXT(text, "child");
    fflush(NULL);
    _exit(check_failures != 0);
  }
  usleep(20000);
  CHECK_IS(write(ends[1], "child", 5), 5);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  finished++;
  return nothing;
}

TEST(a_registered_descriptor_after_fork_in_a_coroutine) {
  NEED(pipe(ends) == 0);
  use_it();
  finished = 0;
  start(fork_here, NULL);
  loop_until(&finished, 1);
  use_it();
}

/* The program itself, run anew with this variable, uses descriptors 20 and 21. */
__attribute__((constructor)) static void as_an_heir(void) {
  if (!getenv("IO_WHOEVER_HEIR")) return;
  ends[0] = 20;
  ends[1] = 21;
  use_it();
  fflush(NULL);
  _exit(check_failures != 0);
}

TEST(a_descriptor_inherited_through_exec) {
  int status;
  NEED(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], 20);
    dup2(ends[1], 21);
    setenv("IO_WHOEVER_HEIR", "1", 1);
    execl("/proc/self/exe", "heir", (char *)NULL);
    _exit(9);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

union control {
  char room[CMSG_SPACE(sizeof(int))];
  struct cmsghdr align;
};

static int carried[2];

static void *receive_it(void *nothing) {
  union control control;
  char byte;
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  co_enable_hook_sys();
  CHECK_IS(recvmsg(carried[0], &message, 0), 1);
  NEED(CMSG_FIRSTHDR(&message) != NULL);
  memcpy(&ends[0], CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
  finished++;
  return nothing;
}

static void *send_it(void *nothing) {
  union control control;
  char byte = 'x';
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = (struct cmsghdr *)&control;
  co_enable_hook_sys();
  memset(&control, 0, sizeof control);
  header->cmsg_len = CMSG_LEN(sizeof(int));
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
  usleep(10000);
  CHECK_IS(sendmsg(carried[1], &message, 0), 1);
  finished++;
  return nothing;
}

TEST(a_descriptor_received_in_a_message) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, carried) == 0 && pipe(ends) == 0);
  int first = ends[0];
  start(receive_it, NULL);
  start(send_it, NULL);
  loop_until(&finished, 2);
  CHECK(ends[0] != first);
  close(first);
  use_it();
}

RUN_TESTS
