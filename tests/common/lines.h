/*
 * lines.h - cases that print a line each, "ok" or "not ok" and a sentence, which lines.sh turns into TAP.
 *
 * For programs that tests/c/check.h is too much for: it compiles in every standard from C89 and C++98 on, and neither forks
 * nor names the library.
 */
#ifndef LINES_H
#define LINES_H
#include <stdio.h>

static int check_failed;

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) {                                      \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      check_failed = 1;                                      \
    }                                                        \
  } while (0)

#define CASE(sentence, body)                                     \
  do {                                                           \
    check_failed = 0;                                            \
    body();                                                      \
    printf("%s %s\n", check_failed ? "not ok" : "ok", sentence); \
    fflush(stdout);                                              \
  } while (0)
#endif
