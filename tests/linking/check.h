/* Cases of a test program: each prints one line, which the .t file turns into a TAP line. */
#ifndef LINKING_CHECK_H
#define LINKING_CHECK_H
#include <stdio.h>

static int check_failed;

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) {                                        \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
      check_failed = 1;                                        \
    }                                                          \
  } while (0)

#define CASE(sentence, body)                                   \
  do {                                                         \
    check_failed = 0;                                          \
    body();                                                    \
    printf("%s %s\n", check_failed ? "not ok" : "ok", sentence); \
    fflush(stdout);                                            \
  } while (0)
#endif
