/* A condition that must hold, in programs that run under a checker: they fork for nothing and end by returning. */
#ifndef SANITIZERS_CHECK_H
#define SANITIZERS_CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HOLDS(condition)                                                                        \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      fprintf(stderr, "%s:%d: %s does not hold (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
      _Exit(3);                                                                                 \
    }                                                                                           \
  } while (0)
#endif
