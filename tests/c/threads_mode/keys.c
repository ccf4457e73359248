/* Values by key, what is done once, and the order in which a thread's end happens: printed. */
#include "threads_mode.h"

#include <limits.h>

static pthread_key_t keys[3];
static int rounds;
static void comes_again(void *value) {
  rounds++;
  pthread_setspecific(keys[0], value);
}
static void *sets(void *value) {
  SAY(pthread_setspecific(keys[0], value));
  return NULL;
}
static void in_a_thread(void *(*routine)(void *), void *argument) {
  pthread_t thread;
  pthread_create(&thread, NULL, routine, argument);
  pthread_join(thread, NULL);
}
static void destructors_run_in_rounds(void) {
  SAY(pthread_key_create(&keys[0], comes_again));
  in_a_thread(sets, "value");
  SAY(rounds == PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void say_value(void *value) {
  printf("value: %s\n", (char *)value);
  usleep(1000); /* a destructor may wait */
}
static void sets_another(void *value) {
  printf("first: %s\n", (char *)value);
  pthread_setspecific(keys[1], "set by the first");
}
static void *sets_all(void *unused) {
  pthread_setspecific(keys[2], "third");
  pthread_setspecific(keys[1], "second");
  pthread_setspecific(keys[0], "first");
  pthread_cleanup_push(say_cleanup, "before all destructors");
  pthread_cleanup_push(say_cleanup, "inside of it");
  pthread_exit(NULL);
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return unused;
}
static void ends_have_an_order(void) {
  SAY(pthread_key_create(&keys[0], sets_another));
  SAY(pthread_key_create(&keys[1], say_value));
  SAY(pthread_key_create(&keys[2], say_value));
  in_a_thread(sets_all, NULL);
  pthread_setspecific(keys[0], "main's, which nobody destroys at exit");
}

static void keys_end(void) {
  pthread_key_t many[PTHREAD_KEYS_MAX + 1];
  int count = 0, error = 0;
  SAY(pthread_key_create(&keys[0], say_value));
  SAY(pthread_setspecific(keys[0], "lost"));
  SAY(pthread_key_delete(keys[0]));
  SAY(pthread_key_delete(keys[0]));
  SAY(pthread_setspecific(keys[0], "no key"));
  SAY(pthread_getspecific(keys[0]) != NULL);
  SAY(pthread_key_delete(PTHREAD_KEYS_MAX));
  SAY(pthread_setspecific(PTHREAD_KEYS_MAX, "no key"));
  SAY(pthread_getspecific(PTHREAD_KEYS_MAX) != NULL);
  pthread_key_t again;
  SAY(pthread_key_create(&again, NULL));
  SAY(again == keys[0]);
  SAY(pthread_getspecific(again) != NULL);
  while (!(error = pthread_key_create(&many[count], NULL))) count++;
  SAY(error);
  SAY(pthread_setspecific(many[count - 1], "the last"));
  SAY(strcmp(pthread_getspecific(many[count - 1]), "the last"));
}
static void *uses_a_late_key(void *key) {
  SAY(pthread_getspecific(*(pthread_key_t *)key) != NULL);
  SAY(pthread_setspecific(*(pthread_key_t *)key, "late"));
  SAY(pthread_getspecific(*(pthread_key_t *)key) != NULL);
  return NULL;
}
static void late_keys_have_values(void) {
  static pthread_key_t key;
  for (int i = 0; i < 100; i++) pthread_key_create(&key, say_value);
  for (int i = 0; i < 3; i++) in_a_thread(uses_a_late_key, &key);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int runs;
static sem_t begun;
static void takes_long_once(void) {
  if (runs++ == 0) {
    sem_post(&begun);
    pause();
  }
}
static void *does_once(void *unused) {
  pthread_once(&once, takes_long_once);
  return unused;
}
static void who_is_cancelled_in_it_leaves_it_to_others(void) {
  pthread_t threads[3];
  void *result;
  sem_init(&begun, 0, 0);
  pthread_create(&threads[0], NULL, does_once, NULL);
  sem_wait(&begun);
  for (int i = 1; i < 3; i++) pthread_create(&threads[i], NULL, does_once, NULL);
  usleep(20000);
  SAY(runs);
  SAY(pthread_cancel(threads[0]));
  SAY(pthread_join(threads[0], &result));
  SAY(result == PTHREAD_CANCELED);
  for (int i = 1; i < 3; i++) pthread_join(threads[i], NULL);
  SAY(pthread_once(&once, takes_long_once));
  SAY(runs);
}

static void first(void) { puts("first handler"); }
static void second(void) {
  usleep(1000);
  puts("second handler");
}
static void say_bye(void) { puts("not said by quick_exit"); }
static void *goes_on(void *unused) {
  for (;;) usleep(500);
  return unused;
}
static void handlers_of_exit_run_backwards(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, goes_on, NULL);
  atexit(first);
  atexit(second);
  usleep(5000);
  exit(4);
}
static void *exits_quickly(void *unused) {
  quick_exit(5);
  return unused;
}
static void a_thread_exits_quickly(void) {
  setbuf(stdout, NULL);
  atexit(say_bye);
  at_quick_exit(first);
  at_quick_exit(second);
  in_a_thread(exits_quickly, NULL);
}

static int with_child; /* only the child prints, so that the order is always the same */
#define PHASE(name) static void name(void) { if (!with_child || !strncmp(#name, "child", 5)) printf(#name "\n"); }
PHASE(prepares_one) PHASE(parent_one) PHASE(child_one) PHASE(prepares_two) PHASE(parent_two) PHASE(child_two)
static void waits_for_child(void) { SAY(wait(NULL) > 0); }
static void *forks(void *unused) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit(3);
  int status = 0;
  SAY(waitpid(child, &status, 0) == child);
  SAY(WEXITSTATUS(status));
  return unused;
}
static void *forks_alone(void *unused) {
  /* What the child prints comes first: its parent waits for it before it goes on. */
  int ends[2];
  char byte;
  if (pipe(ends)) return NULL;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(ends[1]);
    SAY(read(ends[0], &byte, 1));
    _exit(6);
  }
  puts("the parent");
  fflush(stdout);
  close(ends[0]);
  close(ends[1]);
  int status = 0;
  SAY(waitpid(child, &status, 0) == child);
  SAY(WEXITSTATUS(status));
  return unused;
}
static void handlers_of_fork_have_an_order(void) {
  setbuf(stdout, NULL);
  in_a_thread(forks_alone, NULL);
  SAY(pthread_atfork(prepares_one, parent_one, NULL));
  SAY(pthread_atfork(prepares_two, parent_two, NULL));
  in_a_thread(forks, NULL);
  fflush(stdout);
  SAY(pthread_atfork(NULL, waits_for_child, child_one));
  SAY(pthread_atfork(NULL, NULL, child_two));
  with_child = 1;
  if (fork() == 0) exit(0);
}

CASES(CASE(destructors_run_in_rounds), CASE(ends_have_an_order), CASE(keys_end), CASE(late_keys_have_values),
      CASE(who_is_cancelled_in_it_leaves_it_to_others), CASE(handlers_of_exit_run_backwards), CASE(a_thread_exits_quickly),
      CASE(handlers_of_fork_have_an_order))
