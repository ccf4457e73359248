/* diagnostics.c - what err, warn, error, psignal and their kin say, where it goes, and how the process ends. */
#include "scenario.h"

#include <err.h>
#include <error.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <wchar.h>

static int ends[2];
static char text[70000];

static void name_the_program(void) {
  program_invocation_name = "a/scenario";
  program_invocation_short_name = "scenario";
}

static void listed(bool of_error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (of_error) vwarn(format, arguments);
  else vwarnx(format, arguments);
  va_end(arguments);
}

static void introduce(void) { fprintf(stderr, "introduced by the program: "); }

/* errno before a call, and after it. */
#define SAYS(error, call)                                      \
  do {                                                         \
    errno = error;                                             \
    call;                                                      \
    said = errno;                                              \
    say("%s: %s, mode %d, error %d", #call, error_name(said), fwide(stderr, 0), !!ferror(stderr)); \
  } while (0)

static void complain_in_all_ways(void) {
  int said;
  SAYS(ENOENT, warn("number %d, %m", 1));
  SAYS(EPERM, warn(NULL));
  SAYS(EPERM, warnx("text %s %.2f", "and more", 1.5));
  SAYS(EPERM, warnx(NULL));
  SAYS(12345, warn("an unknown error"));
  SAYS(EAGAIN, listed(true, "%s", "listed"));
  SAYS(EAGAIN, listed(false, "%s", "listed"));
  SAYS(0, error(0, 0, "a text"));
  SAYS(EINTR, error(0, ENOMEM, "a text of %d, %m", 2));
  SAYS(0, error_at_line(0, 0, "file.c", 4000000000U, "a line, %.1f", 2.5));
  SAYS(0, error_at_line(0, EIO, NULL, 3, "no file"));
  say("count %u", error_message_count);
  error_print_progname = introduce;
  SAYS(0, error(0, 0, "%c", 'x'));
  SAYS(0, error_at_line(0, EPERM, "file.c", 5, "place"));
  error_print_progname = NULL;
  error_one_per_line = 1;
  for (int i = 0; i < 6; i++) SAYS(0, error_at_line(0, 0, "file.c", (unsigned)i / 2, "one a line: %d", i));
  error_one_per_line = 0;
  SAYS(0, error_at_line(0, 0, "file.c", 2, "any line"));
  say("count %u", error_message_count);
  SAYS(0, psignal(SIGINT, "a signal"));
  SAYS(EINTR, psignal(SIGRTMIN + 1, ""));
  SAYS(0, psignal(-5, NULL));
  siginfo_t info = {.si_signo = SIGCHLD, .si_code = CLD_EXITED, .si_pid = 5};
  SAYS(0, psiginfo(&info, "a child"));
  info = (siginfo_t){.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = (void *)4096};
  SAYS(0, psiginfo(&info, NULL));
  memset(text, 'y', 3000);
  SAYS(ENOENT, warn("%.3000s", text));
  SAYS(ENOENT, error(0, 0, "%.3000s", text));
  program_invocation_name = program_invocation_short_name = NULL;
  SAYS(0, error(0, 0, "without a name"));
  SAYS(0, warnx("without a name"));
}

static void show(int fd) {
  size_t n = read_all(fd, text, sizeof text - 1);
  text[n] = 0;
  say("%zu bytes: %s", n, text);
}

static void to_a(enum kind kind) {
  name_the_program();
  make_pair(kind, ends);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
  complain_in_all_ways();
  MUST(close(2));
  show(ends[0]);
}

SCENARIO(complaints_to_pipe, "warn, error, psignal and their kin on a pipe") { to_a(PIPE); }
SCENARIO(complaints_to_socket, "warn, error, psignal and their kin on a socket") { to_a(UNIX); }

SCENARIO(complaints_to_file, "warn, error, psignal and their kin on a file") {
  name_the_program();
  int fd = MUST(open("file", O_RDWR | O_CREAT, 0600));
  MUST(dup2(fd, 2));
  complain_in_all_ways();
  MUST(lseek(fd, 0, SEEK_SET));
  show(fd);
}

SCENARIO(complaints_buffered, "warn, error and psignal on a standard error with a buffer") {
  name_the_program();
  make_pair(PIPE, ends);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
  setvbuf(stderr, NULL, _IOFBF, 256);
  complain_in_all_ways();
  MUST(fflush(stderr));
  MUST(close(2));
  show(ends[0]);
}

SCENARIO(complaints_wide, "warn, error and psignal on a standard error of wide characters") {
  name_the_program();
  make_pair(PIPE, ends);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
  fwide(stderr, 1);
  complain_in_all_ways();
  MUST(close(2));
  show(ends[0]);
}

SCENARIO(complaints_in_vain, "warn, error and psignal where nobody reads, or nothing is open") {
  count_sigpipes();
  name_the_program();
  make_pair(PIPE, ends);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
  MUST(close(ends[0]));
  complain_in_all_ways();
  say("SIGPIPE %d times", (int)sigpipes);
  clearerr(stderr);
  name_the_program();
  MUST(close(2));
  complain_in_all_ways();
}

static struct event begun;

static size_t filled;

static void fill_stderr(void) {
  static const char zeroes[4096];
  ssize_t n;
  make_pair(PIPE, ends);
  set_nonblocking(ends[1], true);
  while ((n = write(ends[1], zeroes, sizeof zeroes)) > 0) filled += (size_t)n;
  set_nonblocking(ends[1], false);
  MUST(dup2(ends[1], 2));
  MUST(close(ends[1]));
}

/* All that was there before, and nothing else. */
static void make_room(void) { say("%d", read_all(ends[0], text, filled) == filled); }

static void complain_to_all(void *argument) {
  (void)argument;
  announce(&begun);
  errno = ENOENT;
  warn("while %s", "full");
  say("%s", error_name(errno));
  error(0, EPERM, "then");
  psignal(SIGINT, "a signal");
  siginfo_t info = {.si_signo = SIGUSR1};
  psiginfo(&info, "info");
}

SCENARIO(complaints_waiting, "who complains to a full pipe waits until somebody reads") {
  name_the_program();
  fill_stderr();
  start("complainer", complain_to_all, NULL);
  await(&begun);
  settle();
  say("ended %d", has_ended("complainer"));
  make_room();
  join();
  MUST(close(2));
  show(ends[0]);
}

SCENARIO(error_flushes_output, "error writes standard output before it speaks") {
  name_the_program();
  make_pair(PIPE, ends);
  MUST(dup2(ends[1], 2));
  MUST(dup2(ends[1], 1));
  setvbuf(stdout, NULL, _IOFBF, 1000);
  printf("first, ");
  error(0, 0, "second");
  printf("fourth\n");
  warnx("third");
  error_at_line(0, 0, "file", 1, "fifth");
  MUST(close(ends[1]));
  MUST(close(1));
  MUST(close(2));
  show(ends[0]);
}

/* ---- ends ------------------------------------------------------------------------------------------- */

static void listed_end(bool of_error, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (of_error) verr(status, format, arguments);
  else verrx(status, format, arguments);
  va_end(arguments);
}

static void at_the_end(void) {
  usleep(1000);
  dprintf(2, "(at the end)\n");
}

static void end_somehow(int which) {
  atexit(at_the_end);
  errno = ENOENT;
  printf("unwritten, ");
  switch (which) {
    case 0: err(3, "err %d", 1);
    case 1: errx(4, "errx %d", 2);
    case 2: listed_end(true, 5, "verr %d", 3); break;
    case 3: listed_end(false, 6, "verrx %d", 4); break;
    case 4: error(7, EPERM, "error %d", 5); break;
    case 5: error_at_line(8, 0, "file", 6, "error_at_line"); break;
    case 6: err(0, NULL);
    case 7: error(256 + 9, 0, "more than a byte"); break;
    case 8:
      error_one_per_line = 1;
      error_at_line(0, 0, "file", 6, "once");
      error_at_line(8, 0, "file", 6, "not twice");
      error_at_line(8, 0, "file", 7, "another line");
  }
  _exit(99);
}

SCENARIO(complaints_that_end, "err, errx and error end the process with their status") {
  name_the_program();
  for (int i = 0; i < 9; i++) {
    int status = 0;
    make_pair(PIPE, ends);
    pid_t child = MUST(fork()) == 0 ? 0 : 1;
    if (child == 0) {
      dup2(ends[1], 2);
      dup2(ends[1], 1);
      setvbuf(stdout, NULL, _IOFBF, 1000);
      close(ends[0]);
      close(ends[1]);
      end_somehow(i);
    }
    MUST(close(ends[1]));
    show(ends[0]);
    MUST(close(ends[0]));
    MUST(wait(&status) > 0 ? 0 : -1);
    say("%d exited %d with %d", i, WIFEXITED(status), WEXITSTATUS(status));
  }
}

static void die(void *argument) {
  (void)argument;
  announce(&begun);
  errno = EPERM;
  err(3, "dying");
}

SCENARIO(err_waiting, "err waits for who reads, while others go on, and then ends the process") {
  name_the_program();
  fill_stderr();
  start("dying", die, NULL);
  await(&begun);
  settle();
  say("ended %d", has_ended("dying"));
  /* From now on the process may end at any time. */
  read_all(ends[0], text, filled);
  pause();
}
