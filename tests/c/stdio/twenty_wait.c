/* Twenty coroutines of a thread wait in each call on a stream at once. */
#include "../check.h"

#include <stdarg.h>
#include <stdio_ext.h>
#include <sys/stat.h>

enum { MANY = 20, PAUSE_MS = 100 };

/* ---- the thread goes on: twenty coroutines wait at once, in each function ---------------------------- */

struct lane {
  int ends[2];
  FILE *in, *out;
  int number;
  char got[64];
};

static struct lane lanes[MANY];
static int done;
static void (*take)(struct lane *lane);

static void *take_one(void *argument) {
  co_enable_hook_sys();
  take(argument);
  done++;
  return NULL;
}

static void *feed_all(void *text) {
  co_enable_hook_sys();
  usleep(PAUSE_MS * 1000);
  for (int i = 0; i < MANY; i++) CHECK(write(lanes[i].ends[1], text, strlen(text)) > 0);
  return NULL;
}

/* If one of them stopped the thread, nobody would ever feed it. */
static void all_take(void (*how)(struct lane *), const char *text, const char *expected) {
  take = how;
  done = 0;
  for (int i = 0; i < MANY; i++) {
    lanes[i] = (struct lane){.number = i};
    NEED((i % 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, lanes[i].ends) : pipe(lanes[i].ends)) == 0);
    lanes[i].in = fdopen(lanes[i].ends[0], "r");
    start(take_one, &lanes[i]);
  }
  start(feed_all, (void *)text);
  loop_until(&done, MANY);
  for (int i = 0; i < MANY; i++) {
    CHECK_TEXT(lanes[i].got, expected);
    fclose(lanes[i].in);
    close(lanes[i].ends[1]);
  }
}

static void by_fgets(struct lane *l) { CHECK(fgets(l->got, sizeof l->got, l->in) == l->got); }
static void by_fgets_unlocked(struct lane *l) { CHECK(fgets_unlocked(l->got, sizeof l->got, l->in) == l->got); }
static void by_fread(struct lane *l) { CHECK_IS(fread(l->got, 2, 3, l->in), 3); }
static void by_fread_unlocked(struct lane *l) { CHECK_IS(fread_unlocked(l->got, 1, 6, l->in), 6); }
static void by_fgetc(struct lane *l) {
  for (int i = 0; i < 6; i++) l->got[i] = (char)fgetc(l->in);
}
static void by_getc(struct lane *l) {
  for (int i = 0; i < 6; i++) l->got[i] = (char)(getc)(l->in);
}
static void by_getc_unlocked(struct lane *l) {
  for (int i = 0; i < 6; i++) l->got[i] = (char)getc_unlocked(l->in);
}
static void by_getline(struct lane *l) {
  char *line = NULL;
  size_t size = 0;
  CHECK_IS(getline(&line, &size, l->in), 6);
  strcpy(l->got, line);
  free(line);
}
static void by_getdelim(struct lane *l) {
  char *line = NULL;
  size_t size = 0;
  CHECK_IS(getdelim(&line, &size, '\n', l->in), 6);
  strcpy(l->got, line);
  free(line);
}
static void by_fscanf(struct lane *l) {
  CHECK_IS(fscanf(l->in, "%5s", l->got), 1);
  l->got[5] = (char)getc(l->in);
}
static int scan_on(FILE *f, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vfscanf(f, format, list);
  va_end(list);
  return n;
}
static void by_vfscanf(struct lane *l) { CHECK_IS(scan_on(l->in, "%6c", l->got), 1); }

TEST(fgets_parks) { all_take(by_fgets, "hello\n", "hello\n"); }
TEST(fgets_unlocked_parks) { all_take(by_fgets_unlocked, "hello\n", "hello\n"); }
TEST(fread_parks) { all_take(by_fread, "hello\n", "hello\n"); }
TEST(fread_unlocked_parks) { all_take(by_fread_unlocked, "hello\n", "hello\n"); }
TEST(fgetc_parks) { all_take(by_fgetc, "hello\n", "hello\n"); }
TEST(getc_parks) { all_take(by_getc, "hello\n", "hello\n"); }
TEST(getc_unlocked_that_is_compiled_in_parks) { all_take(by_getc_unlocked, "hello\n", "hello\n"); }
TEST(getline_parks) { all_take(by_getline, "hello\n", "hello\n"); }
TEST(getdelim_parks) { all_take(by_getdelim, "hello\n", "hello\n"); }
TEST(fscanf_parks) { all_take(by_fscanf, "hello\n", "hello\n"); }
TEST(vfscanf_parks) { all_take(by_vfscanf, "hello\n", "hello\n"); }

/* ---- output ----------------------------------------------------------------------------------------- */

enum { MUCH = 300000 };
static char much[MUCH + 1];

static void *drain_all(void *nothing) {
  static char rest[65536];
  size_t count[MANY] = {0};
  co_enable_hook_sys();
  usleep(PAUSE_MS * 1000);
  CHECK_IS(done, 0);
  for (int i = 0; i < MANY; i++) {
    ssize_t n;
    while ((n = read(lanes[i].ends[0], rest, sizeof rest)) > 0) count[i] += (size_t)n;
    CHECK_IS(count[i], MUCH);
  }
  done += MANY;
  return nothing;
}

static void *give_one(void *argument) {
  struct lane *lane = argument;
  co_enable_hook_sys();
  take(lane);
  CHECK_IS(fclose(lane->out), 0);
  done++;
  return NULL;
}

/* More than the kernel takes, so that all of them wait for the reader. */
static void all_give(void (*how)(struct lane *), int mode) {
  memset(much, 'm', MUCH);
  take = how;
  done = 0;
  for (int i = 0; i < MANY; i++) {
    lanes[i] = (struct lane){.number = i};
    NEED((i % 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, lanes[i].ends) : pipe(lanes[i].ends)) == 0);
    lanes[i].out = fdopen(lanes[i].ends[1], "w");
    setvbuf(lanes[i].out, NULL, mode, 0);
    start(give_one, &lanes[i]);
  }
  start(drain_all, NULL);
  loop_until(&done, 2 * MANY);
  for (int i = 0; i < MANY; i++) close(lanes[i].ends[0]);
}

static void by_fwrite(struct lane *l) { CHECK_IS(fwrite(much, 3, MUCH / 3, l->out), MUCH / 3); }
static void by_fputs(struct lane *l) { CHECK_IS(fputs(much, l->out), 1); }
static void by_fprintf(struct lane *l) { CHECK_IS(fprintf(l->out, "%s", much), MUCH); }
static void by_short_fprintf(struct lane *l) {
  for (int i = 0; i < MUCH / 100; i++) CHECK_IS(fprintf(l->out, "%99d\n", i), 100);
}
static void by_putc(struct lane *l) {
  for (int i = 0; i < MUCH; i++) (putc)('p', l->out);
}
static void by_putc_unlocked(struct lane *l) {
  for (int i = 0; i < MUCH; i++) putc_unlocked('p', l->out);
}
static void by_dprintf(struct lane *l) { CHECK_IS(dprintf(l->ends[1], "%s", much), MUCH); }
static void by_fclose(struct lane *l) {
  /* The kernel is filled first, so that the buffer's contents wait for fclose. */
  CHECK_IS(fwrite(much, 1, MUCH - 10, l->out), MUCH - 10);
  CHECK_IS(fwrite(much, 1, 10, l->out), 10);
}

TEST(fwrite_parks) { all_give(by_fwrite, _IOFBF); }
TEST(fwrite_without_a_buffer_parks) { all_give(by_fwrite, _IONBF); }
TEST(fputs_parks) { all_give(by_fputs, _IOFBF); }
TEST(fprintf_of_a_long_text_parks) { all_give(by_fprintf, _IOFBF); }
TEST(fprintf_of_lines_parks) { all_give(by_short_fprintf, _IOLBF); }
TEST(fprintf_through_a_buffer_parks) { all_give(by_short_fprintf, _IOFBF); }
TEST(putc_parks) { all_give(by_putc, _IOFBF); }
TEST(putc_unlocked_that_is_compiled_in_parks) { all_give(by_putc_unlocked, _IOFBF); }
TEST(dprintf_parks) { all_give(by_dprintf, _IOFBF); }
TEST(fclose_parks_for_what_is_left) { all_give(by_fclose, _IOFBF); }

/* ---- other waits ------------------------------------------------------------------------------------ */

static char fifo[64];

static void *open_the_fifo(void *mode) {
  co_enable_hook_sys();
  FILE *f = fopen(fifo, mode);
  CHECK(f != NULL);
  done++;
  while (done < 2) usleep(1000);
  fclose(f);
  done++;
  return NULL;
}

TEST(fopen_of_a_fifo_parks_until_the_other_end_is_opened) {
  snprintf(fifo, sizeof fifo, "/tmp/colib-fifo-%d", (int)getpid());
  NEED(mkfifo(fifo, 0600) == 0);
  start(open_the_fifo, "r");
  loop_for(50);
  CHECK_IS(done, 0);
  start(open_the_fifo, "w");
  loop_until(&done, 4);
  unlink(fifo);
}

/* A number that a shell can name: the programs wait until the other end is closed. */
#define GATE 9
static int closing;

static void *run_a_program(void *nothing) {
  char line[20] = "";
  co_enable_hook_sys();
  FILE *f = popen("sleep 0.2; echo slow; exec >&-; read word <&9; exit 7", "r");
  CHECK(fgets(line, sizeof line, f) == line);
  CHECK_TEXT(line, "slow\n");
  CHECK_IS(getc(f), EOF);
  closing++;
  CHECK_IS(WEXITSTATUS(pclose(f)), 7);
  done++;
  return nothing;
}

TEST(pclose_parks_until_the_process_ends) {
  int gate[2];
  NEED(pipe2(gate, O_CLOEXEC) == 0 && dup2(gate[0], GATE) == GATE);
  for (int i = 0; i < MANY; i++) start(run_a_program, NULL);
  loop_until(&closing, MANY);
  CHECK_IS(done, 0);
  close(gate[1]);
  loop_until(&done, MANY);
}

RUN_TESTS
