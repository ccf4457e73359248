/* Signal handlers that wake threads, by the calls that handlers may make: printed. */
#include "threads_mode.h"

#include <linux/futex.h>
#include <sys/time.h>

static unsigned word;
static sem_t gate, ready;
static long futex(int operation, unsigned value, unsigned bits) { return syscall(SYS_futex, &word, operation, value, NULL, NULL, bits); }

static volatile long woken;
static volatile int most = 1, wake_bits = FUTEX_BITSET_MATCH_ANY;
static void wakes(int signal) {
  int before = errno;
  (void)signal;
  long result = futex(FUTEX_WAKE_BITSET_PRIVATE, most, wake_bits);
  if (result > 0) woken = woken + result;
  errno = before;
}
static void posts(int signal) {
  if (signal) sem_post(&gate);
}

static void *waits(void *bits) {
  sem_post(&ready);
  long result = futex(FUTEX_WAIT_BITSET_PRIVATE, 0, (unsigned)(long)bits);
  return (void *)(result < 0 ? (long)errno : result);
}
static void begin(pthread_t *threads, int count, unsigned bits) {
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, waits, (void *)(long)bits);
  for (int i = 0; i < count; i++) sem_wait(&ready);
  usleep(20000);
}
static void end(pthread_t thread) {
  void *result = NULL;
  SAY(pthread_join(thread, &result));
  SAY((long)result);
}
/* Until so many more have woken: they may not wait yet. */
static void raise_until(long all) {
  for (woken = 0; woken < all; usleep(1000)) raise(SIGUSR1);
  SAY(woken);
}

static void wake_as_many_as_asked_for(void) {
  pthread_t threads[5];
  install(SIGUSR1, wakes, SA_RESTART);
  begin(threads, 5, 1);
  most = 2;
  raise_until(2);
  wake_bits = 2;
  raise(SIGUSR1);
  SAY(woken);
  wake_bits = 3, most = 100;
  raise_until(3);
  for (int i = 0; i < 5; i++) end(threads[i]);
  woken = 0;
  raise(SIGUSR1);
  SAY(woken);
}

/* The call that is counted is the one that wakes. */
static void two_of_them_wake_two(void) {
  pthread_t threads[2];
  sigset_t set;
  install(SIGUSR1, wakes, SA_RESTART);
  install(SIGUSR2, wakes, SA_RESTART);
  begin(threads, 2, 1);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  while (woken < 2) { /* they may not wait yet */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    raise(SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* both, one after the other */
    usleep(1000);
  }
  SAY(woken);
  for (int i = 0; i < 2; i++) end(threads[i]);
}

/* A timer's handler, whatever it interrupts, while threads wait for each other all the time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turns[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static volatile int turn, over;
static void *takes_turns(void *side) {
  pthread_mutex_lock(&lock);
  while (!over) {
    while (turn != (int)(long)side && !over) pthread_cond_wait(&turns[(long)side], &lock);
    turn = !side;
    pthread_cond_signal(&turns[!side]);
    free(malloc(64));
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}
static void every(int micros) {
  struct itimerval time = {{0, micros}, {0, micros}};
  setitimer(ITIMER_REAL, &time, NULL);
}
static void with_threads_that_take_turns(void (*handler)(int), void (*work)(void)) {
  pthread_t threads[2];
  sigset_t set;
  for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, takes_turns, (void *)i);
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* who waits does not wake himself */
  install(SIGALRM, handler, SA_RESTART);
  every(200);
  work();
  every(0);
  pthread_mutex_lock(&lock);
  over = 1;
  pthread_cond_broadcast(&turns[0]);
  pthread_cond_broadcast(&turns[1]);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 2; i++) SAY(pthread_join(threads[i], NULL));
}
static void wait_for_posts(void) {
  int taken = 0;
  while (taken < 500)
    if (sem_wait(&gate) == 0) taken++;
  SAY(taken);
}
static void wait_for_wakes(void) {
  int taken = 0;
  while (taken < 500)
    if (futex(FUTEX_WAIT_BITSET_PRIVATE, 0, 1) == 0) taken++;
  SAY(taken);
}
static void posts_come_while_others_take_turns(void) { with_threads_that_take_turns(posts, wait_for_posts); }
static void wakes_come_while_others_take_turns(void) { with_threads_that_take_turns(wakes, wait_for_wakes); }

/* To and fro between a handler and a thread, which may be on another kernel thread. */
static void *answers(void *boss) {
  for (int i = 0; i < 300; i++) {
    pthread_kill(*(pthread_t *)boss, SIGUSR1);
    while (sem_wait(&gate)) {}
  }
  return NULL;
}
static void a_thread_waits_for_the_handler_of_another(void) {
  pthread_t thread, boss = pthread_self();
  install(SIGUSR1, posts, SA_RESTART);
  pthread_create(&thread, NULL, answers, &boss);
  SAY(pthread_join(thread, NULL));
}

CASES(CASE(wake_as_many_as_asked_for), CASE(two_of_them_wake_two), CASE(posts_come_while_others_take_turns),
      CASE(wakes_come_while_others_take_turns), CASE(a_thread_waits_for_the_handler_of_another))
