/* streams_memory.c - streams that have no descriptor, while 0 is one that others wait for. */
#include "scenario.h"

#include <wchar.h>

static char *text;
static wchar_t *wide_text;
static size_t size;
static int ends[2];

/* What is written to 0, or read from it, concerns `ends[1]`. */
static void take_the_place_of_input(enum kind kind) {
  make_pair(kind, ends);
  MUST(dup2(ends[0], 0));
}

static void said(const char *when) { say("%s: %d bytes: %s", when, (int)size, text); }

SCENARIO(stream_memory, "a stream that grows in memory holds what is put, and writes nothing") {
  static const enum kind kinds[] = {UNIX, TCP, PTY, PIPE};
  for (int k = 0; k < 4; k++) {
    char byte;
    say("0 is a %s", kind_names[kinds[k]]);
    take_the_place_of_input(kinds[k]);
    FILE *f = open_memstream(&text, &size);
    TRACE(fileno(f));
    TRACE(fprintf(f, "%s %d", "hello", 5));
    TRACE(fflush(f));
    said("flushed");
    TRACE(fputs(", world", f));
    TRACE(putc('!', f));
    TRACE(fwrite("more\n", 1, 5, f));
    TRACE(fflush(f));
    said("and more");
    for (int i = 0; i < 3000; i++) fprintf(f, "%d\n", i);
    TRACE(ftell(f));
    TRACE(fseek(f, 3, SEEK_SET));
    TRACE(fprintf(f, "%s", "LO"));
    TRACE(fflush(f));
    TRACE(fclose(f));
    say("%d bytes, %.20s", (int)size, text);
    free(text);
    set_nonblocking(ends[1], true);
    TRACE(read(ends[1], &byte, 1));
  }
}

SCENARIO(stream_memory_wide, "the same of wide characters") {
  char byte;
  take_the_place_of_input(UNIX);
  FILE *f = open_wmemstream(&wide_text, &size);
  TRACE(fwprintf(f, L"%d", 12345));
  TRACE(fflush(f));
  TRACE(fputs("no bytes", f));
  TRACE(fclose(f));
  say("%d characters: %ls", (int)size, wide_text);
  set_nonblocking(ends[1], true);
  TRACE(read(ends[1], &byte, 1));
}

static void reads_from_0(void *argument) {
  char byte = '-';
  (void)argument;
  TRACE(read(0, &byte, 1));
  say("%c", byte);
}

SCENARIO(stream_memory_closes_nothing, "who waits for the standard input goes on waiting when streams in memory are closed") {
  static char room[100];
  take_the_place_of_input(UNIX);
  start("reader", reads_from_0, NULL);
  settle();
  TRACE(fclose(open_memstream(&text, &size)));
  TRACE(fclose(open_wmemstream(&wide_text, &size)));
  TRACE(fclose(fmemopen(room, sizeof room, "w")));
  settle();
  say("it still waits: %d", !has_ended("reader"));
  MUST(write(ends[1], "x", 1));
  join();
}
