/* shared.h - shared stacks, and bytes on them that must stay as they are. */
#ifndef SHARED_H
#define SHARED_H

#include "../check.h"

enum { KIB = 1024 };

static int done;

static stShareStack_t *stacks_of(int count, int size) {
  stShareStack_t *stacks = co_alloc_sharestack(count, size);
  NEED(stacks != NULL);
  return stacks;
}

static NOINLINE void fill(unsigned char *bytes, size_t size, uint64_t mark) {
  for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(mark * 31 + i * 7 + (mark >> 8));
}

static NOINLINE int is_filled(const unsigned char *bytes, size_t size, uint64_t mark) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != (unsigned char)(mark * 31 + i * 7 + (mark >> 8))) return 0;
  return 1;
}

#endif
