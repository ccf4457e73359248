/* The numbers of threads, and the calls that take them. */
#include "threads_mode.h"

#include <sys/resource.h>

enum { THREADS = 8 };
static sem_t gate, ready;
static pid_t numbers[THREADS];

static void *tells(void *place) {
  *(pid_t *)place = gettid();
  sem_post(&ready);
  sem_wait(&gate);
  return (void *)(long)(gettid() == *(pid_t *)place && syscall(SYS_gettid) == *(pid_t *)place);
}

static void each_thread_has_its_own(void) {
  pthread_t threads[THREADS];
  int same = 0, all = 1;
  for (int i = 0; i < THREADS; i++) MAKE(pthread_create(&threads[i], NULL, tells, &numbers[i]));
  for (int i = 0; i < THREADS; i++) sem_wait(&ready);
  for (int i = 0; i < THREADS; i++) {
    same += numbers[i] == getpid() || numbers[i] <= 0;
    for (int k = 0; k < i; k++) same += numbers[i] == numbers[k];
  }
  SAY(same);
  SAY(gettid() == getpid());
  SAY(syscall(SYS_gettid) == getpid());
  for (int i = 0; i < THREADS; i++) sem_post(&gate);
  for (int i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    all &= result != NULL;
  }
  SAY(all);
}

/* libc could neither join nor, since 2.43, end a process with a thread that has the kernel tell of its end elsewhere: it stays. */
static void *tells_of_its_end_elsewhere(void *unused) {
  static pid_t elsewhere;
  SAY(syscall(SYS_set_tid_address, &elsewhere) == gettid());
  sem_post(&ready);
  pause();
  return unused;
}
static void the_call_for_the_address_gives_the_number(void) {
  pthread_t thread;
  MAKE(pthread_create(&thread, NULL, tells_of_its_end_elsewhere, NULL));
  pthread_detach(thread);
  sem_wait(&ready);
}

static pid_t seen;
static void note(int signal) { seen = signal ? gettid() : 0; }
static void *sleeps(void *place) {
  struct timespec time = {30, 0};
  *(pid_t *)place = gettid();
  sem_post(&ready);
  SAY(nanosleep(&time, NULL));
  SAY(errno == EINTR);
  return NULL;
}
static void signals_reach_the_thread_that_is_meant(void) {
  pthread_t thread, other;
  signal(SIGUSR1, note);
  MAKE(pthread_create(&other, NULL, tells, &numbers[0]));
  MAKE(pthread_create(&thread, NULL, sleeps, &numbers[1]));
  sem_wait(&ready);
  sem_wait(&ready);
  usleep(20000);
  SAY(tgkill(getpid(), numbers[1], 0));
  int sent = tgkill(getpid(), numbers[1], SIGUSR1);
  pthread_join(thread, NULL);
  SAY(sent);
  SAY(syscall(SYS_tgkill, getpid(), numbers[0], 0));
  SAY(syscall(SYS_tkill, numbers[0], 0));
  SAY(tgkill(getpid(), numbers[0], 1000));
  SAY(errno == EINVAL);
  SAY(tgkill(1, numbers[0], 0));
  SAY(errno == ESRCH);
  SAY(tgkill(getpid(), getpid(), 0));
  sem_post(&gate);
  pthread_join(other, NULL);
}

static void *raises(void *unused) {
  seen = 0;
  raise(SIGUSR1);
  SAY(seen == gettid());
  return unused;
}
static void handlers_run_with_the_number_of_their_thread(void) {
  pthread_t thread;
  signal(SIGUSR1, note);
  MAKE(pthread_create(&thread, NULL, raises, NULL));
  pthread_join(thread, NULL);
  raises(NULL);
}

static void calls_that_take_a_number(void) {
  pthread_t thread;
  cpu_set_t set;
  struct sched_param parameters = {0};
  struct timespec time;
  MAKE(pthread_create(&thread, NULL, tells, &numbers[0]));
  sem_wait(&ready);
  SAY(sched_getaffinity(numbers[0], sizeof set, &set));
  SAY(sched_setaffinity(numbers[0], sizeof set, &set));
  SAY(sched_getscheduler(numbers[0]));
  SAY(sched_getparam(numbers[0], &parameters));
  SAY(sched_setparam(numbers[0], &parameters));
  SAY(sched_setscheduler(numbers[0], SCHED_OTHER, &parameters));
  SAY(sched_rr_get_interval(numbers[0], &time));
  SAY(getpriority(PRIO_PROCESS, (id_t)numbers[0]));
  SAY(setpriority(PRIO_PROCESS, (id_t)numbers[0], 0));
  SAY(syscall(SYS_sched_getaffinity, numbers[0], sizeof set, &set) > 0);
  SAY(syscall(SYS_ioprio_get, 1, numbers[0]) >= 0);
  SAY(syscall(SYS_getpriority, PRIO_PROCESS, numbers[0]));
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
  event._sigev_un._tid = numbers[0];
  SAY(timer_create(CLOCK_MONOTONIC, &event, &timer));
  sem_post(&gate);
  pthread_join(thread, NULL);
}

/* The kernel may give a thread's end to the joiner before it forgets the number. */
static void who_has_ended_has_none(void) {
  pthread_t thread;
  cpu_set_t set;
  sem_post(&gate);
  MAKE(pthread_create(&thread, NULL, tells, &numbers[0]));
  pthread_join(thread, NULL);
  while (tgkill(getpid(), numbers[0], 0) == 0) usleep(1000);
  SAY(errno == ESRCH);
  SAY(sched_getaffinity(numbers[0], sizeof set, &set));
  SAY(errno == ESRCH);
}

static void *forks(void *unused) {
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    SAY(gettid() == getpid());
    SAY(tgkill(getpid(), gettid(), 0));
    sem_post(&gate);
    MAKE(pthread_create(&thread, NULL, tells, &numbers[1]));
    pthread_join(thread, NULL);
    SAY(numbers[1] != getpid());
    exit(0);
  }
  waitpid(child, NULL, 0);
  return unused;
}
static void children_of_fork_begin_with_their_process_number(void) {
  pthread_t thread;
  MAKE(pthread_create(&thread, NULL, forks, NULL));
  pthread_join(thread, NULL);
}

CASES(CASE(each_thread_has_its_own), CASE(the_call_for_the_address_gives_the_number), CASE(signals_reach_the_thread_that_is_meant),
      CASE(handlers_run_with_the_number_of_their_thread), CASE(calls_that_take_a_number), CASE(who_has_ended_has_none),
      CASE(children_of_fork_begin_with_their_process_number))
