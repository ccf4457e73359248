/*
 * The interface by dlopen and dlsym. ARGUMENT: preloaded (the names are in the global scope), global or local.
 * Opened late, the hooks bind nobody's calls; the interface works, and the hooks do through their addresses.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../common/lines.h"

#define FUNCTIONS(X)                                                                 \
  X(int, co_create, (void **, const void *, void *(*)(void *), void *))              \
  X(void, co_resume, (void *))                                                       \
  X(void, co_release, (void *))                                                      \
  X(void, co_yield_ct, (void))                                                       \
  X(void *, co_get_epoll_ct, (void))                                                 \
  X(void, co_eventloop, (void *, int (*)(void *), void *))                           \
  X(int, co_poll, (void *, struct pollfd *, nfds_t, int))                            \
  X(void, co_enable_hook_sys, (void))                                                \
  X(ssize_t, read, (int, void *, size_t))                                            \
  X(unsigned, sleep, (unsigned))                                                     \
  X(int, usleep, (unsigned))

#define DECLARE(result, name, arguments) static result(*p_##name) arguments;
FUNCTIONS(DECLARE)

static const char *how;
static void *handle;
static int pair[2], ended, order, read_at, woke_at;

static void names_are_found(void) {
#define FIND(result, name, arguments)                \
  CHECK(dlsym(handle, #name) != NULL);               \
  *(void **)&p_##name = dlsym(handle, #name);
  FUNCTIONS(FIND)
}

static void *yields(void *count) {
  for (int i = 0; i < 3; i++) {
    ++*(int *)count;
    p_co_yield_ct();
  }
  return NULL;
}

static void coroutines_switch(void) {
  void *co;
  int count = 0;
  CHECK(p_co_create(&co, NULL, yields, &count) == 0);
  for (int i = 1; i <= 3; i++) {
    p_co_resume(co);
    CHECK(count == i);
  }
  p_co_release(co);
}

static int two_ended(void *unused) {
  (void)unused;
  return ended == 2 ? -1 : 0;
}

static void run_two(void *(*first)(void *), void *(*second)(void *)) {
  void *co[2];
  ended = order = read_at = woke_at = 0;
  CHECK(p_co_create(&co[0], NULL, first, NULL) == 0);
  CHECK(p_co_create(&co[1], NULL, second, NULL) == 0);
  p_co_resume(co[0]);
  p_co_resume(co[1]);
  p_co_eventloop(p_co_get_epoll_ct(), two_ended, NULL);
  p_co_release(co[0]);
  p_co_release(co[1]);
}

static void *polls(void *unused) {
  struct pollfd wait = {.fd = pair[0], .events = POLLIN};
  char byte;
  CHECK(p_co_poll(p_co_get_epoll_ct(), &wait, 1, 10000) == 1);
  CHECK(recv(pair[0], &byte, 1, MSG_DONTWAIT) == 1);
  read_at = ++order;
  ended++;
  return unused;
}

static void *reads_by_address(void *unused) {
  char byte;
  p_co_enable_hook_sys();
  CHECK(p_read(pair[0], &byte, 1) == 1);
  read_at = ++order;
  ended++;
  return unused;
}

static void *reads_by_name(void *unused) {
  char byte;
  p_co_enable_hook_sys();
  CHECK(read(pair[0], &byte, 1) == (strcmp(how, "preloaded") ? -1 : 1));
  read_at = ++order;
  ended++;
  return unused;
}

static void *wakes(void *unused) {
  struct pollfd none = {.fd = -1};
  CHECK(p_co_poll(p_co_get_epoll_ct(), &none, 1, 5) == 0);
  woke_at = ++order;
  CHECK(send(pair[1], "!", 1, MSG_DONTWAIT) == 1);
  ended++;
  return unused;
}

static void co_poll_waits(void) {
  run_two(polls, wakes);
  CHECK(woke_at == 1 && read_at == 2);
}

static void hooks_wait_through_their_addresses(void) {
  run_two(reads_by_address, wakes);
  CHECK(woke_at == 1 && read_at == 2);
}

/* The time-out is what ends a read that blocks the thread. */
static void set_limit(long milliseconds) {
  struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void hooks_bind_when_preloaded(void) {
  set_limit(5000);
  run_two(reads_by_name, wakes);
  CHECK(woke_at == 1 && read_at == 2);
}

static void hooks_do_not_bind_when_opened(void) {
  set_limit(50);
  run_two(reads_by_name, wakes);
  CHECK(read_at == 1 && woke_at == 2);
  CHECK(dlsym(RTLD_DEFAULT, "read") != (void *)p_read);
  char byte;
  CHECK(recv(pair[0], &byte, 1, MSG_DONTWAIT) == 1);
  set_limit(5000);
}

static bool mapped(void) {
  char line[4096];
  bool found = false;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "libcolib.so") != NULL;
  fclose(maps);
  return found;
}

static void *runs_coroutines(void *unused) {
  coroutines_switch();
  co_poll_waits();
  return unused;
}

static void on_signal(int signal) { (void)signal; }

static void closing_does_no_harm(void) {
  pthread_t thread;
  int status = -1;
  signal(SIGUSR1, on_signal);
  CHECK(dlclose(handle) == 0);
  CHECK(mapped());
  runs_coroutines(NULL);
  hooks_wait_through_their_addresses();
  raise(SIGUSR1);
  CHECK(pthread_create(&thread, NULL, runs_coroutines, NULL) == 0);
  pthread_join(thread, NULL);
  pid_t child = fork();
  if (child == 0) {
    check_failed = 0;
    runs_coroutines(NULL);
    _exit(check_failed);
  }
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int count, char **arguments) {
  how = count > 1 ? arguments[1] : "";
  int flags = strcmp(how, "global") == 0 ? RTLD_NOW | RTLD_GLOBAL : RTLD_NOW | RTLD_LOCAL;
  handle = dlopen(strcmp(how, "preloaded") ? arguments[2] : NULL, flags);
  if (handle == NULL) {
    printf("not ok the library opens: %s\n", dlerror());
    return 1;
  }
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
  set_limit(5000);
  CASE("the names of the interface are found", names_are_found);
  CASE("coroutines switch", coroutines_switch);
  CASE("co_poll lets the thread go on", co_poll_waits);
  CASE("hooks wait when they are called by their addresses", hooks_wait_through_their_addresses);
  if (strcmp(how, "preloaded") == 0)
    CASE("the program's own calls are hooked", hooks_bind_when_preloaded);
  else {
    CASE("the program's own calls are not hooked, and still correct", hooks_do_not_bind_when_opened);
    CASE("dlclose leaves everything as it was", closing_does_no_harm);
  }
  return 0;
}
