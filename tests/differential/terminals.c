/* terminals.c - terminals that are hung up, and vectors read from raw ones. Who slept when the other side went gets
 * EIO, who comes later the end of the file. */
#include "scenario.h"

static int ends[2];
/* The other side's close has come back: a reader that it wakes may still find a terminal that is not quite hung up. */
static struct event closed;
static char text[64], large[1 << 16];

static void set_raw(int least, int tenths) {
  struct termios settings;
  MUST(tcgetattr(ends[0], &settings));
  settings.c_cc[VMIN] = (cc_t)least, settings.c_cc[VTIME] = (cc_t)tenths;
  MUST(tcsetattr(ends[0], TCSANOW, &settings));
}

static void set_lines(void) {
  struct termios settings;
  MUST(tcgetattr(ends[0], &settings));
  settings.c_lflag |= ICANON;
  settings.c_cc[VEOF] = 4;
  MUST(tcsetattr(ends[0], TCSANOW, &settings));
}

static void by_read(void *argument) {
  (void)argument;
  TRACE(read(ends[0], text, sizeof text));
}

static void by_readv(void *argument) {
  struct iovec pieces[2] = {{text, 3}, {text + 3, 20}};
  (void)argument;
  memset(text, 0, sizeof text);
  TRACE(readv(ends[0], pieces, 2));
  say("%s", text);
}

static void by_preadv2(void *argument) {
  struct iovec piece = {text, 8};
  (void)argument;
  TRACE(preadv2(ends[0], &piece, 1, -1, 0));
}

static void by_number(void *argument) {
  (void)argument;
  TRACE(syscall(SYS_read, ends[0], text, sizeof text));
}

static void by_stream(void *argument) {
  FILE *f = fdopen(MUST(dup(ends[0])), "r");
  (void)argument;
  TRACE(getc(f));
  say("end %d, error %d", !!feof(f), !!ferror(f));
  clearerr(f);
  await(&closed);
  say("%s", fgets(text, sizeof text, f) ? "a line" : "none");
  say("end %d, error %d", !!feof(f), !!ferror(f));
  TRACE(fclose(f));
}

static void by_reader_of_blocks(void *argument) {
  FILE *f = fdopen(MUST(dup(ends[0])), "r");
  (void)argument;
  TRACE(fread(text, 1, sizeof text, f));
  say("end %d, error %d", !!feof(f), !!ferror(f));
  TRACE(fclose(f));
}

static const struct way {
  const char *name;
  body *run;
} ways[] = {{"read", by_read},       {"readv", by_readv},   {"preadv2", by_preadv2},
            {"syscall", by_number}, {"stream", by_stream}, {"blocks", by_reader_of_blocks}};
enum { WAYS = sizeof ways / sizeof *ways };

/* Each way sleeps when the other side goes, and then comes once more. */
static void hang_up(bool lines, int least, int tenths) {
  for (int i = 0; i < WAYS; i++) {
    char name[40];
    make_pair(PTY, ends);
    closed.set = false;
    if (lines) set_lines();
    if (!lines) set_raw(least, tenths);
    snprintf(name, sizeof name, "%s %d %d %d", ways[i].name, lines, least, tenths);
    start(name, ways[i].run, NULL);
    settle();
    say("%s still waiting: %d", name, !has_ended(name));
    MUST(close(ends[1]));
    announce(&closed);
    join();
    ways[i].run(NULL);
    MUST(close(ends[0]));
  }
}

SCENARIO(hang_up_of_lines, "a terminal is hung up under readers of lines") { hang_up(true, 0, 0); }
SCENARIO(hang_up_of_bytes, "a terminal is hung up under readers of bytes") { hang_up(false, 1, 0); }
SCENARIO(hang_up_of_many, "a terminal is hung up under readers that wait for VMIN bytes") { hang_up(false, 5, 0); }
SCENARIO(hang_up_of_timed, "a terminal is hung up under readers that wait for VTIME") { hang_up(false, 0, 200); }

/* Terminals hand on what is typed after a moment only. */
static void read_twice(void *has_come) {
  by_read(NULL);
  announce(has_come);
  by_read(NULL);
}

SCENARIO(hang_up_after_end, "the end that is typed, and data, are not taken for a hang-up") {
  static struct event end, data;
  make_pair(PTY, ends);
  set_lines();
  start("end", read_twice, &end);
  settle();
  MUST(write(ends[1], "\4", 1));
  await(&end);
  settle();
  MUST(close(ends[1]));
  join();
  MUST(close(ends[0]));
  make_pair(PTY, ends);
  start("data", read_twice, &data);
  settle();
  MUST(write(ends[1], "abc", 3));
  await(&data);
  settle();
  MUST(close(ends[1]));
  join();
}

SCENARIO(hang_up_without_blocking, "a terminal that does not block, hung up or not") {
  make_pair(PTY, ends);
  set_nonblocking(ends[0], true);
  by_read(NULL);
  MUST(close(ends[1]));
  by_read(NULL);
  TRACE(write(ends[0], "x", 1));
}

static void wait_in_poll(void *argument) {
  struct pollfd p = {ends[0], POLLIN, 0};
  (void)argument;
  TRACE(poll(&p, 1, -1));
  /* POLLERR and POLLIN follow POLLHUP after a moment. */
  say("hung up: %d", !!(p.revents & POLLHUP));
}

static void wait_in_select(void *argument) {
  fd_set set;
  (void)argument;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  TRACE(select(ends[0] + 1, &set, NULL, NULL, NULL));
}

static void write_much(void *argument) {
  (void)argument;
  long n = write(ends[0], large, sizeof large);
  say("%s", n < 0 ? error_name(errno) : n < (long)sizeof large ? "a part" : "all");
  TRACE(write(ends[0], large, 10));
}

static void write_one(void *argument) {
  (void)argument;
  long n = write(ends[0], large, 1);
  /* The buffer is emptied before the writer learns that nobody will read it. */
  say("%s", n == 1 || errno == EIO ? "1 or EIO" : error_name(errno));
}

/* Writes as much as there is room for. */
static void fill_up(void) {
  set_nonblocking(ends[0], true);
  while (write(ends[0], large, 1000) > 0) {
  }
  while (write(ends[0], large, 1) > 0) {
  }
  set_nonblocking(ends[0], false);
}

static void drain(void *argument) {
  (void)argument;
  TRACE(tcdrain(ends[0]));
}

SCENARIO(hang_up_of_others, "a terminal is hung up under writers, poll, select and tcdrain") {
  static const struct way others[] = {
      {"poll", wait_in_poll}, {"select", wait_in_select}, {"much", write_much}, {"one", write_one}, {"drain", drain}};
  for (int i = 0; i < 5; i++) {
    make_pair(PTY, ends);
    if (others[i].run == write_one) fill_up();
    start(others[i].name, others[i].run, NULL);
    settle();
    MUST(close(ends[1]));
    join();
    others[i].run(NULL);
    MUST(close(ends[0]));
  }
}

SCENARIO(terminal_vectors, "a vector is read from a raw terminal as VMIN and VTIME have it") {
  make_pair(PTY, ends);
  set_raw(0, 0);
  by_readv(NULL);
  set_raw(0, 2);
  by_readv(NULL);
  set_raw(5, 0);
  start("five", by_readv, NULL);
  settle();
  MUST(write(ends[1], "abc", 3));
  settle();
  say("still waiting: %d", !has_ended("five"));
  MUST(write(ends[1], "de", 2));
  join();
  set_raw(200, 2);
  start("between", by_readv, NULL);
  settle();
  MUST(write(ends[1], "abcdefg", 7));
  join();
}
