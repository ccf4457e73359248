/* Threads whose routines begin with `real_` beside others: with COLIB_THREADS_REAL they are the only real ones. */
#include "threads_mode.h"

enum { THREADS = 4, ROUNDS = 3000 };

static int is_known(void) {
  char name[60];
  snprintf(name, sizeof name, "/proc/self/task/%d", gettid());
  return access(name, F_OK) == 0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static sem_t permits;
static long counted, guarded, turn;

static void *count(void *argument) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    long before = counted;
    if (i % 100 == 0) usleep(10);
    counted = before + 1;
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    guarded++;
    pthread_mutex_unlock(&recursive);
    pthread_mutex_unlock(&recursive);
    sem_wait(&permits);
    sem_post(&permits);
    if (i % 50) {
      pthread_rwlock_rdlock(&shared);
    } else {
      pthread_rwlock_wrlock(&shared);
      usleep(1);
    }
    pthread_rwlock_unlock(&shared);
  }
  return argument;
}
/* Functions of their own, not one for both by the compiler's choice. */
__attribute__((noinline)) void *real_count(void *argument) { return count((char *)argument + 1); }
__attribute__((noinline)) void *other_count(void *argument) { return count((char *)argument + 2); }

static void locks_are_shared(void) {
  pthread_t threads[2 * THREADS];
  long sum = 0;
  sem_init(&permits, 0, 2);
  for (int i = 0; i < 2 * THREADS; i++) MAKE(pthread_create(&threads[i], NULL, i % 2 ? real_count : other_count, NULL));
  for (int i = 0; i < 2 * THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  SAY(counted);
  SAY(guarded);
  SAY(sum);
}

static void takes_turns(long mine) {
  for (int i = 0; i < 500; i++) {
    pthread_mutex_lock(&lock);
    while (turn % 3 != mine) pthread_cond_wait(&changed, &lock);
    turn++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
  }
}
__attribute__((noinline)) void *real_turns(void *mine) { return takes_turns((long)mine), NULL; }
__attribute__((noinline)) void *other_turns(void *mine) { return takes_turns((long)mine), mine; }

static void conditions_are_shared(void) {
  pthread_t real, other;
  MAKE(pthread_create(&real, NULL, real_turns, (void *)1));
  MAKE(pthread_create(&other, NULL, other_turns, (void *)2));
  takes_turns(0);
  pthread_join(real, NULL);
  pthread_join(other, NULL);
  SAY(turn);
}

static pthread_barrier_t barrier;
void *real_waits_at_barrier(void *unused) { return pthread_barrier_wait(&barrier), unused; }
__attribute__((noinline)) void *other_waits_at_barrier(void *unused) { return pthread_barrier_wait(&barrier), (char *)unused + 1; }
static void barriers_are_shared(void) {
  pthread_t real, other;
  pthread_barrier_init(&barrier, NULL, 3);
  MAKE(pthread_create(&real, NULL, real_waits_at_barrier, NULL));
  MAKE(pthread_create(&other, NULL, other_waits_at_barrier, NULL));
  pthread_barrier_wait(&barrier);
  SAY(pthread_join(real, NULL));
  SAY(pthread_join(other, NULL));
}

static sem_t gate;
static void *waits(void *argument) {
  sem_wait(&gate);
  usleep(20000);
  return argument;
}
void *real_joins(void *other) {
  void *result = NULL;
  struct timespec past = {0, 0}, now;
  SAY(pthread_tryjoin_np((pthread_t)other, &result));
  SAY(pthread_timedjoin_np((pthread_t)other, &result, &past));
  sem_post(&gate);
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += 50;
  SAY(pthread_timedjoin_np((pthread_t)other, &result, &now));
  SAY((long)result);
  return (void *)5;
}
static void real_threads_join_others(void) {
  pthread_t real, other;
  for (long i = 0; i < 3; i++) {
    void *result;
    MAKE(pthread_create(&other, NULL, waits, (void *)(7 + i)));
    MAKE(pthread_create(&real, NULL, real_joins, (void *)other));
    SAY(pthread_join(real, &result));
    SAY((long)result);
  }
}

void *real_outlives_main(void *unused) {
  usleep(100000);
  puts("done");
  return unused;
}
static void *exits(void *unused) { return unused; }
static void the_process_waits_for_real_threads(void) {
  pthread_t real, other;
  MAKE(pthread_create(&real, NULL, real_outlives_main, NULL));
  MAKE(pthread_create(&other, NULL, exits, NULL));
  pthread_exit(NULL);
}

void *real_exits(void *argument) {
  pthread_cleanup_push(say_cleanup, "real");
  pthread_exit(argument);
  pthread_cleanup_pop(0);
}
void *real_sleeps(void *unused) {
  pthread_cleanup_push(say_cleanup, "cancelled");
  sleep(50);
  pthread_cleanup_pop(0);
  return unused;
}
void *real_mask(void *unused) {
  sigset_t set;
  (void)unused;
  pthread_sigmask(SIG_SETMASK, NULL, &set);
  return (void *)(long)(sigismember(&set, SIGUSR1) + 2 * sigismember(&set, SIGUSR2));
}
static void real_threads_exit_are_cancelled_and_inherit_masks(void) {
  pthread_t real;
  void *result;
  sigset_t set;
  MAKE(pthread_create(&real, NULL, real_exits, (void *)3));
  SAY(pthread_join(real, &result));
  SAY((long)result);
  MAKE(pthread_create(&real, NULL, real_sleeps, NULL));
  SAY(pthread_cancel(real));
  SAY(pthread_join(real, &result));
  SAY(result == PTHREAD_CANCELED);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  MAKE(pthread_create(&real, NULL, real_mask, NULL));
  SAY(pthread_join(real, &result));
  SAY((long)result);
  pthread_sigmask(SIG_SETMASK, NULL, &set);
  SAY(sigismember(&set, SIGUSR1) + 2 * sigismember(&set, SIGUSR2));
}

void *real_is_known(void *unused) { return (void)unused, (void *)(long)is_known(); }
void *other_is_known(void *unused) { return (void)unused, (void *)(long)(is_known() != 0); }
/* How many of four others are known to the kernel, and of four real ones. */
static void how_many_are_known(void) {
  long others = 0, real = 0;
  for (int i = 0; i < 2 * THREADS; i++) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, i % 2 ? real_is_known : other_is_known, NULL);
    pthread_join(thread, &result);
    *(i % 2 ? &real : &others) += (long)result;
  }
  printf("%ld and %ld\n", others, real);
}

int main(int argc, char **arguments) {
  static const struct one_case cases[] = {
      CASE(locks_are_shared), CASE(conditions_are_shared), CASE(barriers_are_shared), CASE(real_threads_join_others),
      CASE(the_process_waits_for_real_threads), CASE(real_threads_exit_are_cancelled_and_inherit_masks)};
  alarm(60);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (argc < 2) puts(cases[i].name);
    else if (!strcmp(arguments[1], cases[i].name)) cases[i].run();
  }
  if (argc > 1 && !strcmp(arguments[1], "count")) how_many_are_known();
  return 0;
}
