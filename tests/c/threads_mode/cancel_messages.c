/* Threads that are cancelled while they wait for who reads the system log, or standard error. */
#include "threads_mode.h"

#include <err.h>
#include <error.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/un.h>
#include <syslog.h>

static sem_t ready;
static int log_socket, out[2];

/* A log of the case's own that is full; says why there is none. */
static int has_full_log(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
  if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", "/dev", "tmpfs", 0, NULL)) {
    printf("a /dev of its own is not permitted\n");
    return 0;
  }
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (bind(log_socket, (struct sockaddr *)&address, sizeof address)) puts("no log");
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) puts("no log");
  while (write(fd, "x", 1) == 1) continue;
  close(fd);
  return 1;
}

/* What stands in the log, without the time. */
static void show_log(void) {
  char message[200];
  ssize_t n;
  while ((n = read(log_socket, message, sizeof message - 1)) > 0) {
    message[n] = 0;
    if (n > 1) printf("%s\n", strstr(message, ": "));
  }
}

static void *logs(void *disabled) {
  if (disabled) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  pthread_cleanup_push(say_cleanup, "logs");
  sem_post(&ready);
  syslog(LOG_INFO, "while it waits");
  printf("has logged\n");
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  pthread_testcancel();
  pthread_cleanup_pop(0);
  return NULL;
}

static void cancel_who_logs(void *disabled) {
  pthread_t thread;
  char room;
  if (!has_full_log()) return;
  MAKE(pthread_create(&thread, NULL, logs, disabled));
  sem_wait(&ready);
  usleep(30000);
  if (pthread_cancel(thread)) puts("not cancelled");
  usleep(30000);
  /* Room for one. */
  if (disabled && read(log_socket, &room, 1) != 1) puts("nothing in the log");
  end_of(thread);
  show_log();
  syslog(LOG_INFO, "behind it");
  show_log();
}
static void who_waits_for_the_log_can_be_cancelled(void) { cancel_who_logs(NULL); }
static void who_has_disabled_it_logs_and_is_cancelled_later(void) { cancel_who_logs(&ready); }

static void *masked(void *unused) {
  pthread_cancel(pthread_self());
  syslog(LOG_DEBUG, "masked");
  printf("a masked message is no cancellation point\n");
  syslog(LOG_INFO, "sent by nobody");
  printf("not reached\n");
  return unused;
}
static void who_was_cancelled_before_does_not_log(void) {
  pthread_t thread;
  if (!has_full_log()) return;
  show_log();
  SAY(setlogmask(LOG_UPTO(LOG_INFO)));
  MAKE(pthread_create(&thread, NULL, masked, NULL));
  end_of(thread);
  show_log();
}

static void *complains(void *way) {
  siginfo_t info = {.si_signo = SIGUSR1};
  pthread_cleanup_push(say_cleanup, "complains");
  sem_post(&ready);
  switch ((long)way) {
    case 0: warn("words"); break;
    case 1: warnx("words"); break;
    case 2: psignal(SIGINT, "words"); break;
    case 3: psiginfo(&info, "words"); break;
    case 4: error(0, 0, "words"); break;
  }
  printf("has complained\n");
  pthread_testcancel();
  pthread_cleanup_pop(0);
  return NULL;
}

static void cancel_who_complains(long way, int reads) {
  static char filling[1 << 16];
  pthread_t thread;
  if (pipe2(out, O_NONBLOCK)) puts("no pipe");
  while (write(out[1], filling, sizeof filling) > 0) continue;
  while (write(out[1], filling, 1) > 0) continue;
  fcntl(out[1], F_SETFL, 0);
  dup2(out[1], 2);
  MAKE(pthread_create(&thread, NULL, complains, (void *)way));
  sem_wait(&ready);
  usleep(30000);
  if (pthread_cancel(thread)) puts("not cancelled");
  usleep(30000);
  while (reads && read(out[0], filling, sizeof filling) > 0) continue;
  end_of(thread);
  /* libc may have left standard error locked, which that of 2.39 waits for at the end. */
  fflush(stdout);
  _exit(0);
}
static void warn_can_be_cancelled(void) { cancel_who_complains(0, 0); }
static void warnx_can_be_cancelled(void) { cancel_who_complains(1, 0); }
static void psignal_can_be_cancelled(void) { cancel_who_complains(2, 0); }
static void psiginfo_is_not_cut_short(void) { cancel_who_complains(3, 1); }
static void error_is_not_cut_short(void) { cancel_who_complains(4, 1); }

CASES(CASE(who_waits_for_the_log_can_be_cancelled), CASE(who_has_disabled_it_logs_and_is_cancelled_later),
      CASE(who_was_cancelled_before_does_not_log), CASE(warn_can_be_cancelled), CASE(warnx_can_be_cancelled),
      CASE(psignal_can_be_cancelled), CASE(psiginfo_is_not_cut_short), CASE(error_is_not_cut_short))
