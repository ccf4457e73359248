/* Streams at the end of the process, and in its children. */
#include "piped.h"

static void print_and_exit(void *nothing) {
  (void)nothing;
  stream = fdopen(dup(ends[1]), "w");
  start(print_a_word, NULL);
  fputs("at the end", stream);
  exit(0);
}

TEST(what_stands_in_a_buffer_is_written_when_the_process_exits) {
  char text[40] = "";
  NEED(pipe(ends) == 0);
  CHECK_IS(apart(print_and_exit, NULL).status, 0);
  CHECK_IS(read(ends[0], text, sizeof text), 19);
  CHECK_TEXT(text, "coroutineat the end");
}

static void exit_meanwhile(void *nothing) {
  (void)nothing;
  char block[5000];
  memset(block, 'b', sizeof block);
  stream = fdopen(dup(ends[1]), "w");
  /* The pipe is full; the coroutine waits with a full buffer taken out. */
  int flags = fcntl(ends[1], F_GETFL);
  fcntl(ends[1], F_SETFL, flags | O_NONBLOCK);
  while (write(ends[1], block, 4096) > 0) {
  }
  fcntl(ends[1], F_SETFL, flags);
  start(print_a_word, NULL);
  CHECK_IS(done, 0);
  exit(check_failures);
}

static void *drain_later(void *all) {
  char bytes[4096];
  ssize_t n;
  usleep(50000);
  while ((n = read(ends[0], bytes, sizeof bytes)) > 0) {
    *(size_t *)all += (size_t)n;
    if (n >= 9 && memcmp(bytes + n - 9, "coroutine", 9) == 0) done = 1;
  }
  return NULL;
}

TEST(what_a_coroutine_waits_to_flush_is_written_when_the_process_exits) {
  size_t all = 0;
  pthread_t thread;
  NEED(pipe(ends) == 0);
  NEED(pthread_create(&thread, NULL, drain_later, &all) == 0);
  CHECK_IS(apart(exit_meanwhile, NULL).status, 0);
  close(ends[1]);
  pthread_join(thread, NULL);
  CHECK_IS(all, 65536 + 9);
  CHECK_IS(done, 1);
}

TEST(a_child_uses_streams_that_coroutines_of_the_parent_are_in) {
  char line[100] = "";
  int status = 0;
  stream = piped("r");
  start(take_a_line, line);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    CHECK_IS(write(ends[1], "for the child\n", 14), 14);
    loop_until(&done, 1);
    CHECK_TEXT(line, "for the child\n");
    _exit(check_failures);
  }
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  CHECK_IS(write(ends[1], "line\n", 5), 5);
  loop_until(&done, 1);
  CHECK_TEXT(line, "line\n");
}

static void *fork_now(void *nothing) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    /* Only this thread is left: the one whose coroutine had the stream is not. */
    alarm(20);
    char line[100] = "";
    start(take_a_line, line);
    CHECK_IS(write(ends[1], "mine\n", 5), 5);
    loop_until(&done, 1);
    CHECK_TEXT(line, "mine\n");
    _exit(check_failures);
  }
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  return nothing;
}

TEST(a_child_of_another_thread_has_the_streams_to_itself) {
  pthread_t thread;
  stream = piped("r");
  stCoRoutine_t *co = start(take_a_line, NULL);
  NEED(pthread_create(&thread, NULL, fork_now, NULL) == 0);
  pthread_join(thread, NULL);
  co_release(co);
}

RUN_TESTS
