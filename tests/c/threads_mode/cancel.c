/* Cancelled threads: what a program sees of it, printed. */
#include "threads_mode.h"

#include <sys/epoll.h>

static int ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t gate, ready;
static pthread_t sleeper;

static int unlocked;
static void unlock(void *unused) {
  (void)unused;
  unlocked += pthread_mutex_unlock(&mutex) == 0; /* so it was locked */
}
static int cleaned;
static void count(void *unused) {
  (void)unused;
  cleaned++;
}
static void *sleeps(void *unused) {
  sleep(100);
  return unused;
}
/* Each way to wait that is a cancellation point. */
static void wait_by(long way) {
  char byte;
  struct pollfd one = {ends[0], POLLIN, 0};
  fd_set set;
  sigset_t signals;
  struct timespec hundred = {100, 0}, far;
  struct epoll_event event;
  clock_gettime(CLOCK_REALTIME, &far);
  far.tv_sec += 100;
  switch (way) {
    case 0: read(ends[0], &byte, 1); break;
    case 1: poll(&one, 1, -1); break;
    case 2:
      FD_ZERO(&set);
      FD_SET(ends[0], &set);
      select(ends[0] + 1, &set, NULL, NULL, NULL);
      break;
    case 3: sleep(100); break;
    case 4: nanosleep(&hundred, NULL); break;
    case 5: clock_nanosleep(CLOCK_MONOTONIC, 0, &hundred, NULL); break;
    case 6: sem_wait(&gate); break;
    case 7: sem_timedwait(&gate, &far); break;
    case 8:
    case 9:
      pthread_mutex_lock(&mutex);
      pthread_cleanup_push(unlock, NULL);
      if (way == 8) pthread_cond_wait(&cond, &mutex);
      else pthread_cond_timedwait(&cond, &mutex, &far);
      pthread_cleanup_pop(1);
      break;
    case 10: pthread_join(sleeper, NULL); break;
    case 11: pause(); break;
    case 12: epoll_wait(epoll_create1(0), &event, 1, -1); break;
    case 13: sigemptyset(&signals), sigaddset(&signals, SIGUSR2), sigwaitinfo(&signals, NULL); break;
    case 14: sigemptyset(&signals), ppoll(&one, 1, NULL, &signals); break;
    case 15: sigemptyset(&signals), sigsuspend(&signals); break;
  }
}
static void *waits(void *way) {
  pthread_cleanup_push(count, NULL);
  sem_post(&ready);
  wait_by((long)way);
  pthread_cleanup_pop(0);
  return way;
}
static void waits_end(void) {
  if (pipe(ends)) return;
  sem_init(&gate, 0, 0);
  sem_init(&ready, 0, 0);
  pthread_create(&sleeper, NULL, sleeps, NULL);
  for (long way = 0; way < 16; way++) {
    pthread_t thread;
    pthread_create(&thread, NULL, waits, (void *)way);
    sem_wait(&ready);
    usleep(20000);
    SAY(way);
    SAY(pthread_cancel(thread));
    end_of(thread);
    SAY(cleaned);
  }
  SAY(unlocked);
  SAY(pthread_cancel(sleeper));
  end_of(sleeper);
}

static void *is_cancelled_before(void *way) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  sem_wait(&gate);
  usleep(1000);
  puts("still there");
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  puts("and still");
  fflush(stdout);
  if (way) pthread_testcancel();
  else write(ends[1], "x", 1);
  puts("not any more");
  return NULL;
}
static void who_disables_it_ends_later(void) {
  if (pipe(ends)) return;
  sem_init(&gate, 0, 0);
  for (long way = 0; way < 2; way++) {
    pthread_t thread;
    pthread_create(&thread, NULL, is_cancelled_before, (void *)way);
    usleep(20000);
    SAY(pthread_cancel(thread));
    SAY(pthread_cancel(thread));
    sem_post(&gate);
    end_of(thread);
  }
}

static void *locks(void *unused) {
  pthread_mutex_lock(&mutex); /* no cancellation point */
  puts("locked");
  fflush(stdout);
  pthread_mutex_unlock(&mutex);
  pthread_testcancel();
  return unused;
}
static void locking_is_no_cancellation_point(void) {
  pthread_t thread;
  pthread_mutex_lock(&mutex);
  pthread_create(&thread, NULL, locks, NULL);
  usleep(20000);
  SAY(pthread_cancel(thread));
  usleep(20000);
  puts("unlock");
  fflush(stdout);
  pthread_mutex_unlock(&mutex);
  end_of(thread);
}

static void *cancels_itself(void *asynchronously) {
  if (asynchronously) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  SAY(pthread_cancel(pthread_self()));
  puts("a deferred cancellation comes later");
  fflush(stdout);
  pthread_testcancel();
  return NULL;
}
static void a_thread_cancels_itself(void) {
  for (long way = 0; way < 2; way++) {
    pthread_t thread;
    pthread_create(&thread, NULL, cancels_itself, (void *)way);
    end_of(thread);
  }
}

static void *cancels_main(void *main_thread) {
  usleep(20000);
  pthread_t thread = *(pthread_t *)main_thread;
  SAY(pthread_cancel(thread));
  SAY(pthread_join(thread, NULL));
  SAY(cleaned);
  return NULL;
}
static void main_can_be_cancelled(void) {
  static pthread_t self;
  pthread_t thread;
  self = pthread_self();
  pthread_create(&thread, NULL, cancels_main, &self);
  pthread_cleanup_push(count, NULL);
  pause();
  pthread_cleanup_pop(0);
}

static volatile int signalled;
static void *waits_for_signal(void *unused) {
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(unlock, NULL);
  sem_post(&ready);
  while (!signalled) pthread_cond_wait(&cond, &mutex);
  pthread_cond_signal(&cond); /* for the next one */
  pthread_cleanup_pop(1);
  return unused;
}
static void a_signal_is_not_lost_to_one_who_is_cancelled(void) {
  pthread_t threads[2];
  sem_init(&ready, 0, 0);
  for (int i = 0; i < 2; i++) {
    pthread_create(&threads[i], NULL, waits_for_signal, NULL);
    sem_wait(&ready);
  }
  pthread_mutex_lock(&mutex);
  signalled = 1;
  pthread_cond_signal(&cond);
  pthread_cancel(threads[0]);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < 2; i++) SAY(pthread_join(threads[i], NULL));
}

CASES(CASE(waits_end), CASE(who_disables_it_ends_later), CASE(locking_is_no_cancellation_point), CASE(a_thread_cancels_itself),
      CASE(main_can_be_cancelled), CASE(a_signal_is_not_lost_to_one_who_is_cancelled))
