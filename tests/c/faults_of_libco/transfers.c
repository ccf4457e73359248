/* Faults of reading and writing: errors out of nowhere, flags and time-outs that are ignored, blocked threads. */
#include "faults.h"

TEST(read_gives_eagain_after_a_second_when_no_time_out_was_set) {
  make_pair();
  go(reads_a_byte);
  loop_for(1300);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

static void reads_with_a_zero_time_out(void) {
  struct timeval zero = {0, 0};
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &zero, sizeof zero), 0);
  reads_a_byte();
}

TEST(read_gives_eagain_at_once_when_the_time_out_is_zero) {
  make_pair();
  go(reads_with_a_zero_time_out);
  loop_for(20);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

TEST(a_spurious_wake_gives_eagain) {
  make_pair();
  for (int i = 0; i < 5; i++) go(reads_a_byte);
  for (int i = 1; i <= 5; i++) {
    /* All are woken, one has it. */
    CHECK_IS(write(ends[1], "x", 1), 1);
    loop_for(10);
    CHECK_IS(done, i);
  }
}

static void reads_a_reset(void) {
  char byte;
  CHECK(read(ends[1], &byte, 1) == -1 && errno == ECONNRESET);
}

TEST(econnreset_becomes_epipe_and_sigpipe) {
  struct linger at_once = {1, 0};
  make_tcp_pair();
  go(reads_a_reset);
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close(ends[0]);
  loop_until(&done, 1);
}

TEST(msg_dontwait_waits) {
  make_pair();
  go(never_waits);
  CHECK_IS(done, 1);
}

static void reads_all(void) {
  char bytes[9] = {0};
  CHECK_IS(recv(ends[0], bytes, 8, MSG_WAITALL), 8);
  CHECK_TEXT(bytes, "01234567");
}

TEST(msg_waitall_is_short) {
  make_pair();
  go(reads_all);
  for (int i = 0; i < 8; i++) {
    CHECK_IS(done, 0);
    CHECK_IS(write(ends[1], &"01234567"[i], 1), 1);
    loop_for(2);
  }
  loop_until(&done, 1);
}

static void writes_with_a_time_out(void) {
  struct timeval limit = {0, 50000};
  char chunk[4096] = {0};
  ssize_t n;
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
  while ((n = write(ends[0], chunk, sizeof chunk)) > 0) continue;
  CHECK(n == -1 && errno == EAGAIN);
}

TEST(so_sndtimeo_is_ignored_by_write) {
  make_pair();
  finish(writes_with_a_time_out);
  CHECK(took_ns >= 50000000);
}

/* The pair was made outside any coroutine, where no hook was on: a blocked thread would hang here. */
static void writes_a_byte(void) { CHECK_IS(write(ends[1], "x", 1), 1); }

TEST(reading_a_descriptor_made_outside_the_hooks_blocks_the_thread) {
  make_pair();
  go(reads_a_byte);
  CHECK_IS(done, 0);
  go(writes_a_byte);
  loop_until(&done, 2);
}

static const size_t MUCH = 4 << 20;

static void writes_much(void) {
  char *bytes = calloc(1, MUCH);
  CHECK_IS(write(ends[1], bytes, MUCH), MUCH);
  free(bytes);
}

static void reads_much(void) {
  static char chunk[65536];
  size_t got = 0;
  ssize_t n;
  while (got < MUCH && (n = read(ends[0], chunk, sizeof chunk)) > 0) got += (size_t)n;
  CHECK_IS(got, MUCH);
}

static void makes_its_own_pair(void) {
  make_pair();
  writes_much();
}

TEST(writing_blocks_the_thread) {
  make_pair();
  go(writes_much);
  CHECK_IS(done, 0);
  go(reads_much);
  loop_until(&done, 2);
}

TEST(writing_to_a_socket_of_the_coroutines_own_blocks_the_thread) {
  go(makes_its_own_pair);
  CHECK_IS(done, 0);
  go(reads_much);
  loop_until(&done, 2);
}

RUN_TESTS
