/* Stacks are used again, their memory is given back, and there may be very many. */
#include "stacks.h"

#include <malloc.h>

#include "co_routine_inner.h"

static void *tells_its_address(void *place) {
  char here;
  *(uintptr_t *)place = (uintptr_t)&here;
  memset(__builtin_alloca(3000), 1, 3000);
  return NULL;
}

TEST(the_stack_that_was_freed_last_is_used_first) {
  uintptr_t first, again;
  stCoRoutine_t *other = start(tells_its_address, &first), *co = start(tells_its_address, &first);
  co_release(co);
  co = start(tells_its_address, &again);
  CHECK_IS(first, again);
  co_release(co);
  co_release(other);
}

TEST(memory_stays_flat_over_a_million_lives) {
  uintptr_t place;
  long size = 0, resident = 0;
  for (int i = 0; i < 1000000; i++) {
    stCoRoutine_t *co = NULL;
    if (co_create(&co, NULL, tells_its_address, &place) != 0) break;
    co_resume(co);
    co_release(co);
    if (i == 1000) {
      size = status_of("VmSize");
      resident = resident_bytes();
    }
    reached++;
  }
  CHECK_IS(reached, 1000000);
  CHECK(status_of("VmSize") - size <= 64);
  CHECK(resident_bytes() - resident <= 256 * KIB);
}

TEST(memory_stays_flat_over_waves_of_many_lives) {
  enum { WAVE = 5000 };
  static stCoRoutine_t *all[WAVE];
  uintptr_t place;
  long size = 0, resident = 0;
  for (int wave = 0; wave < 20; wave++) {
    for (int i = 0; i < WAVE; i++) all[i] = start(tells_its_address, &place);
    for (int i = 0; i < WAVE; i++) co_release(all[wave % 2 ? i : WAVE - 1 - i]);
    if (wave == 2) {
      size = status_of("VmSize");
      resident = resident_bytes();
    }
  }
  CHECK(status_of("VmSize") - size <= 300 * MIB / KIB);
  CHECK(resident_bytes() - resident <= 2 * MIB);
}

TEST(what_thousands_of_stacks_held_is_given_back) {
  enum { MANY = 20000 };
  static stCoRoutine_t *all[MANY];
  uintptr_t place;
  co_release(start(tells_its_address, &place));
  long before = resident_bytes();
  for (int i = 0; i < MANY; i++) all[i] = start(tells_its_address, &place);
  long most = resident_bytes();
  CHECK(most - before >= MANY * 4096L);
  for (int i = 0; i < MANY; i++) co_release(all[i]);
  malloc_trim(0);
  CHECK(resident_bytes() - before <= (most - before) / 8);
}

TEST(a_hundred_thousand_coroutines_have_stacks_of_their_own) {
  enum { MANY = 100000 };
  static stCoRoutine_t *all[MANY];
  for (int i = 0; i < MANY; i++) {
    if (co_create(&all[i], NULL, waits_for_good, NULL) != 0) break;
    co_resume(all[i]);
  }
  CHECK_IS(reached, MANY);
  /* Huge pages would make each resident as a whole. */
  CHECK(resident_bytes() <= MANY * 16L * KIB);
  for (int i = 0; i < MANY && all[i]; i++) {
    co_resume(all[i]);
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
  CHECK_IS(reached, 2 * MANY);
}

TEST(no_memory_of_the_process_is_writable_and_executable) {
  char line[500];
  stShareStack_t *shared = co_alloc_sharestack(3, 64 * KIB);
  for (int i = 0; i < 10; i++) co_resume(spawn_on(i % 2 ? shared : NULL, 0, waits_for_good, NULL));
  FILE *maps = fopen("/proc/self/maps", "r");
  int seen = 0;
  while (fgets(line, sizeof line, maps)) {
    const char *rights = strchr(line, ' ');
    seen++;
    if (rights && rights[2] == 'w' && rights[3] == 'x') CHECK_TEXT(line, "");
  }
  CHECK(seen > 10);
  fclose(maps);
}

RUN_TESTS
