/*
 * Many threads that all wait on one condition, are woken, and are joined; all of it twice.
 * Usage: parked COUNT STACK      0 is the stack size that threads have by default
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long waiting, woken;
static int generation;

static void *waits(void *number) {
  pthread_mutex_lock(&mutex);
  int mine = generation;
  waiting++;
  while (generation == mine) pthread_cond_wait(&cond, &mutex);
  woken++;
  pthread_mutex_unlock(&mutex);
  return number;
}
static long resident_kb(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) exit(5);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int words, char *arguments[]) {
  if (words != 3) return 2;
  long count = atol(arguments[1]), stack = atol(arguments[2]), before = resident_kb();
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (stack && pthread_attr_setstacksize(&attributes, (size_t)stack)) return 3;
  for (int round = 0; round < 2; round++) {
    long made = 0, joined = 0;
    int error = 0;
    while (made < count && !(error = pthread_create(&threads[made], &attributes, waits, (void *)made))) made++;
    if (error) fprintf(stderr, "thread %ld: %s\n", made, strerror(error));
    for (long seen = 0; seen < made; sched_yield()) {
      pthread_mutex_lock(&mutex);
      seen = waiting;
      pthread_mutex_unlock(&mutex);
    }
    long each = (resident_kb() - before) / count;
    pthread_mutex_lock(&mutex);
    generation++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    for (long i = 0; i < made; i++) {
      void *result;
      joined += pthread_join(threads[i], &result) == 0 && result == (void *)i;
    }
    printf("waited=%ld woken=%ld joined=%ld kilobytes=%ld\n", waiting, woken, joined, each);
    waiting = woken = 0;
  }
  return 0;
}
