/* syslog.c - messages to the system log: their text, their order, who waits, and what errno says. */
#include "scenario.h"

#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <syslog.h>

void __syslog_chk(int, int, const char *, ...);

static int ends[2], log_socket = -1;
static char text[20000];
static struct event begun;

/* A /dev with nothing in it, for this thread and all that it starts. */
static bool has_own_dev(void) {
  if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
      mount("none", "/dev", "tmpfs", 0, NULL) == 0) {
    program_invocation_short_name = "scenario";
    return true;
  }
  say("a /dev of its own is not permitted: %s", error_name(errno));
  return false;
}

static void open_log_socket(int type) {
  struct sockaddr_un address = unix_address("/dev/log");
  log_socket = MUST(socket(AF_UNIX, type, 0));
  MUST(bind(log_socket, plain(&address), sizeof address));
  if (type == SOCK_STREAM) MUST(listen(log_socket, 5));
}

/* A message without what differs from run to run, and with its zero bytes shown. */
static void show_message(const char *message, size_t length) {
  char number[20];
  snprintf(number, sizeof number, "[%d]", (int)getpid());
  const char *behind = memchr(message, '>', length);
  int start = behind ? (int)(behind - message) + 1 : 0, stamp = 16;
  static char shown[20000];
  size_t to = (size_t)snprintf(shown, sizeof shown, "%.*s", start, message);
  for (size_t i = (size_t)(start + stamp); behind && i < length; i++) {
    if (i + strlen(number) <= length && memcmp(message + i, number, strlen(number)) == 0) {
      to += (size_t)snprintf(shown + to, sizeof shown - to, "[number]");
      i += strlen(number) - 1;
    } else {
      to += (size_t)snprintf(shown + to, sizeof shown - to, message[i] ? "%c" : "\\0", message[i]);
    }
  }
  say("%zu: %s", length - (strstr(shown, "[number]") ? strlen(number) : 0), shown);
}

/* What has come, without what only filled the log. */
static void show_log(void) {
  ssize_t n;
  while ((n = recv(log_socket, text, sizeof text, MSG_DONTWAIT)) > 0)
    if (n > 1) show_message(text, (size_t)n);
}

#define LOGS(error, call)                   \
  do {                                      \
    errno = error;                          \
    call;                                   \
    int after = errno;                      \
    say("%s: %s", #call, error_name(after)); \
    show_log();                             \
  } while (0)

static void listed(int priority, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsyslog(priority, format, arguments);
  va_end(arguments);
}

static void log_in_all_ways(void) {
  static char lengthy[5001];
  memset(lengthy, 'z', sizeof lengthy - 1);
  LOGS(ENOENT, syslog(LOG_INFO, "number %d, %s, %m, %.2f", 7, "text", 2.5));
  LOGS(EPERM, syslog(LOG_ERR | LOG_MAIL, "%m"));
  LOGS(0, listed(LOG_NOTICE, "%s %s", "listed", "words"));
  LOGS(0, syslog(LOG_INFO, "a line\n"));
  LOGS(0, syslog(LOG_INFO, "%s", ""));
  LOGS(0, syslog(LOG_INFO, "100%% of %s", "%s"));
  LOGS(0, syslog(LOG_INFO, "%s", lengthy));
  LOGS(0, syslog(LOG_INFO, "%.950s", lengthy));
  LOGS(0, syslog(LOG_INFO, "%cbetween%c%cend%c", 0, 0, 0, 0));
  LOGS(0, syslog(LOG_INFO | 0x1000, "a facility that is none: %d", 5));
  LOGS(0, syslog(-1, "a priority that is none"));
  LOGS(ENOENT, __syslog_chk(LOG_INFO, 1, "fortified: %d, %m", 5));
}

static void set_masks(void) {
  TRACE(setlogmask(0));
  TRACE(setlogmask(LOG_UPTO(LOG_WARNING)));
  TRACE(setlogmask(0));
  LOGS(ENOENT, syslog(LOG_INFO, "masked: %s", (char *)nowhere));
  LOGS(ENOENT, syslog(LOG_INFO | 0x1000, "masked: %s", (char *)nowhere));
  LOGS(ENOENT, __syslog_chk(LOG_DEBUG, 1, "masked: %s", (char *)nowhere));
  LOGS(ENOENT, syslog(LOG_WARNING, "not masked: %m"));
  TRACE(setlogmask(LOG_MASK(LOG_INFO) | 0x7ff00));
  TRACE(setlogmask(0));
  LOGS(0, syslog(LOG_WARNING, "masked"));
  LOGS(0, syslog(LOG_INFO, "not masked"));
  TRACE(setlogmask(0xff));
}

SCENARIO(log_texts, "what is sent to the system log, and errno") {
  if (!has_own_dev()) return;
  open_log_socket(SOCK_DGRAM);
  log_in_all_ways();
  set_masks();
  LOGS(0, openlog("tag", LOG_PID | LOG_NDELAY, LOG_DAEMON));
  log_in_all_ways();
  LOGS(ENOENT, closelog());
  LOGS(0, syslog(LOG_INFO, "the name again"));
  LOGS(0, openlog(NULL, 0, LOG_LOCAL3));
  LOGS(0, syslog(LOG_INFO, "no name"));
}

SCENARIO(log_and_standard_error, "LOG_PERROR: the log and standard error") {
  if (!has_own_dev()) return;
  open_log_socket(SOCK_DGRAM);
  make_pair(PIPE, ends);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
  openlog("tag", LOG_PERROR | LOG_PID, LOG_USER);
  LOGS(ENOENT, syslog(LOG_INFO, "one %m"));
  LOGS(0, syslog(LOG_INFO, "two\n"));
  LOGS(0, syslog(LOG_INFO, "%c", 0));
  MUST(dup2(log_socket, 2));
  size_t n = read_all(ends[0], text, sizeof text - 1);
  text[n] = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) say("%s", strchr(line, ':'));
  count_sigpipes();
  make_pair(PIPE, ends);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
  MUST(close(ends[0]));
  LOGS(0, syslog(LOG_INFO, "nobody reads standard error"));
  say("SIGPIPE %d times", (int)sigpipes);
}

SCENARIO(log_missing, "no log, and the console in its place") {
  if (!has_own_dev()) return;
  LOGS(EPERM, syslog(LOG_INFO, "to nobody"));
  LOGS(EPERM, openlog("tag", LOG_CONS | LOG_NDELAY, LOG_DAEMON));
  LOGS(EPERM, syslog(LOG_INFO, "to no console"));
  int console = MUST(open("/dev/console", O_RDWR | O_CREAT, 0600));
  LOGS(EPERM, syslog(LOG_INFO, "to the console, %m"));
  text[read_all(console, text, 1000)] = 0;
  say("%s", text);
  open_log_socket(SOCK_DGRAM);
  LOGS(EPERM, syslog(LOG_INFO, "to the log"));
  MUST(close(log_socket));
  MUST(unlink("/dev/log"));
  LOGS(EPERM, syslog(LOG_INFO, "to nobody again"));
  open_log_socket(SOCK_DGRAM);
  LOGS(EPERM, syslog(LOG_INFO, "to another log"));
}

SCENARIO(log_stream, "a log that is a stream: each message ends with a zero") {
  if (!has_own_dev()) return;
  open_log_socket(SOCK_STREAM);
  openlog("tag", LOG_NDELAY, LOG_DAEMON);
  int listener = log_socket;
  log_socket = MUST(accept(listener, NULL, NULL));
  LOGS(ENOENT, syslog(LOG_INFO, "one %m"));
  LOGS(0, syslog(LOG_INFO, "%s", ""));
  count_sigpipes();
  MUST(close(log_socket));
  LOGS(0, syslog(LOG_INFO, "to the next connection"));
  say("SIGPIPE %d times", (int)sigpipes);
  log_socket = MUST(accept(listener, NULL, NULL));
  show_log();
}

static void fill_log(void) {
  struct sockaddr_un address = unix_address("/dev/log");
  int fd = MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  MUST(connect(fd, plain(&address), sizeof address));
  while (write(fd, "x", 1) == 1);
  MUST(close(fd));
}

static void log_lines(void *argument) {
  announce(&begun);
  for (int i = 0; i < 4; i++) {
    errno = ENOENT;
    syslog(LOG_INFO, "%s %d, %m", (const char *)argument, i);
  }
  say("%s", error_name(errno));
}

static void show_until_ended(const char *writer) {
  while (!has_ended(writer)) {
    show_log();
    usleep(2000);
  }
  show_log();
}

/* An actor that waits for room in the log. */
static void start_at_full_log(const char *name, const char *text) {
  open_log_socket(SOCK_DGRAM);
  fill_log();
  begun.set = false;
  start(name, log_lines, (void *)text);
  await(&begun);
  settle();
}

SCENARIO(log_waiting, "who logs waits until somebody reads the log; messages keep their order") {
  if (!has_own_dev()) return;
  start_at_full_log("writer", "written");
  say("ended %d", has_ended("writer"));
  show_until_ended("writer");
}

static void on_signal(int signal) { (void)signal; }

SCENARIO(log_interrupted, "a signal handler does not keep a message from the log") {
  if (!has_own_dev()) return;
  for (int restarts = 0; restarts < 2; restarts++) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = restarts ? SA_RESTART : 0};
    MUST(sigaction(SIGUSR1, &action, NULL));
    if (restarts) {
      closelog();
      MUST(close(log_socket));
      MUST(unlink("/dev/log"));
    }
    const char *name = restarts ? "restarted" : "interrupted";
    start_at_full_log(name, name);
    signal_actor(name, SIGUSR1);
    settle();
    say("ended %d", has_ended(name));
    show_until_ended(name);
  }
}

static void change_log(void *argument) {
  TRACE(setlogmask(LOG_UPTO(LOG_INFO)));
  openlog("changed", 0, LOG_DAEMON);
  syslog(LOG_INFO, "%s", (const char *)argument);
}

SCENARIO(log_changed_meanwhile, "who changes how the log is written waits for who writes") {
  if (!has_own_dev()) return;
  start_at_full_log("writer", "written");
  start("changer", change_log, "by the changer");
  settle();
  say("ended %d, %d", has_ended("writer"), has_ended("changer"));
  int64_t until = now_ms() + 20000;
  while (now_ms() < until && !(has_ended("writer") && has_ended("changer"))) {
    if (recv(log_socket, text, sizeof text, MSG_DONTWAIT) < 0) usleep(2000);
  }
}

SCENARIO(log_format_writes, "a fortified format that writes to memory ends the process") {
  static char format[] = "writes %n";
  static int count;
  if (!has_own_dev()) return;
  open_log_socket(SOCK_DGRAM);
  syslog(LOG_INFO, "%s", "before");
  show_log();
  __syslog_chk(LOG_INFO, 1, format, &count);
  say("not reached");
}
