/*
 * Cases that print what they see, one a run: `program CASE`. `program` alone lists them. What a case prints, and how
 * its process ends, must be the same on threads and on threads that are coroutines.
 */
#ifndef THREADS_MODE_H
#define THREADS_MODE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* Prints an expression and its value. */
#define SAY(expression) say(#expression, (long)(expression))
UNUSED static void say(const char *what, long value) {
  printf("%s = %ld\n", what, value);
  fflush(stdout);
}
/* Makes a thread, which may print before we could say so. */
#define MAKE(creation)                    \
  do {                                    \
    if (creation) puts("no " #creation);  \
  } while (0)
UNUSED static void install(int signal, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, NULL);
}
UNUSED static void say_cleanup(void *what) { printf("cleanup: %s\n", (char *)what); }

/* Of a thread that is cancelled. */
UNUSED static pthread_t end_of(pthread_t thread) {
  void *result;
  SAY(pthread_join(thread, &result));
  SAY(result == PTHREAD_CANCELED);
  return thread;
}

struct one_case {
  const char *name;
  void (*run)(void);
};
#define CASE(name) {#name, name}
#define CASES(...)                                                                       \
  int main(int count, char **arguments) {                                               \
    static const struct one_case cases[] = {__VA_ARGS__};                                \
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {                          \
      if (count < 2) puts(cases[i].name);                                                \
      else if (!strcmp(arguments[1], cases[i].name)) {                                   \
        alarm(60); /* who hangs, fails */                                                \
        cases[i].run();                                                                  \
      }                                                                                  \
    }                                                                                    \
    return 0;                                                                            \
  }

#endif
