/* syscall.c - system calls by number: what they give is what the kernel gives, and their thread goes on. */
#include "ticks.h"

#include <linux/futex.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static int finished, drained, ends[2], epoll;
static char buffer[64];

static void *write_later(void *nothing) {
  co_enable_hook_sys();
  usleep(50000);
  NEED(write(ends[1], "data", 4) == 4);
  return nothing;
}

static void pair(int kind) {
  if (kind < 0) NEED(pipe(ends) == 0);
  else NEED(socketpair(AF_UNIX, kind, 0, ends) == 0);
}

static struct iovec piece = {buffer, 8};
static struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
static struct mmsghdr batch = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};
static struct epoll_event event;
static struct pollfd polled;
static fd_set reading;

/* The calls that wait for `ends[0]`: what they give once four bytes are there. */
static long input_by_number(int way) {
  const struct timespec wait = {5, 0};
  polled = (struct pollfd){ends[0], POLLIN, 0};
  FD_ZERO(&reading);
  FD_SET(ends[0], &reading);
  switch (way) {
    case 0: return syscall(SYS_read, ends[0], buffer, 8);
    case 1: return syscall(SYS_readv, ends[0], &piece, 1);
    case 2: return syscall(SYS_preadv2, ends[0], &piece, 1, -1L, -1L, 0);
    case 3: return syscall(SYS_recvfrom, ends[0], buffer, 8, 0, NULL, NULL);
    case 4: return syscall(SYS_recvmsg, ends[0], &message, 0);
    case 5: return syscall(SYS_recvmmsg, ends[0], &batch, 1, 0, NULL) + 3;
    case 6: return syscall(SYS_poll, &polled, 1, 5000) + 3;
    case 7: return syscall(SYS_ppoll, &polled, 1, &wait, NULL, 0) + 3;
    case 8: return syscall(SYS_select, ends[0] + 1, &reading, NULL, NULL, NULL) + 3;
    case 9: return syscall(SYS_pselect6, ends[0] + 1, &reading, NULL, NULL, NULL, NULL) + 3;
    case 10: return syscall(SYS_epoll_wait, epoll, &event, 1, 5000) + 3;
    case 11: return syscall(SYS_epoll_pwait, epoll, &event, 1, 5000, NULL, 8) + 3;
    default: return syscall(SYS_epoll_pwait2, epoll, &event, 1, &wait, NULL, 8) + 3;
  }
}

static void *receive(void *way) {
  int before = ticks;
  co_enable_hook_sys();
  CHECK_IS(input_by_number((int)(intptr_t)way), 4);
  CHECK(ticks > before);
  finished++;
  return NULL;
}

TEST(input_by_number_parks_the_coroutine_only) {
  start(tick, NULL);
  for (intptr_t way = 0; way < 13; way++) {
    struct epoll_event in = {.events = EPOLLIN};
    pair(way < 3 ? -1 : SOCK_DGRAM);
    NEED((epoll = epoll_create1(0)) >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &in) == 0);
    start(receive, (void *)way);
    start(write_later, NULL);
    loop_until(&finished, (int)way + 1);
  }
}

static void *send_by_number(void *way) {
  static char large[400000];
  struct iovec whole = {large, sizeof large};
  struct msghdr one = {.msg_iov = &whole, .msg_iovlen = 1};
  struct mmsghdr all = {.msg_hdr = one};
  int before = ticks;
  long sent;
  co_enable_hook_sys();
  switch ((int)(intptr_t)way) {
    case 0: sent = syscall(SYS_write, ends[1], large, sizeof large); break;
    case 1: sent = syscall(SYS_writev, ends[1], &whole, 1); break;
    case 2: sent = syscall(SYS_pwritev2, ends[1], &whole, 1, -1L, -1L, 0); break;
    case 3: sent = syscall(SYS_sendto, ends[1], large, sizeof large, 0, NULL, 0); break;
    case 4: sent = syscall(SYS_sendmsg, ends[1], &one, 0); break;
    default: sent = syscall(SYS_sendmmsg, ends[1], &all, 1, 0) * 400000;
  }
  CHECK_IS(sent, sizeof large);
  CHECK(ticks > before);
  finished++;
  return NULL;
}

static void *drain(void *nothing) {
  static char got[100000];
  size_t sum = 0;
  ssize_t n;
  co_enable_hook_sys();
  usleep(50000);
  while (sum < 400000 && (n = read(ends[0], got, sizeof got)) > 0) sum += (size_t)n;
  drained++;
  return nothing;
}

TEST(output_by_number_parks_the_coroutine_only) {
  start(tick, NULL);
  for (intptr_t way = 0; way < 6; way++) {
    pair(way < 3 ? -1 : SOCK_STREAM);
    start(send_by_number, (void *)way);
    start(drain, NULL);
    loop_until(&finished, (int)way + 1);
    loop_until(&drained, (int)way + 1);
  }
}

static void *nap(void *way) {
  struct timespec time = {0, 100000000}, left = {7, 7};
  int before = ticks;
  co_enable_hook_sys();
  long long began = now_ns();
  switch ((int)(intptr_t)way % 5) {
    case 0: CHECK_IS(syscall(SYS_nanosleep, &time, &left), 0); break;
    case 1: CHECK_IS(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, &left), 0); break;
    case 2: CHECK_IS(syscall(SYS_poll, NULL, 0, 100), 0); break;
    case 3: CHECK_IS(syscall(SYS_ppoll, NULL, 0, &time, NULL, 0), 0); break;
    case 4: CHECK_IS(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL), 0); break;
  }
  CHECK(since_ms(began) >= 99);
  /* The kernel tells what is left, which libc hides. */
  if ((int)(intptr_t)way % 5 > 2) CHECK(time.tv_sec == 0 && time.tv_nsec == 0);
  CHECK(ticks > before);
  finished++;
  return NULL;
}

TEST(naps_by_number_pass_together) {
  start(tick, NULL);
  for (intptr_t i = 0; i < 20; i++) start(nap, (void *)i);
  CHECK_IS(finished, 0);
  loop_until(&finished, 20);
}

static void *connect_by_number(void *address) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  co_enable_hook_sys();
  usleep(30000);
  CHECK_IS(syscall(SYS_connect, fd, address, sizeof(struct sockaddr_in)), 0);
  usleep(30000);
  close(fd);
  finished++;
  return NULL;
}

static void *accept_by_number(void *listener) {
  int before = ticks;
  co_enable_hook_sys();
  long fd = syscall(SYS_accept4, (int)(intptr_t)listener, NULL, NULL, SOCK_CLOEXEC);
  CHECK(fd >= 0);
  CHECK_IS(syscall(SYS_fcntl, (int)fd, F_GETFD), FD_CLOEXEC);
  CHECK_IS(syscall(SYS_read, (int)fd, buffer, 1), 0);
  CHECK_IS(syscall(SYS_close, (int)fd), 0);
  CHECK(ticks > before);
  finished++;
  return NULL;
}

TEST(connections_by_number_park_the_coroutine_only) {
  static struct sockaddr_in address;
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 5) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  start(tick, NULL);
  start(accept_by_number, (void *)(intptr_t)listener);
  start(connect_by_number, &address);
  loop_until(&finished, 2);
}

static volatile sig_atomic_t handled;
static void handler(int signal) { handled += signal == SIGUSR1; }

static void *signal_by_number(void *way) {
  uint64_t usr1 = 1u << (SIGUSR1 - 1), none = 0;
  siginfo_t info;
  co_enable_hook_sys();
  switch ((int)(intptr_t)way) {
    case 0: CHECK(syscall(SYS_pause) == -1 && errno == EINTR); break;
    case 1: CHECK(syscall(SYS_rt_sigsuspend, &none, 8) == -1 && errno == EINTR); break;
    case 2:
      CHECK_IS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8), 0);
      CHECK_IS(syscall(SYS_rt_sigtimedwait, &usr1, &info, NULL, 8), SIGUSR1);
      /* libc makes this look like kill. */
      CHECK_IS(info.si_code, SI_TKILL);
      break;
  }
  finished++;
  return NULL;
}

TEST(signals_by_number_park_the_coroutine_only) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
  start(tick, NULL);
  for (intptr_t way = 0; way < 3; way++) {
    start(signal_by_number, (void *)way);
    loop_for(30);
    CHECK_IS(finished, way);
    pthread_kill(pthread_self(), SIGUSR1);
    loop_until(&finished, (int)way + 1);
  }
  CHECK_IS(handled, 2);
}

#define REFUSED(call, error) CHECK(((errno = 0), (call)) == -1 && errno == (error))

static void *refuse(void *nothing) {
  uint64_t set = 0, with_size[2] = {(uint64_t)(uintptr_t)&set, 7};
  struct timespec time = {0, 1000}, bad = {0, 1000000000};
  void *volatile nowhere = (void *)8;
  co_enable_hook_sys();
  REFUSED(syscall(SYS_read, -1, buffer, 1), EBADF);
  REFUSED(syscall(SYS_write, 0x100000000 - 1, buffer, 1), EBADF);
  REFUSED(syscall(SYS_ppoll, NULL, 0, &time, &set, 7), EINVAL);
  REFUSED(syscall(SYS_ppoll, NULL, 0, nowhere, NULL, 0), EFAULT);
  REFUSED(syscall(SYS_ppoll, NULL, 0, &bad, NULL, 0), EINVAL);
  REFUSED(syscall(SYS_select, 0, NULL, NULL, NULL, nowhere), EFAULT);
  REFUSED(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, nowhere), EFAULT);
  REFUSED(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, with_size), EINVAL);
  REFUSED(syscall(SYS_nanosleep, nowhere, NULL), EFAULT);
  REFUSED(syscall(SYS_nanosleep, &bad, NULL), EINVAL);
  REFUSED(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
  REFUSED(syscall(SYS_clock_nanosleep, 12345, 0, &time, NULL), EINVAL);
  REFUSED(syscall(SYS_epoll_pwait, 0, &event, 1, 0, &set, 7), EINVAL);
  REFUSED(syscall(SYS_epoll_wait, -1, &event, 1, -1), EBADF);
  REFUSED(syscall(SYS_rt_sigsuspend, &set, 7), EINVAL);
  REFUSED(syscall(SYS_rt_sigtimedwait, &set, NULL, &time, 7), EINVAL);
  REFUSED(syscall(SYS_dup2, -1, 5), EBADF);
  REFUSED(syscall(SYS_dup3, 0, 0, 0), EINVAL);
  REFUSED(syscall(SYS_close, -1), EBADF);
  REFUSED(syscall(SYS_fcntl, -1, F_GETFD), EBADF);
  REFUSED(syscall(9999, 1, 2, 3, 4, 5, 6), ENOSYS);
  REFUSED(syscall(-1), ENOSYS);
  /* All six arguments arrive, the last from the stack. */
  void *memory = (void *)syscall(SYS_mmap, NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  CHECK(memory != MAP_FAILED);
  CHECK_IS(syscall(SYS_munmap, memory, 8192), 0);
  CHECK_IS(syscall(SYS_getpid), getpid());
  finished++;
  return nothing;
}

TEST(by_number_errors_are_those_a_thread_gets) {
  start(refuse, NULL);
  loop_until(&finished, 1);
}

/* ---- closing ---------------------------------------------------------------------------------------- */

static void *wait_in_vain(void *nothing) {
  co_enable_hook_sys();
  CHECK(read(ends[0], buffer, 8) == -1 && errno == EBADF);
  finished++;
  return nothing;
}

static int fresh;

/* Ways to close `ends[0]` by number. */
static void close_by_number(int way) {
  switch (way) {
    case 0: CHECK_IS(syscall(SYS_close, ends[0]), 0); break;
    case 1: CHECK_IS(syscall(SYS_close_range, ends[0], ends[0], 0), 0); break;
    case 2: CHECK_IS(syscall(SYS_dup2, fresh, ends[0]), ends[0]); break;
    case 3: CHECK_IS(syscall(SYS_dup3, fresh, ends[0], O_CLOEXEC), ends[0]); break;
  }
}

static void *close_on_a_thread(void *way) {
  close_by_number((int)(intptr_t)way);
  return NULL;
}

TEST(closing_by_number_tells_who_waits) {
  NEED((fresh = open("/dev/null", O_RDWR)) >= 0);
  for (intptr_t way = 0; way < 8; way++) {
    pthread_t thread;
    pair(way % 2 ? -1 : SOCK_STREAM);
    start(wait_in_vain, NULL);
    loop_for(5);
    CHECK_IS(finished, way);
    if (way < 4) {
      close_by_number((int)way);
    } else {
      NEED(pthread_create(&thread, NULL, close_on_a_thread, (void *)(way % 4)) == 0);
      NEED(pthread_join(thread, NULL) == 0);
    }
    loop_until(&finished, (int)way + 1);
    close(ends[1]);
    close(ends[0]);
  }
}

TEST(the_librarys_own_descriptors_are_not_open_by_number_either) {
  struct rlimit limit;
  int shown = 0;
  start(tick, NULL);
  loop_for(5);
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = 3; fd < 70000; fd++) shown += syscall(SYS_fcntl, fd, F_GETFD) >= 0;
  CHECK(shown <= 2);
  for (int fd = 3; fd < 70000; fd++) syscall(SYS_close, fd);
  syscall(SYS_close_range, 3, ~0U, 0);
  int before = ticks;
  loop_for(20);
  CHECK(ticks > before);
}

/* ---- what is left alone ----------------------------------------------------------------------------- */

TEST(children_and_locks_by_number_are_the_kernels) {
  int word = 1, status;
  start(tick, NULL);
  loop_for(2);
  CHECK(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == -1 && errno == EAGAIN);
  CHECK_IS(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
  pid_t child = (pid_t)syscall(SYS_fork);
  if (child == 0) syscall(SYS_exit_group, 9);
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(WEXITSTATUS(status), 9);
}

static void *plain_read(void *nothing) {
  CHECK_IS(syscall(SYS_read, ends[0], buffer, 4), 4);
  return nothing;
}

TEST(a_plain_thread_blocks_by_number_as_ever) {
  pthread_t thread;
  pair(-1);
  start(tick, NULL);
  loop_for(2);
  NEED(pthread_create(&thread, NULL, plain_read, NULL) == 0);
  usleep(20000);
  NEED(write(ends[1], "data", 4) == 4);
  CHECK_IS(pthread_join(thread, NULL), 0);
}

RUN_TESTS
