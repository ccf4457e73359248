/* Streams that coroutines share with threads, with code outside coroutines, and with nobody any more. */
#include "piped.h"

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
  /* What is left in the stream needs room in the pipe, which nobody else makes. */
  all += drain();
  fclose(stream);
  all += drain();
  CHECK_IS(all, LINES * 61 + LINES * 10);
}

static int ticks;

/* Until the other thread has gone on for some time. */
static void *holding_thread(void *nothing) {
  flockfile(stream);
  __atomic_store_n(&printed, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&ticks, __ATOMIC_SEQ_CST) < 2) usleep(1000);
  fputs("thread", stream);
  funlockfile(stream);
  return nothing;
}

static void *tick(void *nothing) {
  co_enable_hook_sys();
  while (!done) {
    usleep(5000);
    __atomic_add_fetch(&ticks, 1, __ATOMIC_SEQ_CST);
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

RUN_TESTS
