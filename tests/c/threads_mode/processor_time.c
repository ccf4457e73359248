/* Sleeps by processor time, which stands while nobody computes: the others go on meanwhile. Printed. */
#include "threads_mode.h"

static sem_t ready, over;

/* The clocks of this process, in all the forms that the kernel knows: 0 stands for the caller's, and the lowest bits for
   all its time, its time in user mode, and the time that the scheduler counts. */
enum { CLOCKS = 7 };
static clockid_t clock_of_process(long i) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  switch (i) {
    case 0: return clock;
    case 1: clock_getcpuclockid(0, &clock); return clock;
    case 2: clock_getcpuclockid(getpid(), &clock); return clock;
  }
  return (clockid_t)(~(i < 5 ? 0U : (unsigned)getpid()) << 3) | (clockid_t)(i - 3) % 2;
}

static void *sleeps(void *which) {
  struct timespec little = {0, 20000000};
  SAY(clock_nanosleep(clock_of_process((long)which), 0, &little, NULL));
  sem_post(&over);
  return which;
}
/* Computes in pieces, so that whoever can run meanwhile does, until the other says that it has slept. */
static void others_go_on(void) {
  sem_init(&over, 0, 0);
  for (long i = 0; i < CLOCKS; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps, (void *)i);
    for (int rounds = 0; rounds < 5; rounds++) usleep(1000);
    printf("clock %ld: it still sleeps: %d\n", i, sem_trywait(&over) != 0);
    while (sem_trywait(&over)) {
      for (volatile int n = 0; n < 1000000; n++) continue;
      usleep(1);
    }
    SAY(pthread_join(thread, NULL));
  }
}

static void *sleeps_for_long(void *which) {
  struct timespec hundred = {100, 0};
  sem_post(&ready);
  printf("sleeping gave %d\n", clock_nanosleep(clock_of_process((long)which), 0, &hundred, NULL));
  return which;
}
static void a_cancellation_ends_it(void) {
  sem_init(&ready, 0, 0);
  for (long i = 0; i < CLOCKS; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps_for_long, (void *)i);
    sem_wait(&ready);
    usleep(20000);
    pthread_cancel(thread);
    end_of(thread);
  }
}

static void nothing(int signal) { (void)signal; }
static void *is_interrupted(void *flags) {
  struct timespec left = {77, 77}, hundred = {100, 0};
  sem_post(&ready);
  SAY(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, (int)(long)flags, &hundred, &left));
  if (flags) printf("untouched: %d\n", left.tv_sec == 77 && left.tv_nsec == 77);
  else printf("something is left, and not more: %d\n", left.tv_sec > 0 && left.tv_sec < 100);
  return flags;
}
static void a_handler_ends_it_and_the_rest_is_told(void) {
  signal(SIGUSR1, nothing);
  sem_init(&ready, 0, 0);
  for (long flags = 0; flags < 2; flags++) {
    pthread_t thread;
    pthread_create(&thread, NULL, is_interrupted, (void *)(flags * TIMER_ABSTIME));
    sem_wait(&ready);
    usleep(20000);
    for (volatile int n = 0; n < 1000000; n++) continue;
    if (pthread_kill(thread, SIGUSR1)) puts("not sent");
    SAY(pthread_join(thread, NULL));
  }
}

/* By its own time nobody can sleep, and what is no clock says so at once. */
static void wrong_clocks(void) {
  static const struct timespec little = {0, 1000000}, wrong = {0, -1};
  clockid_t own = -1;
  SAY(pthread_getcpuclockid(pthread_self(), &own));
  SAY(clock_nanosleep(own, 0, &little, NULL));
  SAY(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &little, NULL));
  for (int bits = 0; bits < 8; bits++) {
    printf("bits %d\n", bits);
    SAY(clock_nanosleep((clockid_t)(~0x3fffffU << 3) | bits, 0, &little, NULL)); /* no such process */
    SAY(clock_nanosleep(bits < 4 ? (clockid_t)(~0U << 3) | bits : own, 0, &wrong, NULL));
  }
  for (int bits = 3; bits < 8; bits++) SAY(clock_nanosleep((clockid_t)(~0U << 3) | bits, 0, &little, NULL));
}

CASES(CASE(others_go_on), CASE(a_cancellation_ends_it), CASE(a_handler_ends_it_and_the_rest_is_told), CASE(wrong_clocks))
