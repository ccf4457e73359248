/* Many threads: as many as wait at once, and one after another. */
#include "threads_mode.h"

#include <sys/resource.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long waiting, woken;
static int open_gate;

static void *waits(void *unused) {
  pthread_mutex_lock(&mutex);
  waiting++;
  while (!open_gate) pthread_cond_wait(&cond, &mutex);
  woken++;
  pthread_mutex_unlock(&mutex);
  return unused;
}
static void all_wait_on_a_condition(long count) {
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  pthread_attr_t attributes;
  long made = 0;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 32 * 1024);
  while (made < count && pthread_create(&threads[made], &attributes, waits, NULL) == 0) made++;
  SAY(made == count);
  for (long seen = 0; seen < made; sched_yield()) {
    pthread_mutex_lock(&mutex);
    seen = waiting;
    pthread_mutex_unlock(&mutex);
  }
  pthread_mutex_lock(&mutex);
  open_gate = 1;
  pthread_cond_broadcast(&cond);
  pthread_mutex_unlock(&mutex);
  for (long i = 0; i < made; i++) pthread_join(threads[i], NULL);
  SAY(woken == made);
}
static void a_thousand_wait_on_a_condition(void) { all_wait_on_a_condition(1000); }

static pthread_key_t key;
static void *uses_memory(void *unused) {
  void *blocks[20];
  for (int i = 0; i < 20; i++) memset(blocks[i] = malloc(100 + (size_t)i * 50), 1, 100);
  for (int i = 0; i < 20; i++) free(blocks[i]);
  pthread_setspecific(key, malloc(1000));
  return unused;
}
static long resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) exit(5);
  fclose(file);
  return pages * 4;
}
static void come_and_go(int count) {
  for (int i = 0; i < count; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, uses_memory, NULL);
    if (i % 2) pthread_detach(thread);
    else pthread_join(thread, NULL);
  }
  usleep(10000);
}
static void threads_that_come_and_go_leave_no_memory_behind(void) {
  pthread_key_create(&key, free);
  come_and_go(3000);
  long before = resident();
  come_and_go(20000);
  SAY(resident() - before < 4096);
}

CASES(CASE(a_thousand_wait_on_a_condition), CASE(threads_that_come_and_go_leave_no_memory_behind))
