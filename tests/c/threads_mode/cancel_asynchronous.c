/* Asynchronous cancellation, and joins of those who are cancelled while they join: printed. */
#include "threads_mode.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t gate, ready;
static int pipes[2];

static void wait_by(long way) {
  char byte;
  switch (way) {
    case 0: pause(); break;
    case 1: sleep(100); break;
    case 2: read(pipes[0], &byte, 1); break;
    case 3: syscall(SYS_pause); break;
    case 4: sem_wait(&gate); break;
    case 5: while (1) sched_yield();
    case 6:
      pthread_mutex_lock(&mutex);
      pthread_cond_wait(&cond, &mutex);
      break;
  }
}
enum { WAYS = 7 };
static void unlock(void *way) {
  if ((long)way == 6) pthread_mutex_unlock(&mutex);
}
static void *waits(void *way) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  sem_post(&ready);
  pthread_cleanup_push(unlock, way);
  wait_by((long)way);
  pthread_cleanup_pop(0);
  puts("it went on");
  return NULL;
}
static void who_waits_ends(void) {
  sem_init(&ready, 0, 0);
  sem_init(&gate, 0, 0);
  if (pipe(pipes)) return;
  for (long way = 0; way < WAYS; way++) {
    pthread_t thread;
    SAY(way);
    pthread_create(&thread, NULL, waits, (void *)way);
    sem_wait(&ready);
    usleep(10000);
    SAY(pthread_cancel(thread));
    end_of(thread);
  }
}

/* The one who cancels has nothing to fear, the main thread's number being the kernel's. */
static void *cancels(void *main_thread) {
  pthread_t thread = *(pthread_t *)main_thread;
  usleep(10000);
  SAY(pthread_cancel(thread));
  usleep(1000);
  pthread_testcancel();
  end_of(thread);
  exit(0);
}
static void the_main_thread_ends_and_no_other(void) {
  static pthread_t self;
  pthread_t thread;
  self = pthread_self();
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  pthread_create(&thread, NULL, cancels, &self);
  pause();
  puts("it went on");
}

/* Two that join each other, one of whom is cancelled before the other comes. */
static void *joins_main(void *main_thread) {
  sem_post(&ready);
  pthread_join(*(pthread_t *)main_thread, NULL);
  puts("it joined");
  return NULL;
}
static void who_joins_and_is_cancelled_can_be_joined(void) {
  pthread_t self = pthread_self(), thread;
  struct timespec far;
  void *result;
  sem_init(&ready, 0, 0);
  clock_gettime(CLOCK_REALTIME, &far);
  far.tv_sec += 100;
  for (int timed = 0; timed < 2; timed++) {
    pthread_create(&thread, NULL, joins_main, &self);
    sem_wait(&ready);
    usleep(10000);
    SAY(pthread_cancel(thread));
    SAY(timed ? pthread_timedjoin_np(thread, &result, &far) : pthread_join(thread, &result));
    SAY(result == PTHREAD_CANCELED);
  }
}

CASES(CASE(who_waits_ends), CASE(the_main_thread_ends_and_no_other), CASE(who_joins_and_is_cancelled_can_be_joined))
