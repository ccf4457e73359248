/* messages.c - what is said on a standard error that is full, and to a system log that nobody reads. */
#define _GNU_SOURCE
#include "park.h"

#include "../c/namespaces.h"

#include <err.h>
#include <error.h>
#include <stdarg.h>
#include <syslog.h>

void __syslog_chk(int, int, const char *, ...);
void __vsyslog_chk(int, int, const char *, va_list);

static char text[10001];

/* ---- standard error ---------------------------------------------------------------------------------- */

/* All share it. What the case itself has to say goes to the first one's descriptor, not to this stream. */
static void full_stderr(struct waiter *me) {
  static int reader;
  if (me->index == 0) {
    full_pipe(me);
    reader = me->far;
    memset(text, 'x', sizeof text - 1);
    NEED((stderr = fdopen(me->in, "w")) != NULL && setvbuf(stderr, NULL, _IONBF, 0) == 0);
  }
  me->far = reader;
}

#define SAYS(name, ...) \
  PARKS_AS(name, #name, full_stderr, drain, .again = true) { __VA_ARGS__; (void)me; return !ferror(stderr); }
#define SAYS_LISTED(name, function, ...)                                \
  static void list_of_##name(const char *format, ...) {                 \
    va_list arguments;                                                  \
    va_start(arguments, format);                                        \
    function;                                                           \
    va_end(arguments);                                                  \
  }                                                                     \
  PARKS_AS(name, #name, full_stderr, drain, .again = true) {            \
    list_of_##name(__VA_ARGS__);                                        \
    (void)me;                                                           \
    return !ferror(stderr);                                             \
  }

SAYS(warn, warn("%s", text))
SAYS(warnx, warnx("%s", text))
SAYS_LISTED(vwarn, vwarn(format, arguments), "%s", text)
SAYS_LISTED(vwarnx, vwarnx(format, arguments), "%s", text)
SAYS(error, error(0, ENOENT, "%s", text))
SAYS(error_at_line, error_at_line(0, 0, "file.c", (unsigned)me->index, "%s", text))
SAYS(psignal, psignal(SIGINT, text))

/* It goes past the stream. */
static void full_descriptor(struct waiter *me) {
  full_stderr(me);
  if (me->index == 0) NEED(dup2(me->in, 2) == 2);
}
PARKS_AS(psiginfo, "psiginfo", full_descriptor, drain, .again = true) {
  siginfo_t info = {.si_signo = SIGUSR1};
  psiginfo(&info, "what");
  return me->far >= 0;
}

/* error first writes what stands in standard output. */
static void full_stdout(struct waiter *me) {
  static int reader;
  if (me->index == 0) {
    full_pipe(me);
    reader = me->far;
    NEED((stdout = fdopen(me->in, "w")) != NULL && fputs("out", stdout) >= 0);
    NEED((stderr = fopen("/dev/null", "w")) != NULL);
  }
  me->far = reader;
}
PARKS_AS(error_behind_a_full_output, "error", full_stdout, drain, .again = true) {
  (void)me;
  error(0, 0, "short");
  return !ferror(stdout);
}

/* ---- the system log ---------------------------------------------------------------------------------- */

static int log_socket;

static struct sockaddr_un log_address(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
  return address;
}

/* A /dev of the case's own, before it has another thread. */
static void private_dev(void) {
  enter_own_namespaces();
  if (mount("none", "/dev", "tmpfs", 0, NULL) != 0) SKIP("no file system can be mounted");
}

static void make_log(int type, int backlog) {
  struct sockaddr_un address = log_address();
  NEED((log_socket = socket(AF_UNIX, type, 0)) >= 0);
  NEED(bind(log_socket, (struct sockaddr *)&address, sizeof address) == 0);
  if (type == SOCK_STREAM) NEED(listen(log_socket, backlog) == 0);
}

static void full_log(struct waiter *me) {
  struct sockaddr_un address = log_address();
  if (me->index == 0) {
    make_log(SOCK_DGRAM, 0);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    NEED(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    while (write(fd, "", 1) == 1);
    NEED(errno == EAGAIN && close(fd) == 0);
  }
  me->far = log_socket;
}

#define LOGS(name, ...) \
  PARKS_AS(name, #name, full_log, drain, .again = true, .begin = private_dev) { __VA_ARGS__; (void)me; return true; }

static void list_of_vsyslog(bool fortified, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (fortified) __vsyslog_chk(LOG_INFO, 1, format, arguments);
  else vsyslog(LOG_INFO, format, arguments);
  va_end(arguments);
}

LOGS(syslog, syslog(LOG_INFO, "number %d", me->index))
LOGS(__syslog_chk, __syslog_chk(LOG_INFO, 1, "number %d", me->index))
LOGS(vsyslog, list_of_vsyslog(false, "number %d", me->index))
LOGS(__vsyslog_chk, list_of_vsyslog(true, "number %d", me->index))

/* Whoever changes how the log is written waits for who writes. */
LOGS(setlogmask, if (me->index == 0) syslog(LOG_INFO, "first"); else setlogmask(LOG_UPTO(LOG_DEBUG)))
LOGS(closelog, if (me->index == 0) syslog(LOG_INFO, "first"); else closelog())
LOGS(openlog, if (me->index == 0) syslog(LOG_INFO, "first"); else openlog("name", 0, LOG_USER))
/* A plain thread that writes has the log too. */
static void *write_plainly(void *nothing_at_all) {
  syslog(LOG_INFO, "a thread's");
  return nothing_at_all;
}
static void full_log_of_a_thread(struct waiter *me) {
  pthread_t thread;
  full_log(me);
  if (me->index == 0) NEED(pthread_create(&thread, NULL, write_plainly, NULL) == 0 && usleep(20000) == 0);
}
PARKS_AS(syslog_behind_a_thread, "syslog", full_log_of_a_thread, drain, .again = true, .begin = private_dev) {
  syslog(LOG_INFO, "number %d", me->index);
  return setlogmask(0) == 0xff;
}

/* A log that is a listener: connecting waits. */
static void full_listener(struct waiter *me) {
  struct sockaddr_un address = log_address();
  if (me->index != 0) return;
  make_log(SOCK_STREAM, 0);
  while (connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&address, sizeof address) == 0);
  NEED(errno == EAGAIN);
}
static void accept_one(struct waiter *me) {
  (void)me;
  struct pollfd more = {.fd = log_socket, .events = POLLIN};
  if (poll(&more, 1, 0) == 1) NEED(accept(log_socket, NULL, NULL) >= 0);
}
PARKS_AS(openlog_connecting, "openlog", full_listener, accept_one, .again = true, .begin = private_dev) {
  (void)me;
  openlog("name", LOG_NDELAY, LOG_USER);
  return true;
}
