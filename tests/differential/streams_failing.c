/* streams_failing.c - what calls on streams say when nothing can be written, once and again. */
#include "scenario.h"

#include <sys/resource.h>

static int ends[2];

static FILE *opened(int fd, const char *mode) {
  FILE *f = fdopen(fd, mode);
  MUST(f ? 0 : -1);
  return f;
}

static void put_in_vain(const char *what, int mode, int which) {
  static char text[5000];
  FILE *f = NULL;
  switch (which) {
    case 0: f = opened(MUST(open("file", O_RDWR | O_CREAT, 0600)), "w"); break;
    case 1: f = opened(MUST(open("/dev/full", O_RDWR)), "w"); break;
    case 2: make_pair(UNIX, ends), f = opened(ends[0], "w"), close(ends[1]); break;
  }
  setvbuf(f, NULL, mode, BUFSIZ);
  if (which == 0) MUST(close(fileno(f)));
  memset(text, 'x', sizeof text - 1);
  say("%s, buffered by %s", what, mode == _IONBF ? "nothing" : mode == _IOLBF ? "lines" : "blocks");
  for (int i = 0; i < 3; i++) {
    TRACE(fprintf(f, "a line: %d\n", i));
    say("error %d", !!ferror(f));
    TRACE(fprintf(f, "%100s\n", "padded"));
    TRACE(fprintf(f, "no line"));
    TRACE(fputs("a line\n", f));
    TRACE(putc('\n', f));
    TRACE(fwrite("a line\n", 1, 7, f));
    TRACE(fprintf(f, "%s", text));
    TRACE(fflush(f));
    if (i == 1) clearerr(f);
  }
  TRACE(fclose(f));
}

SCENARIO(stream_failing, "streams on a closed descriptor, a full device and a socket whose peer has gone") {
  static const char *const whats[] = {"closed", "full", "without a reader"};
  static const int modes[] = {_IONBF, _IOLBF, _IOFBF};
  count_sigpipes();
  for (int i = 0; i < 9; i++) put_in_vain(whats[i / 3], modes[i % 3], i / 3);
}

SCENARIO(stream_no_memory, "a long text is printed without memory for all of it") {
  struct rlimit little = {1 << 20, 1 << 20};
  FILE *f = fopen("/dev/null", "w");
  TRACE(fprintf(f, "%d\n", 1));
  MUST(setrlimit(RLIMIT_AS, &little));
  TRACE(fprintf(f, "%200000000d", 1));
  TRACE(fprintf(f, "%200000000d %200000000d", 1, 2));
  TRACE(fflush(f));
}
