/* memory.c - the memory that both calls have one after the other, and what is compared of it. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stdarg.h>

char *arena;

void fill_arena(struct dice *dice) {
  if (!arena) {
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(arena != MAP_FAILED);
    memset(arena, 1, ARENA);
    NEED(mprotect(arena + GOOD, PAGE, PROT_NONE) == 0 && mprotect(arena + GOOD + PAGE, PAGE, PROT_READ) == 0);
    NEED(mprotect(arena + GOOD + 2 * PAGE, PAGE, PROT_NONE) == 0);
  }
  uint64_t pattern = roll(dice);
  for (size_t i = 0; i < GOOD; i += sizeof pattern) {
    pattern = pattern * 6364136223846793005u + 1442695040888963407u;
    memcpy(arena + i, &pattern, sizeof pattern);
  }
}

void note(struct choice *choice, const char *format, ...) {
  size_t length = strlen(choice->text);
  va_list list;
  va_start(list, format);
  vsnprintf(choice->text + length, sizeof choice->text - length, format, list);
  va_end(list);
}

/* Into no memory of a program's: low, not canonical, the kernel's, the last byte. */
static const uintptr_t nowhere[] = {0, 1, 4095, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, UINTPTR_MAX - 7, UINTPTR_MAX};

void *room(struct choice *choice, size_t size, bool *good) {
  unsigned pick = below(&choice->dice, 40);
  size_t rounded = (size + 15) & ~(size_t)15;
  bool unused;
  void *place;
  if (!good) pick = 39, good = &unused;
  *good = false;
  if (pick < 3) {
    place = (void *)nowhere[below(&choice->dice, sizeof nowhere / sizeof *nowhere)];
    note(choice, "%p", place);
  } else if (pick == 3) {
    place = arena + GOOD + PAGE + below(&choice->dice, 64);
    note(choice, "read-only");
  } else if (pick < 6 && size > 0 && !choice->at_the_end) {
    choice->at_the_end = true;
    /* Ends behind the last page that is there. */
    size_t short_of = 1 + below(&choice->dice, (unsigned)(size < 4000 ? size : 4000));
    place = arena + GOOD - short_of;
    note(choice, "%zu before a hole", short_of);
  } else if (pick < 10 && size > 0 && size <= PAGE && !choice->at_the_end) {
    choice->at_the_end = true;
    /* Ends with it. */
    place = arena + GOOD - size;
    *good = true;
  } else {
    NEED(choice->used + rounded <= GOOD - PAGE);
    *good = true;
    place = arena + choice->used;
    choice->used += rounded;
  }
  return place;
}

void ignore(struct choice *choice, const void *from, size_t size) {
  ptrdiff_t offset = (const char *)from - arena;
  if (offset < 0 || offset >= GOOD || choice->ignored_count == sizeof choice->ignored / sizeof *choice->ignored) return;
  if (size > GOOD - (size_t)offset) size = GOOD - (size_t)offset;
  choice->ignored[choice->ignored_count++] = (struct range){(size_t)offset, size};
}

static bool is_ignored(const struct choice *choice, size_t place) {
  for (size_t i = 0; i < choice->ignored_count; i++)
    if (place - choice->ignored[i].from < choice->ignored[i].size) return true;
  return false;
}

bool same_memory(const struct choice *choice, const char *before, const char *after, size_t *where) {
  if (memcmp(before, after, GOOD) == 0) return true;
  for (size_t i = 0; i < GOOD; i++)
    if (before[i] != after[i] && !is_ignored(choice, i)) {
      *where = i;
      return false;
    }
  return true;
}
