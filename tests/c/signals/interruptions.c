/* What a signal interrupts, restarts or wakes: calls of a thread, reads of a signalfd, waits for children. */
#include "signals.h"

#include <sys/signalfd.h>

static void waits_are_interrupted(void) {
  char byte;
  int pair[2];
  struct timespec hour = {3600, 0}, left = {0, 0};
  struct pollfd wait = {.events = POLLIN};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  wait.fd = pair[0];
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "signals-%d-%p", getpid(), (void *)&address);
  NEED(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
  install(SIGALRM, 0);
  alarm_in(20);
  errno = 0;
  IN_PLACE(read(pair[0], &byte, 1) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(recv(pair[0], &byte, 1, 0) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(accept(listener, NULL, NULL) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(poll(&wait, 1, -1) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(select(0, NULL, NULL, NULL, NULL) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(nanosleep(&hour, &left) == -1 && errno == EINTR && left.tv_sec >= 3590);
  left.tv_sec = 0;
  IN_PLACE(clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, &left) == EINTR && left.tv_sec >= 3590);
  IN_PLACE(sleep(3600) >= 3590);
  errno = 0;
  IN_PLACE(usleep(900000) == -1 && errno == EINTR);
  IN_PLACE(count >= 9);
  no_alarm();
  close(listener);
  close(pair[0]);
  close(pair[1]);
}

TEST(waits_are_interrupted_by_a_handler_that_restarts_nothing) { everywhere(waits_are_interrupted); }

static int writer_end;

static void writes_at_last(int signal) {
  counts(signal);
  if (count == 3 && write(writer_end, "r", 1) != 1) abort();
}

static void reads_are_restarted(void) {
  char byte = 0;
  int pair[2];
  struct sigaction one = {.sa_handler = writes_at_last, .sa_flags = SA_RESTART};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  writer_end = pair[1];
  sigaction(SIGALRM, &one, NULL);
  count = 0;
  alarm_in(10);
  IN_PLACE(read(pair[0], &byte, 1) == 1 && byte == 'r' && count >= 3);
  no_alarm();
  close(pair[0]);
  close(pair[1]);
}

TEST(a_read_is_restarted_where_the_handler_says_so) { everywhere(reads_are_restarted); }

static void masks_are_swapped(void) {
  sigset_t blocked, old, admits, refuses;
  struct timespec ten_seconds = {10, 0}, short_time = {0, 30000000};
  int pair[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  struct pollfd wait = {.fd = pair[0], .events = POLLIN};
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGALRM);
  NEED(sigprocmask(SIG_BLOCK, &blocked, &old) == 0);
  sigfillset(&refuses);
  sigemptyset(&admits);
  install(SIGUSR1, 0);
  raise(SIGUSR1);
  IN_PLACE(count == 0);
  IN_PLACE(ppoll(&wait, 1, &short_time, &refuses) == 0 && count == 0);
  IN_PLACE(pselect(0, NULL, NULL, NULL, &short_time, &refuses) == 0 && count == 0);
  errno = 0;
  IN_PLACE(ppoll(&wait, 1, &ten_seconds, &admits) == -1 && errno == EINTR && count == 1);
  raise(SIGUSR1);
  errno = 0;
  IN_PLACE(pselect(0, NULL, NULL, NULL, &ten_seconds, &admits) == -1 && errno == EINTR && count == 2);
  /* A signal that comes while the call waits. */
  install(SIGALRM, SA_RESTART);
  alarm_in(20);
  errno = 0;
  IN_PLACE(ppoll(&wait, 1, &ten_seconds, &admits) == -1 && errno == EINTR && count >= 1);
  count = 0;
  errno = 0;
  IN_PLACE(ppoll(NULL, 0, NULL, &admits) == -1 && errno == EINTR && count >= 1);
  count = 0;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pair[0], &set);
  errno = 0;
  IN_PLACE(pselect(pair[0] + 1, &set, NULL, NULL, NULL, &admits) == -1 && errno == EINTR && count >= 1);
  no_alarm();
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  IN_PLACE(sigismember(&now, SIGUSR1) == 1);
  /* Leave nothing pending. */
  struct timespec none = {0, 0};
  while (sigtimedwait(&blocked, NULL, &none) > 0) continue;
  NEED(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  close(pair[0]);
  close(pair[1]);
}

TEST(ppoll_and_pselect_deliver_the_signals_that_their_mask_admits) { everywhere(masks_are_swapped); }

static void reads_signals(void) {
  sigset_t set, old;
  struct signalfd_siginfo info;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  NEED(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  int fd = signalfd(-1, &set, SFD_CLOEXEC);
  struct itimerval soon = in_ms(15), none = in_ms(0);
  setitimer(ITIMER_REAL, &soon, NULL);
  IN_PLACE(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGALRM);
  setitimer(ITIMER_REAL, &none, NULL);
  close(fd);
  NEED(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

TEST(a_signalfd_is_read) { everywhere(reads_signals); }

static int ends[2];

static volatile sig_atomic_t reaped;

static void reaps(int signal) {
  int kept = errno, status;
  pid_t child;
  (void)signal;
  while ((child = waitpid(-1, &status, WNOHANG)) > 0)
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9) {
      reaped++;
      if (write(ends[1], "c", 1) != 1) abort();
    }
  errno = kept;
}

static void children_are_reaped(void) {
  char byte;
  struct sigaction one = {.sa_handler = reaps, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  NEED(pipe(ends) == 0);
  sigaction(SIGCHLD, &one, NULL);
  reaped = 0;
  for (int i = 0; i < 4; i++)
    if (fork() == 0) {
      usleep(1000 * i);
      _exit(9);
    }
  /* The handler's pipe wakes whoever reads it. */
  for (int i = 0; i < 4; i++) IN_PLACE(read(ends[0], &byte, 1) == 1 && byte == 'c');
  IN_PLACE(reaped == 4);
  signal(SIGCHLD, SIG_DFL);
  close(ends[0]);
  close(ends[1]);
}

TEST(a_handler_of_sigchld_reaps_and_wakes_a_reader) { everywhere(children_are_reaped); }

static volatile sig_atomic_t in_thread;

static void notes_thread(int signal) {
  (void)signal;
  in_thread++;
}

static void *naps(void *unused) {
  while (in_thread == 0) usleep(500);
  return unused;
}

static void threads_get_signals(void) {
  pthread_t thread;
  struct sigaction one = {.sa_handler = notes_thread};
  sigaction(SIGUSR1, &one, NULL);
  in_thread = 0;
  NEED(pthread_create(&thread, NULL, naps, NULL) == 0);
  IN_PLACE(pthread_kill(thread, SIGUSR1) == 0);
  pthread_join(thread, NULL);
  IN_PLACE(in_thread == 1);
}

TEST(a_thread_without_coroutines_runs_handlers) { everywhere(threads_get_signals); }

RUN_TESTS
