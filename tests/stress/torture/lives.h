/* lives.h - threads that begin and end, fork, and are sent signals. */
#ifndef LIVES_H
#define LIVES_H

#include "common.h"

/* Threads come and go: joined in all ways, detached, cancelled. */
static pthread_key_t key;
static atomic_long made, destroyed, cleaned, cancelled;
static __thread long own;
static void count_destroyed(void *value) {
  (void)value;
  atomic_fetch_add(&destroyed, 1);
}
static void *comes_and_goes(void *argument) {
  uint64_t state = new_dice();
  CHECK(own == 0);
  own = (long)(intptr_t)argument;
  pthread_setspecific(key, &own);
  rest(&state);
  void *memory = malloc(1 + below(&state, 5000));
  rest(&state);
  free(memory);
  CHECK(own == (long)(intptr_t)argument);
  if (below(&state, 2)) pthread_exit((char *)argument + 1);
  return (char *)argument + 1;
}

static pthread_mutex_t never_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t never_posted;
static void unlock_never(void *unused) {
  (void)unused;
  pthread_mutex_unlock(&never_mutex);
  atomic_fetch_add(&cleaned, 1);
}
static void count_cleaned(void *unused) {
  (void)unused;
  atomic_fetch_add(&cleaned, 1);
}
static void *waits_for_ever(void *way) {
  pthread_setspecific(key, &own);
  if (way == (void *)0) {
    pthread_mutex_lock(&never_mutex);
    pthread_cleanup_push(unlock_never, NULL);
    for (;;) pthread_cond_wait(&never, &never_mutex);
    pthread_cleanup_pop(1);
  }
  pthread_cleanup_push(count_cleaned, NULL);
  for (;;) {
    if (way == (void *)1) sem_wait(&never_posted);
    else if (way == (void *)2) pause();
    else usleep(500), pthread_testcancel();
  }
  pthread_cleanup_pop(1);
  return NULL;
}

static void *makes_threads(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    pthread_t threads[8];
    long count = 1 + below(&state, 8), way = below(&state, 3);
    if (way == 0) {
      for (long i = 0; i < count; i++) {
        CHECK(pthread_create(&threads[i], NULL, waits_for_ever, (void *)(i % 4)) == 0);
        atomic_fetch_add(&made, 1);
      }
      rest(&state);
      for (long i = 0; i < count; i++) CHECK(pthread_cancel(threads[i]) == 0);
      for (long i = 0; i < count; i++) {
        void *result = NULL;
        CHECK(pthread_join(threads[i], &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        atomic_fetch_add(&cancelled, 1);
      }
      continue;
    }
    for (long i = 0; i < count; i++) {
      CHECK(pthread_create(&threads[i], NULL, comes_and_goes, (void *)(1000 + i)) == 0);
      atomic_fetch_add(&made, 1);
    }
    for (long i = 0; i < count; i++) {
      void *result = NULL;
      int error = EBUSY;
      if (way == 1 && i % 2) {
        CHECK(pthread_detach(threads[i]) == 0);
        continue;
      }
      if (below(&state, 3) == 0) error = pthread_tryjoin_np(threads[i], &result);
      else if (below(&state, 2)) {
        struct timespec at = from_now(CLOCK_REALTIME, below(&state, 2000));
        error = pthread_timedjoin_np(threads[i], &result, &at);
      }
      CHECK(error == 0 || error == EBUSY || error == ETIMEDOUT);
      if (error != 0) CHECK(pthread_join(threads[i], &result) == 0);
      CHECK(result == (void *)(1000 + i + 1));
    }
    rest(&state);
  }
  return unused;
}

/* Children, in which only the thread that forked is left, and can make others. */
static void *forks(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      void *result = NULL;
      alarm(HANGS_SECONDS);
      for (long i = 0; i < 3; i++) {
        if (pthread_create(&thread, NULL, comes_and_goes, (void *)i) || pthread_join(thread, &result)) _exit(1);
        if (result != (void *)(i + 1)) _exit(2);
      }
      usleep(100);
      _exit(atomic_load(&mistakes) ? 3 : 0);
    }
    int status = -1;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) printf("a child ended with status %#x; ", (unsigned)status);
    check(status == 0, "a child is well");
    usleep(20000 + below(&state, 30000));
  }
  return unused;
}

/* Signals that are sent to one thread end its sleep, and nobody's but its. */
static atomic_long interrupted;
static atomic_int asleep;
static void handle(int signal) { (void)signal; }
static void *sleeps(void *unused) {
  while (!stop) {
    struct timespec whole = {5, 0};
    atomic_store(&asleep, 1);
    if (nanosleep(&whole, NULL) != 0) {
      CHECK(errno == EINTR);
      atomic_fetch_add(&interrupted, 1);
    }
  }
  return unused;
}
static void *sends(void *sleeper) {
  uint64_t state = new_dice();
  while (!stop) {
    usleep(1000 + below(&state, 5000));
    CHECK(pthread_kill(*(pthread_t *)sleeper, SIGUSR1) == 0);
  }
  return NULL;
}

#endif
