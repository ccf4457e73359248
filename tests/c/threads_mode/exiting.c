/* Signal handlers that exit, where what is registered for the end waits for other threads: printed. */
#include "threads_mode.h"

#include <sys/time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER, never = PTHREAD_COND_INITIALIZER;
static sem_t waiting;
static int over;
static pthread_t workers[3];

static void *works(void *unused) {
  pthread_mutex_lock(&lock);
  sem_post(&waiting);
  while (!over) pthread_cond_wait(&told, &lock);
  pthread_mutex_unlock(&lock);
  usleep(2000); /* who joins has to wait */
  return unused;
}
static void end_workers(void) {
  pthread_mutex_lock(&lock);
  over = 1;
  pthread_cond_broadcast(&told);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 3; i++) SAY(pthread_join(workers[i], NULL));
}
static void begin_workers(void) {
  sem_init(&waiting, 0, 0);
  for (int i = 0; i < 3; i++) pthread_create(&workers[i], NULL, works, NULL);
  for (int i = 0; i < 3; i++) sem_wait(&waiting);
  atexit(end_workers);
}
static void exits(int signal) { exit(signal); }

/* The main thread is told when it waits. */
static void *tells(void *unused) {
  usleep(20000);
  kill(getpid(), SIGUSR1);
  return unused;
}
static void begin(int flags) {
  pthread_t thread;
  install(SIGUSR1, exits, flags);
  begin_workers();
  pthread_create(&thread, NULL, tells, NULL);
}

static void in_pause(void) {
  begin(0);
  for (;;) pause();
}
static void in_a_read_that_goes_on(void) {
  int ends[2];
  char byte;
  MAKE(pipe(ends));
  begin(SA_RESTART);
  SAY(read(ends[0], &byte, 1));
}
static void in_a_condition(void) {
  begin(0);
  pthread_mutex_lock(&lock);
  for (;;) pthread_cond_wait(&never, &lock);
}
static void in_a_join(void) {
  begin(0);
  SAY(pthread_join(workers[0], NULL));
}
static void on_another_stack(void) {
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  SAY(sigaltstack(&stack, NULL));
  begin(SA_ONSTACK);
  for (;;) pause();
}

static void raised(void) {
  install(SIGUSR1, exits, 0);
  begin_workers();
  raise(SIGUSR1);
  puts("raise returns");
}
static void raised_on_another_stack(void) {
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  SAY(sigaltstack(&stack, NULL));
  install(SIGUSR1, exits, SA_ONSTACK);
  begin_workers();
  raise(SIGUSR1);
  puts("raise returns");
}
static void sent_to_the_caller(void) {
  install(SIGUSR1, exits, 0);
  begin_workers();
  pthread_kill(pthread_self(), SIGUSR1);
  puts("pthread_kill returns");
}

static void outer(int signal) {
  (void)signal;
  raise(SIGUSR1);
}
static void in_a_handler_inside_another(void) {
  pthread_t thread;
  install(SIGUSR2, outer, 0);
  install(SIGUSR1, exits, 0);
  begin_workers();
  pthread_create(&thread, NULL, tells, NULL);
  raise(SIGUSR2);
  puts("raise returns");
}

static void *computes(void *unused) {
  for (;;) __asm__ volatile("");
  return unused;
}
static void while_the_main_thread_computes(void) {
  struct itimerval time = {{0, 0}, {0, 20000}};
  begin_workers();
  install(SIGALRM, exits, 0);
  setitimer(ITIMER_REAL, &time, NULL);
  computes(NULL);
}

/* Who is interrupted, and goes on. */
static void *runs_until_the_end(void *unused) {
  while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
    for (int i = 0; i < 1000; i++) sched_yield();
  return unused;
}
static void while_one_runs_that_is_joined(void) {
  struct itimerval time = {{0, 0}, {0, 20000}};
  begin_workers();
  pthread_detach(workers[0]);
  pthread_create(&workers[0], NULL, runs_until_the_end, NULL);
  install(SIGALRM, exits, 0);
  setitimer(ITIMER_REAL, &time, NULL);
  for (;;) pause();
}
static void *sends(void *to) {
  pthread_kill(*(pthread_t *)to, SIGUSR1);
  return NULL;
}
static void sent_to_one_that_waits(void) {
  static pthread_t me;
  pthread_t thread;
  me = pthread_self();
  install(SIGUSR1, exits, 0);
  begin_workers();
  pthread_create(&thread, NULL, sends, &me);
  for (;;) pthread_join(workers[0], NULL);
}

/* Whatever the handler interrupts. The lock is none that exit takes: who is interrupted may have it. */
static void *calls(void *unused) {
  static pthread_mutex_t another = PTHREAD_MUTEX_INITIALIZER;
  for (;;) {
    sched_yield();
    pthread_mutex_lock(&another);
    pthread_mutex_unlock(&another);
    usleep(1);
    getppid();
  }
  return unused;
}
static void while_all_make_calls(void) {
  int right = 0;
  for (int i = 0; i < 40; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      pthread_t threads[3];
      struct itimerval time = {{0, 0}, {0, 3000 + 37 * i}};
      MAKE(!freopen("/dev/null", "w", stdout));
      begin_workers();
      install(SIGALRM, exits, 0);
      for (int k = 0; k < 3; k++) pthread_create(&threads[k], NULL, calls, NULL);
      setitimer(ITIMER_REAL, &time, NULL);
      calls(NULL);
    }
    int status;
    waitpid(child, &status, 0);
    right += WIFEXITED(status) && WEXITSTATUS(status) == SIGALRM;
  }
  SAY(right);
}

CASES(CASE(in_pause), CASE(in_a_read_that_goes_on), CASE(in_a_condition), CASE(in_a_join), CASE(on_another_stack), CASE(raised),
      CASE(raised_on_another_stack), CASE(sent_to_the_caller), CASE(sent_to_one_that_waits), CASE(in_a_handler_inside_another),
      CASE(while_the_main_thread_computes), CASE(while_one_runs_that_is_joined), CASE(while_all_make_calls))
