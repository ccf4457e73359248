/* Threads that exit while another does, whose end has to wait: which of them says how the process ends is libc's to choose. */
#include "threads_mode.h"

static sem_t first_ends, second_exits;

static void ends(void) {
  sem_post(&first_ends);
  sem_wait(&second_exits);
  usleep(200000); /* until the other is inside */
  puts("has waited");
}
static void ends_by_itself(void) { exit(7); }

/* Exits while another does. */
static void be_second(void) {
  sem_wait(&first_ends);
  sem_post(&first_ends);
  sem_post(&second_exits);
}
static void *exits(void *status) { exit((int)(long)status); }
static void *exits_quickly(void *status) { quick_exit((int)(long)status); }
static void *exits_second(void *status) {
  be_second();
  exit((int)(long)status);
}
static void handle(int signal) { exit(signal); }

static void begin(void *(*routine)(void *)) {
  pthread_t thread;
  sem_init(&first_ends, 0, 0);
  sem_init(&second_exits, 0, 0);
  atexit(ends);
  at_quick_exit(ends);
  MAKE(pthread_create(&thread, NULL, routine, (void *)3));
}

static void main_exits_while_a_thread_does(void) {
  begin(exits);
  be_second();
  exit(4);
}
static void main_returns_while_a_thread_exits(void) {
  begin(exits);
  be_second();
}
static void a_thread_exits_while_main_does(void) {
  begin(exits_second);
  exit(4);
}
static void a_thread_exits_while_main_returns(void) { begin(exits_second); }
static void several_exit(void) {
  pthread_t thread;
  begin(exits);
  for (long i = 0; i < 3; i++) MAKE(pthread_create(&thread, NULL, exits_second, (void *)5));
  pthread_join(thread, NULL);
}
static void a_handler_exits_while_a_thread_does(void) {
  install(SIGALRM, handle, 0);
  begin(exits);
  be_second();
  ualarm(1000, 0);
  for (;;) pause();
}
static void both_exit_quickly(void) {
  begin(exits_quickly);
  be_second();
  quick_exit(4);
}
static void one_exits_from_what_is_registered(void) {
  atexit(ends_by_itself);
  begin(exits);
  sem_post(&second_exits);
  pause();
}
static void main_exits_its_thread_and_others_the_process(void) {
  begin(exits);
  sem_post(&second_exits);
  pthread_exit(NULL);
}

CASES(CASE(main_exits_while_a_thread_does), CASE(main_returns_while_a_thread_exits), CASE(a_thread_exits_while_main_does),
      CASE(a_thread_exits_while_main_returns), CASE(several_exit), CASE(a_handler_exits_while_a_thread_does), CASE(both_exit_quickly),
      CASE(one_exits_from_what_is_registered), CASE(main_exits_its_thread_and_others_the_process))
