/* Wants one function that has to do with neither coroutines nor hooks. */
#include "co_routine.h"

int main(void) {
  co_log_err("%s\n", "works");
  return 0;
}
