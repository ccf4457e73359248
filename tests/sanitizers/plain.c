/* Stands for a library that was built without the checker: its frames have no markings of their own. */
#include <string.h>
#include "plain.h"

/* Through pointers, so that the checker's versions are called and the room is looked at. */
static void *(*volatile set)(void *, int, size_t) = memset;
static size_t (*volatile length)(const char *) = strlen;

size_t plain_work(int depth) {
  char room[3000];
  set(room, 'r', sizeof room);
  room[sizeof room - 1] = 0;
  size_t below = depth > 0 ? plain_work(depth - 1) : 0;
  return below + length(room);
}
