/* One client of a blocking library, run many times: one after another, on a thread each, or as coroutines.
 *
 *   static int client(int number) { ... }                  returns 0 when the answer was the one meant for this number
 *   HUNDRED(client, prepare);                               makes main: PROGRAM MODE [COUNT]
 *
 * MODE: serial, threads, coroutines; loops is coroutines of four threads with a loop each; shared is coroutines of four shared stacks; own
 * is coroutines of two threads, with larger stacks and thread-local variables of their own. It prints "COUNT ok, COUNT failed, SECONDS seconds, MOST threads" and exits 0 when none failed. A client knows nothing of coroutines:
 * it is the code a program with threads would have. With -DNO_COLIB the coroutine mode is left out and nothing of colib is needed.
 */
#ifndef HUNDRED_H
#define HUNDRED_H

#ifndef NO_COLIB
#include "co_routine.h"
#endif
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int (*hundred_client)(int number);

struct hundred_one {
  hundred_client client;
  int number, failed;
  int *running;
};

static inline double hundred_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Kernel threads of this process, or 0 when unknown. */
static inline int hundred_threads(void) {
  char line[128];
  int threads = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "Threads: %d", &threads) == 1) break;
  if (status) fclose(status);
  return threads;
}

/* Says on stderr what client NUMBER saw instead of its answer; returns 1 so that a client can return it. */
static inline int wrong(int number, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int wrong(int number, const char *format, ...) {
  char text[512];
  va_list rest;
  va_start(rest, format);
  vsnprintf(text, sizeof text, format, rest);
  va_end(rest);
  fprintf(stderr, "client %d: %s\n", number, text);
  return 1;
}

static inline const char *hundred_setting(const char *name) {
  const char *value = getenv(name);
  if (!value) {
    fprintf(stderr, "%s is not set: run through tests/clients.t, or source scripts/servers.sh\n", name);
    exit(2);
  }
  return value;
}

static inline void *hundred_thread(void *argument) {
  struct hundred_one *one = (struct hundred_one *)argument;
  one->failed = one->client(one->number);
  return NULL;
}

#ifndef NO_COLIB
static inline void *hundred_coroutine(void *argument) {
  struct hundred_one *one = (struct hundred_one *)argument;
  co_enable_hook_sys();
  one->failed = one->client(one->number);
  --*one->running;
  return NULL;
}

struct hundred_loop {
  struct hundred_one *all;
  int count, running, most, shared, own;
  double sampled;
};

static inline int hundred_turn(void *argument) {
  struct hundred_loop *loop = (struct hundred_loop *)argument;
  double now = hundred_now();
  if (now - loop->sampled > 0.01) {
    int threads = hundred_threads();
    if (threads > loop->most) loop->most = threads;
    loop->sampled = now;
  }
  return loop->running ? 0 : -1;
}

/* Runs the clients of one loop as coroutines of the calling thread. */
static inline void *hundred_loop(void *argument) {
  struct hundred_loop *loop = (struct hundred_loop *)argument;
  stCoRoutine_t **coroutines = (stCoRoutine_t **)calloc((size_t)loop->count, sizeof *coroutines);
  stCoRoutineAttr_t attribute;
  attribute.stack_size = (loop->own ? 512 : 128) * 1024;
  attribute.share_stack = loop->shared ? co_alloc_sharestack(4, 256 * 1024) : NULL;
  loop->running = loop->count;
  for (int i = 0; i < loop->count; i++) {
    loop->all[i].running = &loop->running;
    if (co_create(&coroutines[i], &attribute, hundred_coroutine, &loop->all[i])) exit(wrong(i, "no coroutine"));
    if (loop->own && co_own_thread_locals(coroutines[i])) exit(wrong(i, "no thread-local variables: %s", strerror(errno)));
    co_resume(coroutines[i]);
  }
  co_eventloop(co_get_epoll_ct(), hundred_turn, loop);
  for (int i = 0; i < loop->count; i++) co_release(coroutines[i]);
  free(coroutines);
  return NULL;
}
#endif

static inline int hundred(int argc, char **argv, hundred_client client) {
  const char *mode = argc > 1 ? argv[1] : "";
  int count = argc > 2 ? atoi(argv[2]) : 100;
  int failed = 0, most = 0;
  double start = hundred_now(), seconds;
  struct hundred_one *all = (struct hundred_one *)calloc((size_t)count, sizeof *all);
  for (int i = 0; i < count; i++) all[i] = (struct hundred_one){client, i, -1, NULL};

  if (!strcmp(mode, "serial")) {
    for (int i = 0; i < count; i++) hundred_thread(&all[i]);
    most = hundred_threads();
  } else if (!strcmp(mode, "threads")) {
    pthread_t *threads = (pthread_t *)calloc((size_t)count, sizeof *threads);
    for (int i = 0; i < count; i++)
      if (pthread_create(&threads[i], NULL, hundred_thread, &all[i])) return wrong(i, "no thread");
    most = hundred_threads();
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    free(threads);
#ifndef NO_COLIB
  } else if (!strcmp(mode, "coroutines") || !strcmp(mode, "shared")) {
    struct hundred_loop loop = {all, count, 0, 0, mode[0] == 's', 0, 0};
    hundred_loop(&loop);
    most = loop.most;
  } else if (!strcmp(mode, "loops") || !strcmp(mode, "own")) {
    enum { LOOPS = 4 };
    struct hundred_loop loops[LOOPS];
    pthread_t threads[LOOPS];
    const int own = mode[0] == 'o', number = own ? 2 : LOOPS;
    for (int i = 0; i < number; i++) {
      int first = count * i / number, next = count * (i + 1) / number;
      loops[i] = (struct hundred_loop){all + first, next - first, 0, 0, 0, own, 0};
      if (pthread_create(&threads[i], NULL, hundred_loop, &loops[i])) return wrong(i, "no thread");
    }
    for (int i = 0; i < number; i++) {
      pthread_join(threads[i], NULL);
      if (loops[i].most > most) most = loops[i].most;
    }
#endif
  } else {
    fprintf(stderr, "usage: %s serial|threads|coroutines|loops|shared|own [COUNT]\n", argv[0]);
    return 2;
  }
  seconds = hundred_now() - start;
  for (int i = 0; i < count; i++) failed += all[i].failed != 0;
  free(all);
  printf("%d ok, %d failed, %.3f seconds, %d threads\n", count - failed, failed, seconds, most);
  return failed != 0;
}

/* main, unless the file is included by a program that runs several clients; PREPARE runs once, before any client. */
#ifdef HUNDRED_NO_MAIN
#define HUNDRED(client, prepare) struct hundred_no_main
#else
#define HUNDRED(client, prepare)        \
  int main(int argc, char **argv) {     \
    prepare();                          \
    return hundred(argc, argv, client); \
  }                                     \
  struct hundred_no_main
#endif

#endif
