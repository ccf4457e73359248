/* Signals that some threads block: handlers that run for others end none of their calls. Printed. */
#include "threads_mode.h"

#include <sys/epoll.h>

static volatile sig_atomic_t handled;
static void count(int signal) { handled = handled + (signal > 0); }
static sem_t ready, gate;
static int pipes[2];
static sigset_t user;

static long wait_by(long way) {
  static const struct timespec some = {0, 300000000};
  char byte;
  switch (way) {
    case 0: return nanosleep(&some, NULL);
    case 1: return read(pipes[0], &byte, 1);
    case 2: return poll(&(struct pollfd){pipes[0], POLLPRI, 0}, 1, 300);
    case 3: return sem_wait(&gate);
    case 4: return select(0, NULL, NULL, NULL, &(struct timeval){0, 300000});
    case 5: return ppoll(NULL, 0, &some, &user);
    default: return sem_timedwait(&gate, &(struct timespec){2000000000, 0});
  }
}
enum { WAYS = 7 };
static void *waits(void *way) {
  sem_post(&ready);
  return (void *)wait_by((long)way);
}

/* Threads that block the signal, while the main thread, which does not, joins them. */
static void who_blocks_a_signal_is_not_interrupted(void) {
  pthread_t threads[WAYS];
  sem_init(&ready, 0, 0);
  sem_init(&gate, 0, 0);
  install(SIGUSR1, count, 0);
  if (pipe(pipes)) return;
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &user, NULL);
  for (long way = 0; way < WAYS; way++) pthread_create(&threads[way], NULL, waits, (void *)way);
  pthread_sigmask(SIG_UNBLOCK, &user, NULL);
  for (int i = 0; i < WAYS; i++) sem_wait(&ready);
  for (int i = 0; i < 2 * WAYS; i++) {
    struct timespec soon;
    kill(getpid(), SIGUSR1);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 5000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_nsec -= 1000000000, soon.tv_sec++;
    pthread_timedjoin_np(threads[1], NULL, &soon); /* whose wait no handler ends */
  }
  SAY(handled > 0);
  SAY(write(pipes[1], "x", 1));
  sem_post(&gate);
  sem_post(&gate);
  for (long way = 0; way < WAYS; way++) {
    void *result;
    SAY(way);
    SAY(pthread_join(threads[way], &result));
    SAY((long)result);
  }
}

/* The one that is meant blocks it; a signal that stays pending is told of here by its handler at once. */
static void who_is_sent_a_signal_that_it_blocks_is_not_interrupted(void) {
  pthread_t thread;
  void *result;
  sem_init(&ready, 0, 0);
  install(SIGUSR1, count, 0);
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &user, NULL);
  pthread_create(&thread, NULL, waits, (void *)0);
  pthread_sigmask(SIG_UNBLOCK, &user, NULL);
  sem_wait(&ready);
  usleep(10000);
  SAY(pthread_kill(thread, SIGUSR1));
  SAY(pthread_join(thread, &result));
  SAY((long)result);
}

/* Calls that let the signal through themselves. */
static void *lets_through(void *way) {
  static const struct timespec far = {100, 0};
  sigset_t none;
  struct epoll_event event;
  int epoll = epoll_create1(0);
  long result;
  sigemptyset(&none);
  sem_post(&ready);
  switch ((long)way) {
    case 0: result = sigsuspend(&none); break;
    case 1: result = ppoll(NULL, 0, &far, &none); break;
    case 2: result = pselect(0, NULL, NULL, NULL, &far, &none); break;
    default: result = epoll_pwait(epoll, &event, 1, 100000, &none); break;
  }
  SAY(result == -1 && errno == EINTR);
  return NULL;
}
static void who_lets_it_through_in_a_call_is_interrupted(void) {
  sem_init(&ready, 0, 0);
  install(SIGUSR1, count, 0);
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &user, NULL);
  for (long way = 0; way < 4; way++) {
    pthread_t thread;
    handled = 0;
    pthread_create(&thread, NULL, lets_through, (void *)way);
    sem_wait(&ready);
    usleep(10000);
    kill(getpid(), SIGUSR1);
    SAY(pthread_join(thread, NULL));
    SAY(handled);
  }
  for (long way = 0; way < 4; way++) {
    pthread_t thread;
    pthread_create(&thread, NULL, lets_through, (void *)way);
    sem_wait(&ready);
    usleep(10000);
    pthread_kill(thread, SIGUSR1);
    SAY(pthread_join(thread, NULL));
  }
}

/* `pause` goes on waiting after handlers of signals that its thread blocks. */
static void *pauses(void *unused) {
  sem_post(&ready);
  pause();
  puts("paused");
  return unused;
}
static void a_pause_does_not_end_for_what_its_thread_blocks(void) {
  pthread_t thread;
  sem_init(&ready, 0, 0);
  install(SIGUSR1, count, 0);
  install(SIGUSR2, count, 0);
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &user, NULL);
  pthread_create(&thread, NULL, pauses, NULL);
  pthread_sigmask(SIG_UNBLOCK, &user, NULL);
  sem_wait(&ready);
  usleep(10000);
  SAY(kill(getpid(), SIGUSR1));
  SAY(handled);
  usleep(10000);
  SAY(pthread_tryjoin_np(thread, NULL) == EBUSY);
  pthread_kill(thread, SIGUSR2);
  SAY(pthread_join(thread, NULL));
}

CASES(CASE(who_blocks_a_signal_is_not_interrupted), CASE(who_is_sent_a_signal_that_it_blocks_is_not_interrupted),
      CASE(who_lets_it_through_in_a_call_is_interrupted), CASE(a_pause_does_not_end_for_what_its_thread_blocks))
