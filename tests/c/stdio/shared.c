/* Streams that coroutines share with threads, with code outside coroutines, and with nobody any more. */
#include "../check.h"

#include <sys/ioctl.h>

static int ends[2], done;
static FILE *stream;

static FILE *piped(const char *mode) {
  NEED(pipe(ends) == 0);
  return fdopen(ends[*mode == 'w'], mode);
}

/* Reads what is there now. */
static size_t drain(void) {
  static char bytes[1 << 20];
  int waiting = 0;
  size_t all = 0;
  while (ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting > 0) {
    ssize_t n = read(ends[0], bytes, sizeof bytes);
    NEED(n > 0);
    all += (size_t)n;
  }
  return all;
}

static void *take_a_line(void *argument) {
  char line[100];
  co_enable_hook_sys();
  if (fgets(line, sizeof line, stream) && argument) strcpy(argument, line);
  done++;
  return NULL;
}

static void *scan_a_number(void *argument) {
  co_enable_hook_sys();
  CHECK_IS(fscanf(stream, "%d", (int *)argument), 1);
  done++;
  return NULL;
}

enum { MUCH = 200000 };

static void *print_much(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(fprintf(stream, "%0*d", MUCH, 0), MUCH);
  CHECK_IS(fflush(stream), 0);
  done++;
  return nothing;
}

/* ---- coroutines that are released ------------------------------------------------------------------- */

TEST(a_reader_that_is_released_leaves_the_stream_to_the_next) {
  char line[100] = "";
  stream = piped("r");
  stCoRoutine_t *first = start(take_a_line, NULL), *second = start(take_a_line, line);
  stCoRoutine_t *third = start(take_a_line, NULL);
  loop_for(5);
  co_release(third);
  co_release(first);
  CHECK_IS(write(ends[1], "for the second\n", 15), 15);
  loop_until(&done, 1);
  CHECK_TEXT(line, "for the second\n");
  co_release(second);
  fclose(stream);
}

TEST(a_scan_that_is_released_leaves_the_stream_to_the_next) {
  int number = 0;
  stream = piped("r");
  stCoRoutine_t *first = start(scan_a_number, NULL), *second = start(scan_a_number, &number);
  CHECK_IS(write(ends[1], "  ", 2), 2);
  loop_for(5);
  co_release(first);
  CHECK_IS(write(ends[1], "17\n", 3), 3);
  loop_until(&done, 1);
  CHECK_IS(number, 17);
  co_release(second);
  fclose(stream);
}

TEST(a_writer_that_is_released_leaves_the_stream_to_the_next) {
  stream = piped("w");
  stCoRoutine_t *first = start(print_much, NULL), *second = start(print_much, NULL);
  loop_for(5);
  co_release(first);
  while (done < 1) {
    drain();
    loop_for(1);
  }
  co_release(second);
  fclose(stream);
}

TEST(a_reader_that_is_resumed_by_hand_goes_on_waiting) {
  char line[100] = "";
  stream = piped("r");
  stCoRoutine_t *first = start(take_a_line, NULL), *second = start(take_a_line, line);
  for (int i = 0; i < 3; i++) {
    co_resume(second);
    co_resume(first);
  }
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "one\ntwo\n", 8), 8);
  loop_until(&done, 2);
  CHECK_TEXT(line, "two\n");
}

TEST(a_reader_that_is_reset_begins_anew) {
  char line[100] = "";
  stream = piped("r");
  stCoRoutine_t *co = start(take_a_line, line);
  co_reset(co);
  co_resume(co);
  CHECK_IS(write(ends[1], "line\n", 5), 5);
  loop_until(&done, 1);
  CHECK_TEXT(line, "line\n");
}

/* ---- code outside coroutines ------------------------------------------------------------------------ */

TEST(the_thread_itself_prints_while_a_coroutine_waits_to_write) {
  size_t all = 0;
  stream = piped("w");
  start(print_much, NULL);
  CHECK_IS(done, 0);
  /* Room for it in the stream's buffer there is: the coroutine has taken out what it writes. */
  for (int i = 0; i < 10; i++) CHECK_IS(fprintf(stream, "%s", "0123456789"), 10);
  while (done < 1) {
    all += drain();
    loop_for(1);
  }
  fclose(stream);
  CHECK_IS(all + drain(), MUCH + 100);
}

TEST(the_thread_itself_closes_a_stream_that_a_coroutine_reads) {
  char line[100] = "none";
  stream = piped("r");
  start(take_a_line, line);
  CHECK_IS(fclose(stream), 0);
  /* The memory is soon somebody else's. */
  FILE *other = fopen("/dev/null", "r");
  loop_until(&done, 1);
  CHECK_TEXT(line, "none");
  CHECK(!feof(other) && !ferror(other));
  fclose(other);
}

static void *close_it(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(fclose(stream), 0);
  done += 10;
  return nothing;
}

TEST(a_coroutine_that_closes_a_stream_waits_for_the_others) {
  char line[100] = "";
  stream = piped("r");
  start(take_a_line, line);
  start(close_it, NULL);
  loop_for(10);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "line\n", 5), 5);
  loop_until(&done, 11);
  CHECK_TEXT(line, "line\n");
}

static void *read_after_that(void *line) {
  co_enable_hook_sys();
  CHECK(fgets(line, 100, stream) == line);
  CHECK_IS(getc(stream), 'x');
  done++;
  return NULL;
}

TEST(the_thread_itself_takes_what_is_left_in_the_buffer) {
  char line[100];
  stream = piped("r");
  start(read_after_that, line);
  CHECK_IS(write(ends[1], "a\nxyz", 5), 5);
  loop_until(&done, 1);
  CHECK_IS(getc(stream), 'y');
  CHECK_IS(ungetc('w', stream), 'w');
  CHECK_IS(getc(stream), 'w');
  CHECK_IS(getc(stream), 'z');
}

/* ---- other threads ---------------------------------------------------------------------------------- */

enum { LINES = 3000, PRINTERS = 3 };

static void print_lines(int number) {
  char line[61];
  memset(line, 'a' + number, 60);
  line[60] = 0;
  for (int i = 0; i < LINES; i++) fprintf(stream, "%s\n", line);
}

static int printed;

static void *printer(void *number) {
  co_enable_hook_sys();
  print_lines(*(int *)number);
  __atomic_add_fetch(&printed, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void *printing_thread(void *nothing) {
  static int numbers[PRINTERS] = {0, 1, 2};
  for (int i = 0; i < PRINTERS; i++) start(printer, &numbers[i]);
  loop_until(&printed, 2 * PRINTERS);
  return nothing;
}

static int lines[8], torn;

static void *reading_thread(void *nothing) {
  char line[200];
  FILE *in = fdopen(ends[0], "r");
  while (fgets(line, sizeof line, in)) {
    size_t same = strspn(line, (char[]){line[0], 0});
    if (same == 60 && line[60] == '\n' && line[0] >= 'a' && line[0] < 'a' + 8)
      lines[line[0] - 'a']++;
    else
      torn++;
    if ((lines[0] + torn) % 100 == 0) usleep(100);
  }
  return nothing;
}

TEST(coroutines_of_two_threads_print_whole_lines_on_one_stream) {
  pthread_t two, reader;
  stream = piped("w");
  NEED(pthread_create(&reader, NULL, reading_thread, NULL) == 0);
  NEED(pthread_create(&two, NULL, printing_thread, NULL) == 0);
  printing_thread(NULL);
  pthread_join(two, NULL);
  fclose(stream);
  pthread_join(reader, NULL);
  for (int i = 0; i < PRINTERS; i++) CHECK_IS(lines[i], 2 * LINES);
  CHECK_IS(torn, 0);
}

static void *plain_printer(void *nothing) {
  for (int i = 0; i < LINES; i++) fprintf(stream, "%s", "0123456789");
  fflush(stream);
  return nothing;
}

TEST(nothing_is_lost_between_a_plain_thread_and_coroutines_on_one_stream) {
  static int number;
  pthread_t thread;
  size_t all = 0;
  stream = piped("w");
  NEED(pthread_create(&thread, NULL, plain_printer, NULL) == 0);
  start(printer, &number);
  while (printed < 1) {
    all += drain();
    loop_for(1);
  }
  while (pthread_tryjoin_np(thread, NULL) != 0) all += drain();
  fclose(stream);
  all += drain();
  CHECK_IS(all, LINES * 61 + LINES * 10);
}

static void *holding_thread(void *nothing) {
  flockfile(stream);
  __atomic_store_n(&printed, 1, __ATOMIC_SEQ_CST);
  usleep(100000);
  fputs("thread", stream);
  funlockfile(stream);
  return nothing;
}

static void *print_a_word(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(fputs("coroutine", stream), 1);
  fflush(stream);
  done++;
  return nothing;
}

static int ticks;

static void *tick(void *nothing) {
  co_enable_hook_sys();
  while (!done) {
    usleep(5000);
    ticks++;
  }
  return nothing;
}

TEST(a_lock_that_a_plain_thread_holds_does_not_stop_the_others) {
  char text[40] = "";
  pthread_t thread;
  stream = piped("w");
  NEED(pthread_create(&thread, NULL, holding_thread, NULL) == 0);
  while (!__atomic_load_n(&printed, __ATOMIC_SEQ_CST)) usleep(100);
  start(tick, NULL);
  start(print_a_word, NULL);
  loop_until(&done, 1);
  CHECK(ticks >= 3);
  pthread_join(thread, NULL);
  CHECK_IS(read(ends[0], text, sizeof text), 15);
  CHECK_TEXT(text, "threadcoroutine");
}

static void *lock_and_lose(void *nothing) {
  co_enable_hook_sys();
  flockfile(stream);
  flockfile(stream);
  co_disable_hook_sys();
  funlockfile(stream);
  co_enable_hook_sys();
  funlockfile(stream);
  flockfile(stream);
  fclose(stream);
  NEED((stream = fdopen(ends[1], "w")) != NULL);
  flockfile(stream);
  done++;
  return nothing;
}

TEST(locks_end_with_hooks_off_with_the_stream_and_with_the_coroutine) {
  NEED(pipe(ends) == 0);
  stream = fdopen(dup(ends[1]), "w");
  start(lock_and_lose, NULL);
  CHECK_IS(done, 1);
  start(print_a_word, NULL);
  CHECK_IS(done, 2);
  CHECK_IS(ftrylockfile(stream), 0);
  funlockfile(stream);
}

/* ---- the process ------------------------------------------------------------------------------------ */

static void print_and_exit(void *wait) {
  stream = fdopen(dup(ends[1]), "w");
  if (wait) {
    start(print_much, NULL);
    start(print_a_word, NULL);
  } else {
    start(print_a_word, NULL);
  }
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
