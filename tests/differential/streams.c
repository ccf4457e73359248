/* streams.c - stdio on slow descriptors: what streams give, and what they leave in buffers, flags and errno. */
#include "scenario.h"

#include <sys/wait.h>

static const enum kind kinds[] = {TCP, UNIX, PIPE, FIFO};
enum { KINDS_HERE = sizeof kinds / sizeof *kinds };

static int ends[2];
static FILE *stream;
static char bytes[1 << 20];

/* What the flags of the stream say. */
static void said_flags(FILE *f) { say("end %d, error %d", !!feof(f), !!ferror(f)); }

static FILE *opened(int fd, const char *mode) {
  FILE *f = fdopen(fd, mode);
  MUST(f ? 0 : -1);
  return f;
}

/* The parts that an actor writes, each when all others wait. */
static const char *const *parts;

static void write_parts(void *argument) {
  (void)argument;
  for (int i = 0; parts[i]; i++) {
    settle();
    MUST(write(ends[1], parts[i], strlen(parts[i])));
  }
  settle();
  MUST(close(ends[1]));
}

static void for_kinds(body *read, const char *const *what) {
  parts = what;
  for (int i = 0; i < KINDS_HERE; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    stream = opened(ends[0], "r");
    start(kind_names[kinds[i]], read, NULL);
    write_parts(NULL);
    join();
    TRACE(fclose(stream));
  }
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static void read_lines(void *argument) {
  char line[12];
  (void)argument;
  for (int i = 0; i < 9; i++) {
    errno = 0;
    char *got = fgets(line, sizeof line, stream);
    say("%s %s", got ? got : "(null)", error_name(errno));
    said_flags(stream);
  }
}

SCENARIO(stream_lines, "fgets: lines in parts, too long ones, a last one without end, the end") {
  for_kinds(read_lines, (const char *const[]){"one\ntw", "o\n", "a line that is too long\n\nla", "st", NULL});
}

static void read_bytes(void *argument) {
  (void)argument;
  TRACE(getc(stream));
  TRACE(fgetc(stream));
  TRACE(ungetc('x', stream));
  TRACE(ungetc('y', stream));
  TRACE(getc(stream));
  TRACE(getc_unlocked(stream));
  TRACE(fgetc_unlocked(stream));
  TRACE(getw(stream));
  TRACE(getc(stream));
  TRACE(getc(stream));
  said_flags(stream);
  TRACE(getc(stream));
  TRACE(ungetc('z', stream));
  said_flags(stream);
  TRACE(getc(stream));
  TRACE(getc(stream));
  clearerr(stream);
  TRACE(getc(stream));
  said_flags(stream);
}

SCENARIO(stream_bytes, "getc and ungetc: one byte at a time, put back, past the end") {
  for_kinds(read_bytes, (const char *const[]){"a", "b", "cdefg", "h", NULL});
}

static void read_blocks(void *argument) {
  (void)argument;
  TRACE(fread(bytes, 3, 2, stream));
  say("%.6s", bytes);
  TRACE(fread(bytes, 1, 0, stream));
  TRACE(fread(bytes, 4, 2000, stream));
  say("%#llx", (unsigned long long)checksum(bytes, 8000));
  TRACE(getc(stream));
  TRACE(fread(bytes, 1, 5000, stream));
  TRACE(fread_unlocked(bytes, 7, 3, stream));
  say("%.20s", bytes);
  said_flags(stream);
  TRACE(fread(bytes, 1, 10, stream));
  TRACE(fread(bytes, 1, 10000, stream));
  said_flags(stream);
}

SCENARIO(stream_blocks, "fread: small ones through the buffer, large ones past it, short ones at the end") {
  static char large[3][5000];
  for (int i = 0; i < 3; i++) memset(large[i], 'a' + i, 4600);
  for_kinds(read_blocks, (const char *const[]){"abc", "defg", large[0], large[1], large[2], "0123456789abcdefghi", NULL});
}

static void read_unbuffered(void *argument) {
  char line[20] = "";
  setvbuf(stream, NULL, _IONBF, 0);
  TRACE(getc(stream));
  say("%s", fgets(line, sizeof line, stream));
  TRACE(read(ends[0], line, 1));
  TRACE(fread(line, 1, 4, stream));
  TRACE(fread(line, 1, 15, stream));
  say("%.5s", line);
  said_flags(stream);
  (void)argument;
}

SCENARIO(stream_unbuffered, "an unbuffered stream takes no more than it gives") {
  for_kinds(read_unbuffered, (const char *const[]){"ab", "cd\nefgh", "ijkl", "mn", NULL});
}

static void read_delimited(void *argument) {
  char *line = NULL;
  size_t size = 0;
  (void)argument;
  for (int i = 0; i < 4; i++) {
    errno = 0;
    ssize_t n = getline(&line, &size, stream);
    say("%zd of %zu, %.10s %s", n, size, n > 0 ? line : "", error_name(errno));
  }
  TRACE(getdelim(&line, &size, ';', stream));
  say("%s", line);
  TRACE(getdelim(&line, &size, ';', stream));
  TRACE(getdelim(&line, &size, ';', stream));
  said_flags(stream);
  TRACE(getline(NULL, &size, stream));
  free(line);
}

SCENARIO(stream_delimited, "getline and getdelim: memory that grows, other delimiters, the end") {
  static char large[9000];
  memset(large, 'l', sizeof large - 1);
  for_kinds(read_delimited, (const char *const[]){"x\n", "two", "\n", large, "\n\n1;", "2", NULL});
}

static void scan_words(void *argument) {
  int a = 0, b = 0, n = -1;
  char word[40] = "", set[40] = "", *grown = NULL;
  double d = 0;
  (void)argument;
  TRACE(fscanf(stream, "%d,%d", &a, &b));
  say("%d %d", a, b);
  TRACE(fscanf(stream, " %39s%n", word, &n));
  say("%s %d", word, n);
  TRACE(fscanf(stream, "%d", &a));
  TRACE(getc(stream));
  TRACE(fscanf(stream, "%lf %39[^\n]", &d, set));
  say("%g %s", d, set);
  TRACE(fscanf(stream, "%ms end%c", &grown, word));
  say("%s", grown ? grown : "(null)");
  free(grown);
  TRACE(fscanf(stream, "%d", &a));
  said_flags(stream);
  TRACE(getc(stream));
  TRACE(fscanf(stream, "%x", (unsigned *)&a));
  TRACE(getc(stream));
  TRACE(fscanf(stream, "%d", &a));
  TRACE(fscanf(stream, "%d", &a));
  said_flags(stream);
}

SCENARIO(stream_scans, "fscanf waits inside a number, and leaves what does not belong to it") {
  for_kinds(scan_words, (const char *const[]){"1", "2,", "-3", "4 wor", "d x1.5e", "1  a set\ngrown en", "d.", "q0x", "zy", "7", NULL});
}

/* By name: which of these `fscanf` is, the compiler chooses. */
int scan_as_gnu(FILE *, const char *, ...) __asm__("fscanf");
int scan_as_c99(FILE *, const char *, ...) __asm__("__isoc99_fscanf");
#if __GLIBC_PREREQ(2, 38)
int scan_as_c23(FILE *, const char *, ...) __asm__("__isoc23_fscanf");
#endif

static void said_number(int number) {
  int c;
  say("%d", number);
  while ((c = getc(stream)) != EOF && c != ',') say("%c", c);
}

static void scan_dialects(void *argument) {
  int number = -1;
  (void)argument;
  TRACE(scan_as_gnu(stream, "%i", &number));
  said_number(number);
  TRACE(scan_as_c99(stream, "%i", &number));
  said_number(number);
#if __GLIBC_PREREQ(2, 38)
  TRACE(scan_as_c23(stream, "%i", &number));
  said_number(number);
  TRACE(scan_as_c23(stream, "%b", (unsigned *)&number));
  said_number(number);
#endif
}

SCENARIO(stream_dialects, "only the fscanf of C23 takes binary numbers") {
  for_kinds(scan_dialects, (const char *const[]){"0b1", "01,", "0b1", "10,", "0", "b1", "11,", "10", "01,", NULL});
}

static void read_late(void *waits) {
  char line[30] = "";
  if (waits)
    TRACE_WAIT(60, fread(line, 1, 5, stream));
  else
    TRACE(fread(line, 1, 5, stream));
  said_flags(stream);
  say("%s", fgets(line, sizeof line, stream) ? line : "(null)");
  TRACE(getc(stream));
  clearerr(stream);
  say("%s", fgets(line, sizeof line, stream) ? line : "(null)");
  said_flags(stream);
}

SCENARIO(stream_time_outs, "a socket's time-out is an error of the stream, and parts are kept") {
  make_pair(TCP, ends);
  set_time_out(ends[0], SO_RCVTIMEO, 60);
  stream = opened(ends[0], "r");
  MUST(write(ends[1], "ab", 2));
  read_late(ends);
  MUST(write(ends[1], "rest\n", 5));
  read_late(NULL);
  set_nonblocking(ends[0], true);
  read_late(NULL);
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static size_t drained;
static uint64_t drained_sum;

static void drain(void *argument) {
  size_t pause = argument ? *(size_t *)argument : 0;
  ssize_t n;
  drained = 0;
  while ((n = read(ends[0], bytes + drained, sizeof bytes - drained)) > 0) {
    drained += (size_t)n;
    if (pause && drained < 300000) usleep(1000);
  }
  drained_sum = checksum(bytes, drained);
}

static void write_much(void *argument) {
  static char large[200000], text[3000];
  FILE *f = argument;
  fill(large, sizeof large, 5);
  memset(text, 't', sizeof text - 1);
  text[1000] = '\n';
  TRACE(fwrite(large, 1, sizeof large, f));
  TRACE(fwrite(large, 7, 3, f));
  TRACE(fputs("a line\nand more", f));
  TRACE(putc('x', f));
  TRACE(fputc('\n', f));
  TRACE(fprintf(f, "%d %s %5.2f\n", 42, "words", 1.5));
  for (int i = 0; i < 40; i++) fprintf(f, "%s%d", text, i);
  TRACE(fprintf(f, "%1$s%2$n%1$s\n", text, (int *)large));
  say("%d", *(int *)large);
  TRACE(fputs_unlocked("u", f));
  TRACE(putc_unlocked('\n', f));
  TRACE(fwrite_unlocked(text, 1000, 2, f));
  TRACE(putw(7, f));
  TRACE(fflush(f));
  TRACE(fputs("the last", f));
  said_flags(f);
  TRACE(fclose(f));
}

SCENARIO(stream_writes, "output of all sizes to slow readers, with each sort of buffer") {
  static size_t slow = 1;
  static const int modes[] = {_IOFBF, _IOLBF, _IONBF};
  for (int i = 0; i < KINDS_HERE; i++)
    for (int mode = 0; mode < 3; mode++) {
      say("%s, mode %d", kind_names[kinds[i]], mode);
      make_pair(kinds[i], ends);
      stream = opened(ends[1], "w");
      setvbuf(stream, NULL, modes[mode], 0);
      start("reader", drain, &slow);
      write_much(stream);
      join();
      say("%zu %#llx", drained, (unsigned long long)drained_sum);
      MUST(close(ends[0]));
    }
}

SCENARIO(stream_pieces, "what is written when: messages that hold one write each") {
  static const int modes[] = {_IOFBF, _IOLBF, _IONBF};
  static char block[5000];
  memset(block, 'b', sizeof block);
  for (int mode = 0; mode < 3; mode++) {
    char got[9000];
    ssize_t n;
    make_pair(SEQPACKET, ends);
    stream = opened(ends[1], "w");
    setvbuf(stream, NULL, modes[mode], 0);
    fputs("one\ntwo", stream);
    fputs(" three\nfour\nfive", stream);
    putc('6', stream);
    putc('\n', stream);
    fprintf(stream, "%d\n", 7);
    fprintf(stream, "eight");
    fflush(stream);
    fwrite(block, 1, 4500, stream);
    fwrite(block, 1, 4000, stream);
    TRACE(fclose(stream));
    while ((n = read(ends[0], got, sizeof got)) > 0) say("%zd %.8s", n, got);
    MUST(close(ends[0]));
  }
}

static void fail_to_write(FILE *f) {
  TRACE(fputs("into the buffer", f));
  TRACE(fflush(f));
  said_flags(f);
  TRACE(fputs("line\n", f));
  TRACE(fputc('c', f));
  TRACE(fprintf(f, "%d\n", 1));
  TRACE(fwrite(bytes, 1, 10000, f));
  TRACE(fwrite(bytes, 1, 4096, f));
  TRACE(fflush(f));
  TRACE(fputs("rest", f));
  TRACE(fclose(f));
  say("signals: %d", sigpipes);
}

SCENARIO(stream_errors, "readers that are gone, wrong directions, closed descriptors") {
  count_sigpipes();
  for (int i = 0; i < KINDS_HERE; i++)
    for (int mode = 0; mode < 3; mode++) {
      say("%s", kind_names[kinds[i]]);
      make_pair(kinds[i], ends);
      stream = opened(ends[1], "w");
      setvbuf(stream, NULL, mode == 0 ? _IOFBF : mode == 1 ? _IOLBF : _IONBF, 0);
      MUST(close(ends[0]));
      fail_to_write(stream);
    }
  make_pair(UNIX, ends);
  FILE *in = opened(ends[0], "r"), *out = opened(ends[1], "w");
  TRACE(fputs("x", in));
  TRACE(fputs("x\n", in));
  TRACE(putc('x', in));
  TRACE(fprintf(in, "x%d", 1));
  TRACE(fwrite("abc", 1, 3, in));
  TRACE(fflush(in));
  said_flags(in);
  TRACE(getc(out));
  TRACE(fread(bytes, 1, 3, out));
  TRACE(fscanf(out, "%s", bytes));
  say("%d", fgets(bytes, 10, out) != NULL);
  said_flags(out);
  MUST(close(ends[0]));
  TRACE(getc(in));
  TRACE(fclose(in));
  fputs("late", out);
  MUST(close(ends[1]));
  fail_to_write(out);
}
