/* Forks while other threads are in the middle of everything that threads share in the library. */
#include "check.h"
#include <execinfo.h>
#include <pty.h>

enum { THREADS = 3, FORKS = 10, ROUNDS = 150 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int stop, ended;

struct talk {
  int ends[2];
  FILE *in, *out;
  int done;
};

static void *reads_a_line(void *argument) {
  struct talk *talk = (struct talk *)argument;
  char line[10];
  co_enable_hook_sys();
  if (CHECK(fgets(line, sizeof line, talk->in) != NULL)) CHECK_TEXT(line, "said\n");
  talk->done++;
  return NULL;
}

static void *says_a_line(void *argument) {
  struct talk *talk = (struct talk *)argument;
  co_enable_hook_sys();
  CHECK(fputs("said\n", talk->out) >= 0 && fflush(talk->out) == 0);
  talk->done++;
  return NULL;
}

static void *locks(void *argument) {
  struct talk *talk = (struct talk *)argument;
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&mutex), 0);
  usleep(10);
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  talk->done++;
  return NULL;
}

/* On a helper thread. */
static void *flushes(void *argument) {
  struct talk *talk = (struct talk *)argument;
  co_enable_hook_sys();
  int fd = memfd_create("file", 0);
  CHECK_IS(write(fd, "data", 4), 4);
  CHECK_IS(fsync(fd), 0);
  close(fd);
  talk->done++;
  return NULL;
}

static void *commands(void *argument) {
  struct talk *talk = (struct talk *)argument;
  co_enable_hook_sys();
  CHECK_IS(system("exit 3"), 3 << 8);
  talk->done++;
  return NULL;
}

/* One of each, to the end. */
static void use_everything(int with_commands) {
  void *(*const bodies[])(void *) = {reads_a_line, says_a_line, locks, locks, flushes, commands};
  int number = with_commands ? 6 : 5;
  struct talk talk;
  stCoRoutine_t *cos[6];
  const char *names[] = {"A_NAME"};
  memset(&talk, 0, sizeof talk);
  NEED(pipe(talk.ends) == 0);
  NEED((talk.in = fdopen(talk.ends[0], "r")) && (talk.out = fdopen(talk.ends[1], "w")));
  co_set_env_list((const char **)names, 1);
  for (int i = 0; i < number; i++) cos[i] = start(bodies[i], &talk);
  loop_until(&talk.done, number);
  for (int i = 0; i < number; i++) co_release(cos[i]);
  fclose(talk.in);
  fclose(talk.out);
}

static void *keeps_on(void *unused) {
  do use_everything(0);
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST));
  __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
  return unused;
}

static struct timespec born;

/* A child that hangs says where, and whether it is the machine that does. */
static void says_where(int signal) {
  void *frames[40];
  struct timespec now, used;
  clock_gettime(CLOCK_MONOTONIC, &now);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  dprintf(2, "hangs since %ld s, of which it ran %ld ms:\n", (long)(now.tv_sec - born.tv_sec),
          used.tv_sec * 1000L + used.tv_nsec / 1000000);
  backtrace_symbols_fd(frames, backtrace(frames, 40), 2);
  _exit(signal);
}

/* In the parent: the first use loads a library. */
static void can_say_where(void) {
  void *frame;
  backtrace(&frame, 1);
}

static void must_not_hang(void) {
  clock_gettime(CLOCK_MONOTONIC, &born);
  signal(SIGALRM, says_where);
  alarm(30);
}

/* In a process that has no coroutines yet: some forks find the threads in the middle of what is done once. */
static void forks_at_once(void *unused) {
  pthread_t threads[THREADS];
  (void)unused;
  can_say_where();
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, keeps_on, NULL);
  for (int i = 0; i < FORKS; i++) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
      must_not_hang();
      pthread_mutex_init(&mutex, NULL);
      use_everything(i == 0);
      _exit(check_failures ? 1 : 0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_IS(status, 0);
    if (status != 0) break;
  }
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK_IS(ended, THREADS);
}

TEST(forking_while_other_threads_are_in_the_middle_of_anything_leaves_a_sound_child) {
  for (int i = 0; i < ROUNDS && !check_failures; i++) {
    struct ending end = apart(forks_at_once, NULL);
    if (!CHECK_IS(end.status, 0)) fprintf(stderr, "# round %d: %s\n", i, end.text);
  }
}

/* ---- the first coroutines of a process, made while it forks ------------------------------------------- */

static int asked, answered;

static void *begins_when_asked(void *unused) {
  while (!__atomic_load_n(&asked, __ATOMIC_SEQ_CST)) sched_yield();
  use_everything(0);
  __atomic_store_n(&answered, 1, __ATOMIC_SEQ_CST);
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) sched_yield();
  return unused;
}

static void asks(void) {
  __atomic_store_n(&asked, 1, __ATOMIC_SEQ_CST);
  while (!__atomic_load_n(&answered, __ATOMIC_SEQ_CST)) sched_yield();
}

static void forks_as_first_coroutines_run(pid_t (*forks)(void)) {
  pthread_t thread;
  int status = -1;
  can_say_where();
  pthread_atfork(asks, NULL, NULL);
  pthread_create(&thread, NULL, begins_when_asked, NULL);
  pid_t child = forks();
  if (child == 0) {
    must_not_hang();
    use_everything(1);
    _exit(check_failures ? 1 : 0);
  }
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_IS(status, 0);
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  pthread_join(thread, NULL);
}

static pid_t forks_with_terminal(void) {
  int terminal;
  return forkpty(&terminal, NULL, NULL, NULL);
}

TEST(a_thread_whose_first_coroutines_run_during_a_fork_leaves_a_sound_child) {
  forks_as_first_coroutines_run(fork);
}
TEST(a_thread_whose_first_coroutines_run_during_forkpty_leaves_a_sound_child) {
  forks_as_first_coroutines_run(forks_with_terminal);
}

/* ---- the program's own handlers --------------------------------------------------------------------- */

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;

static void take_outer(void) { pthread_mutex_lock(&outer); }
static void give_outer(void) { pthread_mutex_unlock(&outer); }

static void *nests(void *unused) {
  int ends[2];
  co_enable_hook_sys();
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
    pthread_mutex_lock(&outer);
    pthread_mutex_lock(&inner);
    CHECK(pipe(ends) == 0);
    CHECK_IS(write(ends[1], "x", 1), 1);
    close(ends[0]);
    close(ends[1]);
    pthread_mutex_unlock(&inner);
    pthread_mutex_unlock(&outer);
    usleep(1);
    pthread_mutex_lock(&inner);
    usleep(1);
    pthread_mutex_unlock(&inner);
  }
  __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
  return unused;
}

static void *keeps_nesting(void *unused) {
  for (int i = 0; i < 3; i++) start(nests, NULL);
  loop_until(&ended, 3 * THREADS);
  return unused;
}

TEST(forking_while_other_threads_have_the_lock_that_a_handler_takes_waits_for_them) {
  pthread_t threads[THREADS];
  /* Before there are any coroutines, as libraries do. */
  pthread_atfork(take_outer, give_outer, give_outer);
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, keeps_nesting, NULL);
  for (int i = 0; i < 2000; i++) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* ---- coroutines that fork ------------------------------------------------------------------------------- */

enum { LOOPS = 2, FORKERS = 4, FLUSHERS = 20 };

/* On helper threads. */
static void *keeps_flushing(void *own) {
  int fd = memfd_create("file", 0);
  co_enable_hook_sys();
  while (*(int *)own < FORKERS) {
    CHECK_IS(fsync(fd), 0);
    usleep(1);
  }
  close(fd);
  ++*(int *)own;
  return NULL;
}

static void *keeps_forking(void *own) {
  co_enable_hook_sys();
  for (int i = 0; i < 40; i++) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  ++*(int *)own;
  return NULL;
}

static void *has_who_fork(void *unused) {
  int own = 0;
  for (int i = 0; i < FLUSHERS; i++) start(keeps_flushing, &own);
  for (int i = 0; i < FORKERS; i++) start(keeps_forking, &own);
  loop_until(&own, FORKERS + FLUSHERS);
  return unused;
}

TEST(coroutines_that_fork_do_not_wait_for_helpers_as_coroutines_do) {
  pthread_t threads[LOOPS];
  for (int i = 0; i < LOOPS; i++) NEED(pthread_create(&threads[i], NULL, has_who_fork, NULL) == 0);
  for (int i = 0; i < LOOPS; i++) pthread_join(threads[i], NULL);
}

RUN_TESTS
