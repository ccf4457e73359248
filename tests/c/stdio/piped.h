/* piped.h - a stream on a pipe, and coroutines that read or write it. */
#ifndef PIPED_H
#define PIPED_H

#include "../check.h"

#include <sys/ioctl.h>

static int ends[2], done;
static FILE *stream;

UNUSED static FILE *piped(const char *mode) {
  NEED(pipe(ends) == 0);
  return fdopen(ends[*mode == 'w'], mode);
}

/* Reads what is there now. */
UNUSED static size_t drain(void) {
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

UNUSED static void *take_a_line(void *argument) {
  char line[100];
  co_enable_hook_sys();
  if (fgets(line, sizeof line, stream) && argument) strcpy(argument, line);
  done++;
  return NULL;
}

UNUSED static void *scan_a_number(void *argument) {
  co_enable_hook_sys();
  CHECK_IS(fscanf(stream, "%d", (int *)argument), 1);
  done++;
  return NULL;
}

enum { MUCH = 200000 };

UNUSED static void *print_much(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(fprintf(stream, "%0*d", MUCH, 0), MUCH);
  CHECK_IS(fflush(stream), 0);
  done++;
  return nothing;
}

UNUSED static void *print_a_word(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(fputs("coroutine", stream), 1);
  fflush(stream);
  done++;
  return nothing;
}

#endif
