/* messages.c - batches of messages, positions, counters: the coroutine waits, its thread goes on. */
#include "ticks.h"

#include <sys/eventfd.h>
#include <sys/uio.h>
#include <threads.h>

enum { WAITERS = 20, BATCH = 3 };

static int begun, finished, ends[WAITERS][2];

struct batch {
  char bytes[BATCH][8];
  struct iovec pieces[BATCH];
  struct mmsghdr messages[BATCH];
};

static void prepare(struct batch *batch) {
  memset(batch, 0, sizeof *batch);
  for (int i = 0; i < BATCH; i++) {
    batch->pieces[i] = (struct iovec){batch->bytes[i], 8};
    batch->messages[i].msg_hdr = (struct msghdr){.msg_iov = &batch->pieces[i], .msg_iovlen = 1};
  }
}

/* On the coroutine's own stack, which may be copied away meanwhile. */
static void *receive_batch(void *number) {
  int fd = ends[(intptr_t)number][0], before = ticks;
  struct batch batch;
  struct timespec timeout = {1000, 0};
  prepare(&batch);
  co_enable_hook_sys();
  begun++;
  CHECK_IS(recvmmsg(fd, batch.messages, BATCH, 0, (intptr_t)number % 2 ? &timeout : NULL), BATCH);
  for (int i = 0; i < BATCH; i++) {
    CHECK_IS(batch.messages[i].msg_len, 2);
    CHECK_IS(batch.bytes[i][0], (intptr_t)number);
    CHECK_IS(batch.bytes[i][1], i);
  }
  CHECK(ticks > before);
  finished++;
  return NULL;
}

static void *send_slowly(void *nothing) {
  co_enable_hook_sys();
  CHECK(begun == WAITERS && finished == 0);
  for (int k = 0; k < BATCH; k++) {
    usleep(33000);
    for (int i = 0; i < WAITERS; i++) {
      char bytes[2] = {(char)i, (char)k};
      NEED(send(ends[i][1], bytes, 2, 0) == 2);
    }
  }
  return nothing;
}

static void receive_batches(stShareStack_t *shared, int kind) {
  for (int i = 0; i < WAITERS; i++) NEED(socketpair(AF_UNIX, kind, 0, ends[i]) == 0);
  start(tick, NULL);
  for (intptr_t i = 0; i < WAITERS; i++) co_resume(spawn_on(shared, 128 << 10, receive_batch, (void *)i));
  start(send_slowly, NULL);
  loop_until(&finished, WAITERS);
}

TEST(twenty_batches_are_awaited_together) { receive_batches(NULL, SOCK_DGRAM); }
TEST(twenty_batches_are_awaited_together_on_a_shared_stack) {
  receive_batches(co_alloc_sharestack(1, 256 << 10), SOCK_SEQPACKET);
}

/* Each sends to a peer that makes room after 100 ms. */
static void *send_batch(void *number) {
  static char large[60000];
  int fd = ends[(intptr_t)number][1], before = ticks;
  struct batch batch;
  prepare(&batch);
  for (int i = 0; i < BATCH; i++) batch.pieces[i] = (struct iovec){large, sizeof large};
  co_enable_hook_sys();
  begun++;
  CHECK_IS(sendmmsg(fd, batch.messages, BATCH, 0), BATCH);
  for (int i = 0; i < BATCH; i++) CHECK_IS(batch.messages[i].msg_len, sizeof large);
  CHECK(ticks > before);
  finished++;
  return NULL;
}

static void *receive_all(void *nothing) {
  static char got[60000];
  co_enable_hook_sys();
  usleep(100000);
  CHECK(begun == WAITERS && finished == 0);
  for (int i = 0; i < WAITERS; i++)
    for (int k = 0; k < BATCH; k++) CHECK_IS(recv(ends[i][0], got, sizeof got, MSG_WAITALL), sizeof got);
  return nothing;
}

static void send_batches(int kind) {
  for (int i = 0; i < WAITERS; i++) {
    int room = 40000;
    NEED(socketpair(AF_UNIX, kind, 0, ends[i]) == 0);
    NEED(setsockopt(ends[i][1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
  }
  start(tick, NULL);
  for (intptr_t i = 0; i < WAITERS; i++) start(send_batch, (void *)i);
  start(receive_all, NULL);
  loop_until(&finished, WAITERS);
}

TEST(twenty_batches_of_packets_wait_for_room_together) { send_batches(SOCK_SEQPACKET); }
TEST(twenty_batches_on_streams_wait_for_room_together) { send_batches(SOCK_STREAM); }

/* ---- released and closed ---------------------------------------------------------------------------- */

TEST(a_coroutine_is_released_in_a_batch) {
  stCoRoutine_t *waiting[WAITERS];
  for (int i = 0; i < WAITERS; i++) NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends[i]) == 0);
  for (intptr_t i = 0; i < WAITERS; i++) {
    waiting[i] = start(receive_batch, (void *)i);
    NEED(send(ends[i][1], "xy", 2, 0) == 2);
  }
  loop_for(20);
  for (int i = 0; i < WAITERS; i++) co_release(waiting[i]);
  loop_for(5);
  CHECK_IS(finished, 0);
}

static void *receive_some(void *count) {
  struct batch batch;
  prepare(&batch);
  co_enable_hook_sys();
  long n = recvmmsg(ends[0][0], batch.messages, BATCH, 0, NULL);
  if ((intptr_t)count) CHECK_IS(n, (intptr_t)count);
  else CHECK(n == -1 && errno == EBADF);
  finished++;
  return NULL;
}

TEST(what_has_come_is_not_lost_when_the_socket_is_closed) {
  for (intptr_t count = 0; count < 2; count++) {
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends[0]) == 0);
    start(receive_some, (void *)count);
    loop_for(3);
    if (count) NEED(send(ends[0][1], "xy", 2, 0) == 2);
    loop_for(3);
    close(ends[0][0]);
    loop_until(&finished, (int)count + 1);
  }
}

/* ---- the same for one waiter each ------------------------------------------------------------------- */

static void *wait_in(void *way) {
  uint64_t value = 0;
  struct iovec piece = {&value, 8};
  struct timespec time = {0, 100000000};
  int which = (int)(intptr_t)way, fd = ends[which][0], before = ticks;
  co_enable_hook_sys();
  begun++;
  switch (which % 4) {
    case 0: CHECK_IS(eventfd_read(fd, &value), 0); break;
    case 1: CHECK_IS(preadv2(fd, &piece, 1, -1, RWF_HIPRI), 8); break;
    case 2: CHECK_IS(preadv64v2(fd, &piece, 1, -1, 0), 8); break;
    case 3: CHECK_IS(thrd_sleep(&time, NULL), 0); break;
  }
  if (which % 4 != 3) CHECK_IS(value, 7);
  CHECK(ticks > before);
  finished++;
  return NULL;
}

static void *feed(void *nothing) {
  co_enable_hook_sys();
  CHECK(begun == WAITERS && finished == 0);
  usleep(100000);
  for (int i = 0; i < WAITERS; i++) CHECK_IS(eventfd_write(ends[i][1], 7), 0);
  return nothing;
}

TEST(twenty_other_calls_wait_together) {
  for (int i = 0; i < WAITERS; i++) {
    if (i % 4) NEED(pipe(ends[i]) == 0);
    else NEED((ends[i][0] = ends[i][1] = eventfd(0, 0)) >= 0);
  }
  start(tick, NULL);
  for (intptr_t i = 0; i < WAITERS; i++) start(wait_in, (void *)i);
  start(feed, NULL);
  loop_until(&finished, WAITERS);
}

RUN_TESTS
