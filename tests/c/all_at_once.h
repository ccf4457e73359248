/* all_at_once.h - for calls that wait for others: many coroutines of one thread wait at once, and it goes on meanwhile. */
#ifndef ALL_AT_ONCE_H
#define ALL_AT_ONCE_H

#include "ticks.h"

#define MANY 20

static int finished;

/* Runs `body` in MANY coroutines, or as many more as are on one shared stack: all of them must end, and together in much
 * less time than one after another, as they would if each blocked the thread. Bodies count themselves in `finished`. */
UNUSED static void all_at_once(void *(*body)(void *)) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 * 1024);
  long long before = now_ns();
  for (intptr_t i = 0; i < MANY; i++) {
    stCoRoutine_t *co = spawn_on(i % 4 == 3 ? shared : NULL, 0, body, (void *)i);
    co_resume(co);
  }
  loop_until(&finished, MANY);
  CHECK(since_ms(before) < MANY * 100 * 9 / 10);
}

/* A child that does nothing for some time and exits with `code`. */
UNUSED static pid_t sleeper(int ms, int code) {
  pid_t child = fork();
  if (child == 0) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    syscall(SYS_nanosleep, &time, NULL);
    _exit(code);
  }
  NEED(child > 0);
  return child;
}

/* A directory for this case, into which the process goes. */
UNUSED static void enter_directory(void) {
  char name[] = "/tmp/colib-files-XXXXXX";
  NEED(mkdtemp(name) && chdir(name) == 0);
}

UNUSED static void remove_directory(void) {
  char command[200], *name = getcwd(command, sizeof command);
  NEED(name && chdir("/") == 0);
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/rm", "rm", "-rf", name, NULL);
    _exit(1);
  }
  waitpid(child, NULL, 0);
}

#endif
