/* Messages to the system log and to standard error whose coroutines end before, and where there is no helper. */
#include "../namespaces.h"

#include <err.h>
#include <syslog.h>

static int log_socket, done;
static char message[300];

/* A log of the case's own. */
static void make_log(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
  enter_own_namespaces();
  if (mount("none", "/dev", "tmpfs", 0, NULL) != 0) SKIP("no file system can be mounted");
  NEED((log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) >= 0);
  NEED(bind(log_socket, (struct sockaddr *)&address, sizeof address) == 0);
}

static void fill_log(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  NEED(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  while (write(fd, "x", 1) == 1);
  NEED(errno == EAGAIN && close(fd) == 0);
}

/* The text of the next message that libc has sent, or nothing. */
static const char *next_message(void) {
  ssize_t n;
  while ((n = read(log_socket, message, sizeof message - 1)) == 1);
  message[n > 0 ? n : 0] = 0;
  const char *text = strstr(message, ": ");
  return text ? text + 2 : "";
}

/* All texts that libc sends until somebody is done, which is as soon as there is room for them. */
static void hear_until_done(char *all, size_t size) {
  size_t length = 0;
  for (int i = 0; i < 20000; i++) {
    int last = done == 1;
    const char *text = next_message();
    if (*text) length += (size_t)snprintf(all + length, size - length, "%s ", text);
    else if (last) break;
    else loop_for(1);
  }
  all[length] = 0;
  CHECK_IS(done, 1);
}

static void *say(void *what) {
  co_enable_hook_sys();
  syslog(LOG_INFO, "%s", (char *)what);
  done++;
  return NULL;
}

TEST(who_is_released_while_it_logs_leaves_the_log_to_the_next) {
  make_log();
  fill_log();
  stCoRoutine_t *first = spawn(say, "first"), *second = spawn(say, "second"), *third = spawn(say, "third");
  co_resume(first);
  co_resume(second);
  co_resume(third);
  loop_for(20);
  CHECK_IS(done, 0);
  co_release(first);
  co_release(second);
  loop_for(5);
  /* What the first one had begun is perhaps sent, and nothing of the second. */
  char all[100];
  hear_until_done(all, sizeof all);
  CHECK(strcmp(all, "third ") == 0 || strcmp(all, "first third ") == 0);
  co_release(third);
}

TEST(without_memory_for_a_helper_the_thread_itself_logs) {
  struct rlimit nothing_more = {1, 1};
  make_log();
  stCoRoutine_t *co = spawn(say, "by the thread");
  NEED(setrlimit(RLIMIT_AS, &nothing_more) == 0);
  co_resume(co);
  CHECK_IS(done, 1);
  CHECK_TEXT(next_message(), "by the thread");
}

static void log_in_handler(int signal) { syslog(LOG_INFO, "signal %d", signal); }

static void *be_signalled(void *nothing) {
  co_enable_hook_sys();
  raise(SIGUSR1);
  syslog(LOG_INFO, "behind it");
  done++;
  return nothing;
}

TEST(a_handler_of_a_signal_logs) {
  make_log();
  signal(SIGUSR1, log_in_handler);
  stCoRoutine_t *co = spawn(be_signalled, NULL);
  co_resume(co);
  loop_until(&done, 1);
  CHECK_TEXT(next_message(), "signal 10");
  CHECK_TEXT(next_message(), "behind it");
}

TEST(a_child_goes_on_where_the_parent_logs) {
  char all[100];
  int status = 0;
  make_log();
  fill_log();
  stCoRoutine_t *co = spawn(say, "said once");
  co_resume(co);
  loop_for(20);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    loop_until(&done, 1);
    _exit(check_failures);
  }
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  CHECK_IS(done, 0);
  hear_until_done(all, sizeof all);
  CHECK_TEXT(all, "said once ");
}

/* ---- standard error ----------------------------------------------------------------------------------- */

static int ends[2];

static void fill_stderr(void) {
  static char block[4096];
  NEED(pipe2(ends, O_NONBLOCK) == 0);
  while (write(ends[1], block, sizeof block) > 0);
  while (write(ends[1], block, 1) > 0);
  NEED(fcntl(ends[1], F_SETFL, 0) == 0);
  NEED((stderr = fdopen(ends[1], "w")) != NULL && setvbuf(stderr, NULL, _IONBF, 0) == 0);
}

static void *complain(void *how) {
  co_enable_hook_sys();
  if (how) psignal(SIGINT, "words");
  else warnx("words");
  done++;
  return NULL;
}

static void release_who_complains(void *how) {
  fill_stderr();
  stCoRoutine_t *first = spawn(complain, how), *second = spawn(complain, NULL);
  co_resume(first);
  co_resume(second);
  loop_for(20);
  CHECK_IS(done, 0);
  co_release(first);
  for (int i = 0; i < 2000 && done < 1; i++) {
    while (read(ends[0], message, sizeof message) > 0);
    loop_for(1);
  }
  CHECK_IS(done, 1);
  co_release(second);
}

TEST(who_is_released_while_it_warns_leaves_standard_error_to_the_next) { release_who_complains(NULL); }
TEST(who_is_released_in_psignal_leaves_standard_error_to_the_next) { release_who_complains("psignal"); }

RUN_TESTS
