/* What a program can ask about a thread or send to it, and processes that fork: printed. */
#include "threads_mode.h"

static void *waits(void *gate) {
  sem_wait(gate);
  return NULL;
}

static void names_belong_to_threads(void) {
  pthread_t thread;
  sem_t gate;
  char name[16];
  sem_init(&gate, 0, 0);
  SAY(pthread_setname_np(pthread_self(), "boss"));
  pthread_create(&thread, NULL, waits, &gate);
  SAY(pthread_getname_np(thread, name, sizeof name));
  puts(name);
  SAY(pthread_setname_np(thread, "worker"));
  SAY(pthread_setname_np(thread, "a name of sixteen"));
  SAY(pthread_getname_np(thread, name, 7));
  SAY(pthread_getname_np(thread, name, sizeof name));
  puts(name);
  SAY(pthread_getname_np(pthread_self(), name, sizeof name));
  puts(name);
  sem_post(&gate);
  pthread_join(thread, NULL);
}

static void *asks_about_itself(void *unused) {
  cpu_set_t set;
  struct sched_param parameters;
  clockid_t clock;
  struct timespec used;
  int policy;
  (void)unused;
  SAY(pthread_getaffinity_np(pthread_self(), sizeof set, &set));
  SAY(CPU_COUNT(&set) > 0);
  SAY(pthread_setaffinity_np(pthread_self(), sizeof set, &set));
  SAY(pthread_getschedparam(pthread_self(), &policy, &parameters));
  SAY(policy);
  SAY(parameters.sched_priority);
  SAY(pthread_setschedparam(pthread_self(), SCHED_OTHER, &parameters));
  SAY(pthread_setschedprio(pthread_self(), 0));
  SAY(pthread_getcpuclockid(pthread_self(), &clock));
  SAY(clock_gettime(clock, &used));
  SAY(sched_getcpu() >= 0);
  return NULL;
}
static void a_thread_can_be_asked_about(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, asks_about_itself, NULL);
  pthread_join(thread, NULL);
}

static volatile sig_atomic_t handled;
static void count(int signal) { handled = handled + (signal > 0); }
static int ends[2][2];
static void *reads(void *number) {
  char byte;
  ssize_t got = read(ends[(long)number][0], &byte, 1);
  return (void *)(got < 0 ? (long)errno : (long)byte);
}
static void a_signal_ends_the_call_of_the_thread_it_is_sent_to(void) {
  pthread_t threads[2];
  void *result;
  install(SIGUSR1, count, 0);
  for (long i = 0; i < 2; i++) {
    if (pipe(ends[i])) return;
    pthread_create(&threads[i], NULL, reads, (void *)i);
  }
  usleep(50000);
  SAY(pthread_kill(threads[1], 0));
  SAY(pthread_kill(threads[1], 1000));
  do { /* it may not read yet */
    pthread_kill(threads[1], SIGUSR1);
    usleep(10000);
  } while (pthread_tryjoin_np(threads[1], &result) == EBUSY);
  SAY((long)result == EINTR);
  SAY(handled > 0);
  handled = 0;
  SAY(pthread_kill(pthread_self(), SIGUSR1));
  SAY(handled);
  SAY(raise(SIGUSR1));
  SAY(handled);
  SAY(write(ends[0][1], "x", 1));
  SAY(pthread_join(threads[0], &result));
  SAY((long)result);
}
static void a_signal_of_the_process_ends_the_call_of_main(void) {
  pthread_t thread;
  install(SIGALRM, count, 0);
  if (pipe(ends[0]) || pipe(ends[1])) return;
  pthread_create(&thread, NULL, reads, (void *)1);
  alarm(1);
  char byte;
  SAY(read(ends[0][0], &byte, 1));
  SAY(errno == EINTR);
  SAY(handled);
  SAY(write(ends[1][1], "y", 1));
  void *result;
  SAY(pthread_join(thread, &result));
  SAY((long)result);
}

/* The usual way to deal with signals: all threads block them, one waits for them. */
static void *takes_signals(void *set) {
  int signal = 0;
  SAY(sigwait(set, &signal));
  SAY(signal);
  return NULL;
}
static void one_thread_takes_the_signals(void) {
  sigset_t set;
  pthread_t thread;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_create(&thread, NULL, takes_signals, &set);
  usleep(10000);
  kill(getpid(), SIGTERM);
  SAY(pthread_join(thread, NULL));
}

static void *blocks_all(void *gate) {
  sigset_t all, before;
  sigfillset(&all);
  SAY(pthread_sigmask(SIG_BLOCK, &all, &before));
  SAY(sigismember(&before, SIGUSR1));
  SAY(pthread_sigmask(SIG_BLOCK, NULL, &before));
  SAY(sigismember(&before, SIGUSR1));
  sem_post(gate);
  sem_wait((sem_t *)gate + 1);
  return NULL;
}
static void masks_belong_to_threads(void) {
  sem_t gates[2];
  sigset_t mask, one;
  pthread_t thread;
  install(SIGUSR1, count, 0);
  sem_init(&gates[0], 0, 0);
  sem_init(&gates[1], 0, 0);
  pthread_create(&thread, NULL, blocks_all, gates);
  sem_wait(&gates[0]);
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  SAY(sigismember(&mask, SIGUSR1));
  kill(getpid(), SIGUSR1);
  usleep(1000);
  SAY(handled);
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  SAY(sigprocmask(SIG_BLOCK, &one, &mask));
  SAY(sigismember(&mask, SIGUSR1));
  kill(getpid(), SIGUSR1);
  usleep(1000);
  SAY(handled); /* blocked by all */
  SAY(sigprocmask(99, &one, NULL));
  SAY(sigprocmask(SIG_UNBLOCK, &one, NULL));
  usleep(1000);
  SAY(handled);
  sem_post(&gates[1]);
  pthread_join(thread, NULL);
}

static void *returns(void *argument) { return argument; }
static int status_of(pid_t child) {
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void prepare(void) { pthread_mutex_lock(&lock); }
static void release(void) { pthread_mutex_unlock(&lock); }
static volatile int in_child, finished;
static void *forks(void *gate) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    void *result = NULL;
    in_child = 1;
    pthread_create(&thread, NULL, returns, (void *)5);
    pthread_join(thread, &result);
    usleep(20000);
    _exit(result == (void *)5 && !pthread_mutex_trylock(&lock) ? 42 : 43);
  }
  SAY(status_of(child));
  finished = 1;
  sem_post(gate);
  return NULL;
}
static void *looks_around(void *unused) {
  while (!finished) {
    usleep(1000);
    if (in_child) puts("nobody in the child says this"), fflush(stdout);
  }
  return unused;
}
static void only_the_thread_that_forks_lives_on(void) {
  sem_t gate;
  pthread_t threads[3];
  sem_init(&gate, 0, 0);
  pthread_atfork(prepare, release, release);
  pthread_create(&threads[0], NULL, waits, &gate);
  pthread_create(&threads[1], NULL, looks_around, NULL);
  usleep(1000);
  pthread_create(&threads[2], NULL, forks, &gate);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    usleep(1000);
    exit(17);
  }
  SAY(status_of(child));
}
static void *forks_and_returns(void *pid) {
  fflush(stdout);
  *(pid_t *)pid = fork();
  return NULL; /* in the child: the last thread, which ends the process */
}
static void a_child_ends_with_its_thread(void) {
  pid_t child = -1;
  pthread_t thread;
  pthread_create(&thread, NULL, forks_and_returns, &child);
  pthread_join(thread, NULL);
  SAY(status_of(child));
}

CASES(CASE(names_belong_to_threads), CASE(a_thread_can_be_asked_about), CASE(a_signal_ends_the_call_of_the_thread_it_is_sent_to),
      CASE(a_signal_of_the_process_ends_the_call_of_main), CASE(one_thread_takes_the_signals), CASE(masks_belong_to_threads),
      CASE(only_the_thread_that_forks_lives_on), CASE(a_child_ends_with_its_thread))
