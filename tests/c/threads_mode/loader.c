/* Threads that are made while another is in the loader, and in a child that was forked meanwhile: printed. */
#include "threads_mode.h"

#include <link.h>

static pthread_mutex_t mutex;
static volatile int inside, leaves;

static int look(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)object, (void)size, (void)unused;
  inside = 1;
  while (!leaves) usleep(1000);
  return 1;
}
static void *looks_around(void *unused) {
  dl_iterate_phdr(look, NULL);
  return unused;
}
static void *does_nothing(void *given) { return given; }

static void begin(pthread_t *thread) {
  MAKE(pthread_create(thread, NULL, looks_around, NULL));
  while (!inside) usleep(1000);
}
static void make_another(void) {
  pthread_t another;
  void *given = NULL;
  MAKE(pthread_create(&another, NULL, does_nothing, &mutex));
  SAY(pthread_join(another, &given));
  SAY(given == &mutex);
}

static void a_thread_is_made_beside_one_in_the_loader(void) {
  pthread_t thread;
  begin(&thread);
  make_another();
  leaves = 1;
  SAY(pthread_join(thread, NULL));
}

static void a_thread_is_made_in_a_child_of_which_one_was_in_the_loader(void) {
  pthread_t thread;
  int status = -1;
  begin(&thread);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    make_another();
    fflush(stdout);
    _exit(0);
  }
  SAY(waitpid(child, &status, 0) == child);
  SAY(status);
  leaves = 1;
  SAY(pthread_join(thread, NULL));
}

CASES(CASE(a_thread_is_made_beside_one_in_the_loader), CASE(a_thread_is_made_in_a_child_of_which_one_was_in_the_loader))
