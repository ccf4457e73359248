/* Its own text has no hooked call but those of the library it is linked with: they wait as coroutines all the same. */
#include "core.h"
#include <stdlib.h>

long read_outside(int fd, char *byte);

static void *reads_outside(void *unused) {
  char byte = 0;
  co_enable_hook_sys();
  note('a');
  CHECK(read_outside(pair[0], &byte) == 1 && byte == '!');
  note('c');
  ended++;
  return unused;
}

static void read_outside_waits(void) {
  struct timeval limit = {2, 0};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  CHECK(strcmp(run_two(reads_outside, sends), "abc") == 0);
}

int main(void) {
  (void)coroutines_switch;
  (void)co_poll_waits;
  (void)hooked_calls_wait;
  (void)run_core;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
  CASE("a blocking read in another library lets the thread go on", read_outside_waits);
  return 0;
}
