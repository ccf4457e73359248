/*
 * With hooks off a call is libc's own: it blocks the thread, it can be cancelled, jumped out of,
 * and its arguments arrive whatever they are.
 */
#include "../ticks.h"

#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int ends[2], finished;

static void *write_from_thread(void *nothing) {
  usleep(150000);
  CHECK_IS(write(ends[1], "x", 1), 1);
  return nothing;
}

static void *read_unhooked(void *nothing) {
  char byte;
  int before = ticks;
  CHECK(!co_is_enable_sys_hook());
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(ticks, before);
  finished++;
  return nothing;
}

static void *turn_hooks_off(void *nothing) {
  co_enable_hook_sys();
  usleep(10000);
  CHECK(ticks > 0);
  co_disable_hook_sys();
  read_unhooked(nothing);
  int before = ticks;
  usleep(20000);
  CHECK_IS(ticks, before);
  /* And on again. */
  co_enable_hook_sys();
  usleep(20000);
  CHECK(ticks > before);
  finished++;
  return nothing;
}

static void block_the_thread(void *(*body)(void *), int goal) {
  pthread_t thread;
  NEED(pipe(ends) == 0);
  start(tick, NULL);
  NEED(pthread_create(&thread, NULL, write_from_thread, NULL) == 0);
  start(body, NULL);
  loop_until(&finished, goal);
  pthread_join(thread, NULL);
}

TEST(with_hooks_off_a_call_blocks_the_thread) { block_the_thread(read_unhooked, 1); }
TEST(hooks_are_turned_off_and_on_again) { block_the_thread(turn_hooks_off, 2); }

TEST(outside_any_coroutine_a_call_blocks_the_thread) {
  pthread_t thread;
  char byte;
  NEED(pipe(ends) == 0);
  start(tick, NULL);
  co_enable_hook_sys();
  NEED(pthread_create(&thread, NULL, write_from_thread, NULL) == 0);
  int before = ticks;
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(usleep(1000), 0);
  CHECK_IS(ticks, before);
  pthread_join(thread, NULL);
}

/* ---- cancelling ------------------------------------------------------------------------------------- */

static int cleaned, unwound;
static void clean(void *how) { cleaned += *(int *)how; }
static void unwind(int *guard) { unwound += *guard; }

static void wait_in(long call) {
  struct pollfd p = {ends[0], POLLIN, 0};
  struct timespec hour = {3600, 0};
  static char byte[300000];
  struct iovec piece = {byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  long n = -1;
  switch (call) {
    case 0: n = read(ends[0], byte, 1); break;
    case 1: n = readv(ends[0], &piece, 1); break;
    case 2: n = recv(ends[0], byte, 1, 0); break;
    case 3: n = recvfrom(ends[0], byte, 1, 0, NULL, NULL); break;
    case 4: n = recvmsg(ends[0], &message, 0); break;
    case 5: n = poll(&p, 1, -1); break;
    case 6: n = ppoll(&p, 1, NULL, NULL); break;
    case 7: n = select(ends[0] + 1, &set, NULL, NULL, NULL); break;
    case 8: n = pselect(ends[0] + 1, &set, NULL, NULL, NULL, NULL); break;
    case 9: n = sleep(3600); break;
    case 10: n = usleep(900000000); break;
    case 11: n = nanosleep(&hour, NULL); break;
    case 12: n = clock_nanosleep(CLOCK_REALTIME, 0, &hour, NULL); break;
    case 13: while ((n = write(ends[1], byte, sizeof byte)) > 0) continue; break;
    case 14: while ((n = send(ends[1], byte, sizeof byte, 0)) > 0) continue; break;
    case 15: n = accept(ends[0], NULL, NULL); break;
  }
  CHECK_IS(n, -2);
}

static void *wait_to_be_cancelled(void *call) {
  int one = 1;
  int guard __attribute__((cleanup(unwind))) = 10;
  pthread_cleanup_push(clean, &one);
  wait_in((long)(intptr_t)call);
  pthread_cleanup_pop(0);
  return NULL;
}

static void cancel_each(void) {
  for (long call = 0; call <= 15; call++) {
    pthread_t thread;
    void *ended;
    if (call == 15) {
      struct sockaddr_un address = {.sun_family = AF_UNIX};
      NEED((ends[0] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
      NEED(bind(ends[0], (struct sockaddr *)&address, 2) == 0 && listen(ends[0], 1) == 0);
    } else {
      NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    }
    cleaned = unwound = 0;
    NEED(pthread_create(&thread, NULL, wait_to_be_cancelled, (void *)(intptr_t)call) == 0);
    usleep(call % 2 ? 0 : 20000);
    CHECK_IS(pthread_cancel(thread), 0);
    CHECK_IS(pthread_join(thread, &ended), 0);
    if (!CHECK(ended == PTHREAD_CANCELED && cleaned == 1 && unwound == 10)) fprintf(stderr, "# call %ld\n", call);
  }
}

TEST(a_plain_thread_is_cancelled_in_any_call_and_unwinds) { cancel_each(); }

TEST(a_plain_thread_is_cancelled_while_the_process_runs_coroutines) {
  NEED(pipe(ends) == 0);
  start(tick, NULL);
  loop_until(&ticks, 3);
  cancel_each();
}

static void *close_when_cancelled(void *nothing) {
  int one = 1;
  pthread_cleanup_push(clean, &one);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  usleep(50000);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  close(ends[0]);
  CHECK(!"close is a cancellation point");
  pthread_cleanup_pop(0);
  return nothing;
}

TEST(a_thread_is_cancelled_in_close_of_a_registered_descriptor) {
  pthread_t thread;
  void *ended;
  NEED(pipe(ends) == 0);
  NEED(write(ends[1], "xx", 2) == 2);
  start(tick, NULL);
  start(read_unhooked, NULL);
  loop_until(&ticks, 3);
  NEED(pthread_create(&thread, NULL, close_when_cancelled, NULL) == 0);
  CHECK_IS(pthread_cancel(thread), 0);
  CHECK_IS(pthread_join(thread, &ended), 0);
  CHECK(ended == PTHREAD_CANCELED);
  CHECK_IS(cleaned, 1);
}

/* ---- jumping ---------------------------------------------------------------------------------------- */

static sigjmp_buf there;
static void jump(int signal) { siglongjmp(there, signal); }

TEST(siglongjmp_leaves_a_blocked_call) {
  struct sigaction action = {.sa_handler = jump};
  volatile int times = 0;
  NEED(sigaction(SIGVTALRM, &action, NULL) == 0);
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  for (volatile long call = 0; call <= 12; call++) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    struct itimerspec soon = {{0, 0}, {0, 20000000}};
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    if (sigsetjmp(there, 1) == 0) {
      NEED(timer_settime(timer, 0, &soon, NULL) == 0);
      wait_in(call);
    } else {
      times++;
    }
    timer_delete(timer);
  }
  CHECK_IS(times, 13);
  /* And coroutines work as ever. */
  start(tick, NULL);
  loop_until(&ticks, 5);
}

/* ---- arguments -------------------------------------------------------------------------------------- */

static void *lock_a_part(void *nothing) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1LL << 40, .l_len = 7};
  struct winsize size = {24, 80, 0, 0}, got = {0, 0, 0, 0};
  char name[] = "/tmp/colib-io-XXXXXX";
  int fd = mkstemp(name), status;
  co_enable_hook_sys();
  unlink(name);
  CHECK_IS(fcntl(fd, F_SETLK, &lock), 0);
  pid_t child = fork();
  if (child == 0) {
    struct flock seen = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int good = fcntl(fd, F_GETLK, &seen) == 0 && seen.l_start == 1LL << 40 && seen.l_len == 7 && seen.l_type == F_WRLCK &&
               fcntl(fd, F_SETLK, &lock) == -1 && errno == EAGAIN;
    _exit(good ? 0 : 1);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  CHECK_IS(ioctl(master, TIOCSWINSZ, &size), 0);
  CHECK_IS(ioctl(master, TIOCGWINSZ, &got), 0);
  CHECK(got.ws_row == 24 && got.ws_col == 80);
  finished++;
  return nothing;
}

TEST(pointers_pass_through_fcntl_and_ioctl) {
  NEED(pipe(ends) == 0);
  lock_a_part(NULL);
  start(tick, NULL);
  loop_until(&ticks, 2);
  start(lock_a_part, NULL);
  loop_until(&finished, 2);
}

RUN_TESTS
