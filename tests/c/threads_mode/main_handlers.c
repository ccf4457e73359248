/* Handlers of signals to the process run as the main thread's, where no thread runs: printed. */
#include "threads_mode.h"

#include <setjmp.h>
#include <sys/time.h>

static __thread int mine;
static pthread_key_t key;
static volatile int handled, right, over;
static void looks(int signal) {
  right += mine == signal && pthread_getspecific(key) == &key;
  handled++;
}
/* The kernel may give another thread what comes in the moment in which that changes its mask. */
static sem_t begun;
static void begin_another(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  mine = -1;
  sem_post(&begun);
}
static void *waits(void *unused) {
  begin_another();
  return usleep(300000) ? (void *)(long)errno : unused;
}
static void join(pthread_t thread) {
  void *result;
  SAY(pthread_join(thread, &result));
  SAY((long)result);
}
static void every(int micros) {
  struct itimerval time = {{0, micros}, {0, micros}};
  setitimer(ITIMER_REAL, &time, NULL);
}
static void begin(void (*handler)(int)) {
  mine = SIGALRM;
  pthread_key_create(&key, NULL);
  pthread_setspecific(key, &key);
  install(SIGALRM, handler, 0);
}

static void while_it_waits(void) {
  pthread_t thread;
  begin(looks);
  pthread_create(&thread, NULL, waits, NULL);
  sem_wait(&begun);
  every(20000);
  while (handled < 5) {
    sem_t never;
    sem_init(&never, 0, 0);
    sem_wait(&never);
    SAY(errno == EINTR);
  }
  every(0);
  SAY(right);
  join(thread);
}
static void *has_it_for_itself(void *unused) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  mine = SIGALRM;
  pthread_setspecific(key, &key);
  while (handled < 3) usleep(1000);
  return unused;
}
/* Then it is another's. */
static void while_it_blocks_the_signal(void) {
  pthread_t thread;
  sigset_t set;
  begin(looks);
  mine = -1;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_create(&thread, NULL, has_it_for_itself, NULL);
  for (; handled < 3; usleep(10000)) kill(getpid(), SIGALRM);
  join(thread);
}

static sigjmp_buf back;
static void jumps(int signal) { siglongjmp(back, signal); }
static void jump_back(void (*wait)(void), void *(*other)(void *)) {
  pthread_t thread;
  static volatile int times;
  begin(jumps);
  pthread_create(&thread, NULL, other, NULL);
  sem_wait(&begun);
  if (sigsetjmp(back, 1)) SAY(mine == SIGALRM), times++;
  if (times < 5) {
    struct itimerval once = {{0, 0}, {0, 10000}};
    setitimer(ITIMER_REAL, &once, NULL);
    for (;;) wait();
  }
  SAY(times);
  over = 1;
  SAY(usleep(1000));
  join(thread);
}
static void sleeps(void) { sleep(50); }
static void reads(void) {
  int ends[2];
  char byte;
  SAY(pipe(ends));
  SAY(read(ends[0], &byte, 1));
}
static void locks(void) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  pthread_mutex_lock(&lock);
}
static void computes(void) {}
static void jumps_out_of_a_sleep(void) { jump_back(sleeps, waits); }
static void jumps_out_of_a_read(void) { jump_back(reads, waits); }
static void jumps_out_of_a_lock(void) { jump_back(locks, waits); }
static void jumps_out_of_no_call(void) { jump_back(computes, waits); }

CASES(CASE(while_it_waits), CASE(while_it_blocks_the_signal), CASE(jumps_out_of_a_sleep), CASE(jumps_out_of_a_read),
      CASE(jumps_out_of_a_lock), CASE(jumps_out_of_no_call))
