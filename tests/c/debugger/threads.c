/* For a debugger, with the library preloaded: threads that wait, and one that stops. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int waiters;

static __attribute__((noinline)) void stop_here(void) { __asm__ volatile("" : : : "memory"); }
static void *reading(void *who) {
  char byte;
  if (read(ends[0], &byte, 1) != 1) printf("not read: %ld\n", (long)who);
  return who;
}
static void *waiting(void *who) {
  pthread_mutex_lock(&mutex);
  waiters++;
  pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
  return who;
}
static void *stopping(void *who) {
  for (int all = 0; !all; usleep(1000)) {
    pthread_mutex_lock(&mutex);
    all = waiters == 2;
    pthread_mutex_unlock(&mutex);
  }
  usleep(100000);
  stop_here();
  return who;
}

int main(void) {
  pthread_t threads[4], last;
  if (pipe(ends)) return 1;
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, i < 2 ? reading : waiting, (void *)i);
  pthread_create(&last, NULL, stopping, NULL);
  pthread_join(last, NULL);
  if (write(ends[1], "xx", 2) != 2) return 1;
  pthread_cond_broadcast(&condition);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("all were joined\n");
  return 0;
}
