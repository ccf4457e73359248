/* streams_more.c - streams that several share, both ways, the standard ones, and how streams come and go. */
#include "scenario.h"

#include <stdio_ext.h>
#include <sys/wait.h>

static int ends[2];
static FILE *stream;

static FILE *opened(int fd, const char *mode) {
  FILE *f = fdopen(fd, mode);
  MUST(f ? 0 : -1);
  return f;
}

/* ---- both ways -------------------------------------------------------------------------------------- */

static void answer_lines(void *argument) {
  char line[100];
  FILE *f = opened(ends[1], "r+");
  (void)argument;
  while (fgets(line, sizeof line, f)) {
    fprintf(f, "you said %s", line);
    fflush(f);
  }
  say("end %d", !!feof(f));
  fclose(f);
}

SCENARIO(stream_dialogue, "one stream for both directions of a socket") {
  char line[100];
  make_pair(TCP, ends);
  stream = opened(ends[0], "r+");
  start("other", answer_lines, NULL);
  for (int i = 0; i < 3; i++) {
    TRACE(fprintf(stream, "line %d\n", i));
    TRACE(fflush(stream));
    say("%s", fgets(line, sizeof line, stream));
  }
  /* Without the flush in between, libc itself writes before it reads. */
  fputs("unflushed\n", stream);
  say("%s", fgets(line, sizeof line, stream));
  MUST(write(ends[0], "a\nb\n", 4));
  settle();
  TRACE(getc(stream));
  /* What was read cannot be given back to a socket. */
  TRACE(fputs("lost", stream));
  TRACE(fflush(stream));
  TRACE(fclose(stream));
  join();
}

/* ---- shared streams --------------------------------------------------------------------------------- */

static void write_lines(void *argument) {
  int number = *(int *)argument;
  char line[301];
  memset(line, 'a' + number, 300);
  line[300] = 0;
  for (int i = 0; i < 200; i++) fprintf(stream, "%s\n", line);
}

SCENARIO(stream_of_many, "writers of one stream: no line is torn, none is lost") {
  static int numbers[] = {0, 1, 2};
  char line[400];
  int counts[3] = {0}, torn = 0;
  FILE *in;
  make_pair(PIPE, ends);
  stream = opened(ends[1], "w");
  in = opened(ends[0], "r");
  for (int i = 0; i < 3; i++) start("writer", write_lines, &numbers[i]);
  for (int i = 0; i < 600; i++) {
    if (!fgets(line, sizeof line, in)) break;
    size_t same = strspn(line, (char[]){line[0], 0});
    if (same == 300 && line[300] == '\n' && line[0] >= 'a' && line[0] <= 'c')
      counts[line[0] - 'a']++;
    else
      torn++;
    if (i == 580) fflush(stream);
    if (i % 100 == 0) settle();
    if (i > 560) fflush(stream);
  }
  join();
  say("%d %d %d, torn %d", counts[0], counts[1], counts[2], torn);
}

static void take_a_line(void *argument) {
  char line[40] = "";
  (void)argument;
  char *got = fgets(line, sizeof line, stream);
  say("%s", got && strlen(got) == 8 && got[7] == '\n' ? "a whole line" : "no line");
}

SCENARIO(stream_of_readers, "readers of one stream: each gets a line, whoever comes first") {
  make_pair(UNIX, ends);
  stream = opened(ends[0], "r");
  for (int i = 0; i < 4; i++) start("reader", take_a_line, NULL);
  settle();
  MUST(write(ends[1], "abc", 3));
  settle();
  MUST(write(ends[1], "defg\nhijklmn\nopq", 16));
  settle();
  MUST(write(ends[1], "rstu\nvwxyz12\n", 13));
  join();
}

static struct event locked;

static void print_locked(void *argument) {
  (void)argument;
  flockfile(stream);
  announce(&locked);
  fputs("<", stream);
  fflush(stream);
  usleep(20000);
  flockfile(stream);
  fputs(">", stream);
  funlockfile(stream);
  usleep(20000);
  putc_unlocked('\n', stream);
  funlockfile(stream);
}

SCENARIO(stream_locks, "flockfile keeps others out, and not its owner") {
  char text[40] = "";
  make_pair(PIPE, ends);
  stream = opened(ends[1], "w");
  for (int i = 0; i < 3; i++) start("printer", print_locked, NULL);
  await(&locked);
  TRACE(ftrylockfile(stream));
  fputs("mine\n", stream);
  join();
  TRACE(ftrylockfile(stream));
  TRACE(ftrylockfile(stream));
  funlockfile(stream);
  funlockfile(stream);
  fflush(stream);
  say("%ld", (long)read(ends[0], text, sizeof text));
  say("%d", strstr(text, "<>\n<>\n") != NULL);
}

/* ---- the standard streams --------------------------------------------------------------------------- */

static void type_answers(void *argument) {
  char got[60];
  (void)argument;
  static const char *const answers[] = {"7", "1 ", "8\n", "second line\n", "x", "yz\n", "end"};
  for (int i = 0; i < 7; i++) {
    settle();
    int waiting = 0;
    MUST(ioctl(ends[0], FIONREAD, &waiting));
    ssize_t n = waiting ? read(ends[0], got, sizeof got - 1) : 0;
    got[n > 0 ? n : 0] = 0;
    say("%s", got);
    MUST(write(ends[1], answers[i], strlen(answers[i])));
  }
  settle();
  MUST(close(ends[1]));
}

SCENARIO(standard_streams, "prompts on a line-buffered standard output come before the wait for standard input") {
  int in[2], out[2], a = 0, b = 0;
  char line[60];
  make_pair(PIPE, in);
  make_pair(PIPE, out);
  MUST(dup2(in[0], 0));
  MUST(dup2(out[1], 1));
  MUST(close(in[0]));
  MUST(close(out[1]));
  setvbuf(stdin, NULL, _IOLBF, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  ends[0] = out[0], ends[1] = in[1];
  start("typist", type_answers, NULL);
  printf("numbers? ");
  TRACE(scanf("%d", &a));
  printf("more? ");
  TRACE(scanf("%d", &b));
  say("%d %d", a, b);
  TRACE(getchar());
  TRACE(puts("a line?"));
  say("%s", fgets(line, sizeof line, stdin));
  TRACE(putchar('>'));
  TRACE(getchar());
  say("%s", fgets(line, sizeof line, stdin));
  TRACE(printf("%s\n", "last?"));
  say("%s", fgets(line, sizeof line, stdin));
  TRACE(getchar());
  join();
}

static void type_lines(void *argument) {
  (void)argument;
  static const char *const typed[] = {"half", " a line\nmore\n", "\4", "after the end\n"};
  for (int i = 0; i < 4; i++) {
    settle();
    MUST(write(ends[1], typed[i], strlen(typed[i])));
  }
}

/* Terminals show what is written after a moment only, and not always in one piece. */
static void see(char *shown, const char *last) {
  size_t length = 0;
  while (strstr(shown, last) == NULL) {
    ssize_t got = MUST(read(ends[1], shown + length, 99 - length));
    shown[length += (size_t)got] = 0;
    if (got == 0) break;
  }
  say("%s", shown);
}

SCENARIO(stream_terminals, "a terminal: lines in, lines out, an end that is not the last") {
  struct termios settings;
  char line[40], shown[100] = "";
  make_pair(PTY, ends);
  struct pollfd more = {ends[1], POLLIN, 0};
  MUST(tcgetattr(ends[0], &settings));
  settings.c_lflag |= ICANON;
  settings.c_cc[VEOF] = 4;
  MUST(tcsetattr(ends[0], TCSANOW, &settings));
  FILE *in = opened(ends[0], "r"), *out = opened(MUST(dup(ends[0])), "w");
  start("typist", type_lines, NULL);
  for (int i = 0; i < 4; i++) {
    say("%s", fgets(line, sizeof line, in) ? line : "(null)");
    say("end %d, error %d", !!feof(in), !!ferror(in));
    if (feof(in)) clearerr(in);
  }
  TRACE(fprintf(out, "first line\nsecond"));
  TRACE(fputs(" line\nthird\n rest", out));
  see(shown, "third");
  settle();
  TRACE(poll(&more, 1, 0));
  TRACE(fclose(out));
  see(shown, "rest");
  join();
}

SCENARIO(stream_messages, "perror, dprintf and stderr on a pipe") {
  char text[300] = "";
  int pair[2];
  make_pair(PIPE, pair);
  MUST(dup2(pair[1], 2));
  errno = ENOENT;
  perror("what");
  errno = EAGAIN;
  perror(NULL);
  TRACE(fprintf(stderr, "%s %d\n", "printed", 5));
  errno = EPERM;
  perror("");
  TRACE(dprintf(pair[1], "%s-%d-%c\n", "to", 3, 'x'));
  TRACE(dprintf(-1, "%s\n", "nowhere"));
  TRACE(fputs("unbuffered", stderr));
  TRACE(read(pair[0], text, sizeof text - 1));
  say("%s", text);
}

static void on_signal(int signal) { (void)signal; }

static void read_interrupted(void *argument) {
  char line[20] = "";
  (void)argument;
  errno = 0;
  say("%d", fgets(line, sizeof line, stream) != NULL);
  say("%s, error %d", error_name(errno), !!ferror(stream));
  clearerr(stream);
  say("%s", fgets(line, sizeof line, stream));
}

SCENARIO(stream_interrupted, "a signal handler ends a read of a stream, or does not") {
  make_pair(PIPE, ends);
  stream = opened(ends[0], "r");
  for (int restarts = 0; restarts < 2; restarts++) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = restarts ? SA_RESTART : 0};
    MUST(sigaction(SIGUSR1, &action, NULL));
    say("restarts %d", restarts);
    const char *name = restarts ? "restarted" : "interrupted";
    start(name, read_interrupted, NULL);
    settle();
    signal_actor(name, SIGUSR1);
    settle();
    MUST(write(ends[1], "one\ntwo\n", restarts ? 8 : 4));
    join();
  }
}

/* ---- coming and going ------------------------------------------------------------------------------- */

static void open_writer(void *argument) {
  (void)argument;
  FILE *f = fopen("fifo", "w");
  say("opened %d", f != NULL);
  TRACE(fputs("through the fifo\n", f));
  TRACE(fclose(f));
}

SCENARIO(stream_fifos, "fopen and freopen of a FIFO wait for its other end") {
  char line[60];
  MUST(mkfifo("fifo", 0600));
  start("writer", open_writer, NULL);
  settle();
  say("waits: %d", !has_ended("writer"));
  FILE *f = fopen("fifo", "r");
  say("%s", fgets(line, sizeof line, f));
  join();
  TRACE(getc(f));
  TRACE(fclose(f));
  f = fopen("/dev/null", "r");
  start("another writer", open_writer, NULL);
  settle();
  say("waits: %d", !has_ended("another writer"));
  say("%d", freopen("fifo", "r", f) == f);
  say("%s", fgets(line, sizeof line, f));
  join();
  TRACE(fclose(f));
  /* One that is opened for both is its own other end, and is reopened for reading while it is there. */
  f = fopen("fifo", "r+");
  TRACE(fputs("to myself\n", f));
  TRACE(fflush(f));
  FILE *other = fopen("fifo", "r");
  say("%s", fgets(line, sizeof line, other));
  say("%d", freopen(NULL, "r", other) == other);
  TRACE(fputs("again\n", f));
  TRACE(fflush(f));
  say("%s", fgets(line, sizeof line, other));
  TRACE(fclose(other));
  TRACE(fclose(f));
  say("%d", fopen("fifo", "wx") == NULL);
  say("%s", error_name(errno));
  say("%d", fopen("fifo", "x") == NULL);
  say("%s", error_name(errno));
  say("%d", fopen("no such file", "r") == NULL);
  say("%s", error_name(errno));
}

SCENARIO(stream_processes, "popen: what a slow program says, and how it ends") {
  char line[60];
  FILE *f = popen("sleep 0.1; echo one; sleep 0.1; echo two; sleep 0.1; exit 3", "r");
  while (fgets(line, sizeof line, f)) say("%s", line);
  TRACE(pclose(f));
  f = popen("sleep 0.1; read a; read b; [ $a-$b = 1-2 ]", "w");
  TRACE(fprintf(f, "%d\n", 1));
  TRACE(fputs("2\n", f));
  TRACE(pclose(f));
  f = popen("cat; exit 5", "r+");
  say("%d", f == NULL);
}

static void flush_everything(void *argument) {
  (void)argument;
  TRACE(fflush(NULL));
}

SCENARIO(stream_flush_all, "fflush of all streams writes what stands in each") {
  char text[100] = "";
  int one[2], two[2];
  make_pair(PIPE, one);
  make_pair(UNIX, two);
  FILE *a = opened(one[1], "w"), *b = opened(two[1], "w"), *c = fopen("file", "w");
  fputs("a", a);
  fputs("b", b);
  fputs("c", c);
  flush_everything(NULL);
  TRACE(read(one[0], text, 9));
  TRACE(read(two[0], text + 1, 9));
  TRACE(read(MUST(open("file", O_RDONLY)), text + 2, 9));
  say("%s", text);
}

SCENARIO(stream_others, "streams in memory, of cookies, on files and without blocking are libc's own") {
  char text[100] = "", line[30];
  FILE *f = fmemopen(text, sizeof text, "w+");
  TRACE(fprintf(f, "%d\n%s\n", 5, "five"));
  rewind(f);
  say("%s", fgets(line, sizeof line, f));
  TRACE(fscanf(f, "%s", line));
  TRACE(fclose(f));
  f = fopen("file", "w+");
  TRACE(fputs("one\ntwo\n", f));
  TRACE(fseek(f, 2, SEEK_SET));
  TRACE(getc(f));
  say("%s", fgets(line, sizeof line, f));
  TRACE(ftell(f));
  TRACE(fprintf(f, "%s", "!"));
  rewind(f);
  TRACE(fread(line, 1, 20, f));
  TRACE(fclose(f));
  make_pair(UNIX, ends);
  set_nonblocking(ends[0], true);
  f = opened(ends[0], "r");
  TRACE(getc(f));
  say("end %d, error %d", !!feof(f), !!ferror(f));
  clearerr(f);
  MUST(write(ends[1], "ab", 2));
  TRACE(getc(f));
  say("%s", fgets(line, sizeof line, f) ? line : "(null)");
  __fsetlocking(f, FSETLOCKING_BYCALLER);
  clearerr(f);
  set_nonblocking(ends[0], false);
  MUST(write(ends[1], "c\n", 2));
  say("%s", fgets(line, sizeof line, f));
}
