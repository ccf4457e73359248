/* Memory that threads and coroutines take, hand to each other and free, for allocators of all kinds: preloaded. */
#include "check.h"

#include <atomic>
#include <thread>
#include <vector>

enum { COROUTINES = 40, ROUNDS = 50, BATCH = 200, HANDS = 64 };

/* A piece knows its size, and is full of it. */
struct piece {
  size_t size;
  unsigned char bytes[];
};

static std::atomic<piece *> hands[HANDS];
static std::atomic<bool> over;
static std::atomic<long> handed;
static int done;

/* Puts a piece into each of some hands, and frees what was there. */
static void hand_on(unsigned seed) {
  for (int i = 0; i < BATCH; i++) {
    seed = seed * 1103515245u + 12345u;
    size_t room = seed % 97 == 0 ? 200000 : seed / 256 % 3000;
    piece *mine = (piece *)malloc(sizeof(piece) + room);
    mine->size = room;
    memset(mine->bytes, (int)(room & 255), room);
    piece *other = hands[seed / 65536 % HANDS].exchange(mine);
    if (!other) continue;
    bool whole = true;
    for (size_t at = 0; at < other->size; at += 61) whole = whole && other->bytes[at] == (other->size & 255);
    CHECK(whole);
    free(other);
    handed++;
  }
}

static void *hands_on(void *number) {
  co_enable_hook_sys();
  for (int i = 0; i < ROUNDS; i++) {
    hand_on((unsigned)(intptr_t)number * 7919u + (unsigned)i);
    if (i % 3 == 0) usleep(1);
  }
  done++;
  return NULL;
}

TEST(memory_goes_from_hand_to_hand_unharmed) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; i++)
    threads.emplace_back([i] {
      for (unsigned seed = i; !over; seed += 3) hand_on(seed);
    });
  for (intptr_t i = 0; i < COROUTINES; i++) start(hands_on, (void *)i);
  loop_until(&done, COROUTINES);
  over = true;
  for (std::thread &thread : threads) thread.join();
  CHECK(handed > COROUTINES * ROUNDS);
}

RUN_TESTS
