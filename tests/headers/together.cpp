// All headers in one source file, in the order in which no include helps the next, and the attributes' defaults.
#include "co_comm.h"
#include "co_routine_specific.h"
#include "co_closure.h"
#include "coctx.h"
#include "co_routine_inner.h"
#include "co_routine.h"

#include <string.h>

#include "../common/lines.h"

static void attributes() {
  stCoRoutineAttr_t attr;
  CHECK(attr.stack_size == 128 * 1024);
  CHECK(attr.share_stack == NULL);
  CHECK(sizeof(attr) == 4 + sizeof(void *));
  CHECK(reinterpret_cast<char *>(&attr) == reinterpret_cast<char *>(&attr.stack_size));
  /* Not offsetof: the type has a constructor. */
  attr.share_stack = reinterpret_cast<stShareStack_t *>(&attr);
  void *found = NULL;
  memcpy(&found, reinterpret_cast<char *>(&attr) + 4, sizeof(found));
  CHECK(found == &attr);
}

int main() {
  CASE("attributes begin with libco's defaults and have its layout", attributes);
  return 0;
}
