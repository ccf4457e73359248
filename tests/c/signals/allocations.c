/* Handlers may interrupt the allocator: a call that a handler may make must not need it. */
#include "signals.h"

/* glibc's own, below the names that a program may replace. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static __thread int in_handler;
static int made, ended;

static void notice(void) { made += in_handler; }

void *malloc(size_t size) {
  notice();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  notice();
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  notice();
  return __libc_realloc(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
  notice();
  *place = __libc_memalign(alignment, size);
  return *place ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size) {
  notice();
  return __libc_memalign(alignment, size);
}

/* Numbers far apart: what the library keeps by number is kept in parts. */
static const int numbers[] = {700, 17000, 18500};

static void use_what_handlers_may(void) {
  struct sigaction old, new = action(SA_RESTART);
  struct timespec moment = {0, 1000};
  struct pollfd wait = {-1, POLLIN, 0};
  int pair[2], one = 1, status;
  socklen_t length = sizeof one;
  char byte;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    CHECK(dup2(pair[0], numbers[i]) == numbers[i]);
    CHECK(fcntl(pair[1], F_DUPFD, numbers[i] + 1) >= numbers[i] + 1);
    wait.fd = numbers[i];
    CHECK(poll(&wait, 1, 1) == 0);
    CHECK(write(numbers[i] + 1, "x", 1) == 1 && read(numbers[i], &byte, 1) == 1);
    CHECK(send(numbers[i], "y", 1, 0) == 1 && recv(numbers[i] + 1, &byte, 1, 0) == 1);
    CHECK(setsockopt(numbers[i], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) == 0);
    CHECK(getsockopt(numbers[i], SOL_SOCKET, SO_TYPE, &one, &length) == 0);
    CHECK(shutdown(numbers[i], SHUT_WR) == 0);
    CHECK(close(numbers[i]) == 0 && close(numbers[i] + 1) == 0);
    CHECK(dup2(pair[0], numbers[i]) == numbers[i] && close(numbers[i]) == 0);
    CHECK(pipe(pair) == 0 && close(pair[0]) == 0 && close(pair[1]) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  }
  close(pair[0]);
  close(pair[1]);
  int file = open("/dev/null", O_RDWR);
  CHECK(file >= 0 && write(file, "x", 1) == 1 && close(file) == 0);
  CHECK(sigaction(SIGUSR2, &new, &old) == 0 && sigaction(SIGUSR2, &old, NULL) == 0);
  CHECK(nanosleep(&moment, NULL) == 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0);
  pid_t child = _Fork();
  if (child == 0) _exit(3);
  CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
}

static void handles(int signal) {
  (void)signal;
  in_handler = 1;
  use_what_handlers_may();
  in_handler = 0;
}

static void *is_interrupted(void *unused) {
  struct sigaction new = action(0);
  int pair[2];
  co_enable_hook_sys();
  new.sa_handler = handles;
  CHECK(sigaction(SIGUSR1, &new, NULL) == 0);
  raise(SIGUSR1);
  /* Once more when something is registered. */
  CHECK(pipe(pair) == 0);
  struct pollfd wait = {pair[0], POLLIN, 0};
  CHECK(poll(&wait, 1, 5) == 0);
  raise(SIGUSR1);
  ended++;
  return unused;
}

TEST(handlers_make_calls_without_the_allocator) {
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur < 18600) SKIP("descriptors cannot have high numbers");
  stCoRoutine_t *co = spawn_on(NULL, 256 * 1024, is_interrupted, NULL);
  co_resume(co);
  loop_until(&ended, 1);
  CHECK(made == 0);
  co_release(co);
}

RUN_TESTS
