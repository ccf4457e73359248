/* Cases of a test program: each prints one line, which headers.t turns into a TAP line. */
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>

static int check_failed;

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) {                                             \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
      check_failed = 1;                                             \
    }                                                               \
  } while (0)

static void run_case(const char *sentence, void (*body)(void)) {
  check_failed = 0;
  body();
  printf("%s %s\n", check_failed ? "not ok" : "ok", sentence);
  fflush(stdout);
}
#endif
