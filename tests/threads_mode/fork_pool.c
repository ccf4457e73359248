/* A library (LIBRARY) that registers what is to be done at a fork when it is loaded: to wait for its thread. And the program that is
 * linked with it, so that the library is there before any that is preloaded. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
void begin_to_wait(const char *how);

#ifdef LIBRARY
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER, ended = PTHREAD_COND_INITIALIZER;
static sem_t to_end, end;
static int ends, has_ended;
static const char *way;
static pthread_t thread;

static void *waits(void *unused) {
  if (strcmp(way, "semaphore") == 0) {
    sem_wait(&to_end);
    sem_post(&end);
    return unused;
  }
  pthread_mutex_lock(&lock);
  while (!ends) pthread_cond_wait(&told, &lock);
  has_ended = 1;
  pthread_cond_signal(&ended);
  pthread_mutex_unlock(&lock);
  return unused;
}

static void before_a_fork(void) {
  if (!way) return;
  puts("before the fork");
  if (strcmp(way, "semaphore") == 0) {
    sem_post(&to_end);
    sem_wait(&end);
  } else {
    pthread_mutex_lock(&lock);
    ends = 1;
    pthread_cond_signal(&told);
    while (strcmp(way, "condition") == 0 && !has_ended) pthread_cond_wait(&ended, &lock);
    pthread_mutex_unlock(&lock);
  }
  if (strcmp(way, "join") == 0) pthread_join(thread, NULL);
  puts("waited");
}

static void after_it(void) {
  if (way) puts("after the fork");
}

__attribute__((constructor)) static void is_loaded(void) { pthread_atfork(before_a_fork, after_it, NULL); }

void begin_to_wait(const char *how) {
  way = how;
  sem_init(&to_end, 0, 0);
  sem_init(&end, 0, 0);
  pthread_create(&thread, NULL, waits, NULL);
}

#else
#include <sys/wait.h>

int main(int count, char **arguments) {
  int status = -1;
  setvbuf(stdout, NULL, _IONBF, 0);
  begin_to_wait(arguments[count - 1]);
  usleep(10000);
  if (fork() == 0) _exit(3);
  wait(&status);
  printf("%d\n", WEXITSTATUS(status));
  return 0;
}
#endif
