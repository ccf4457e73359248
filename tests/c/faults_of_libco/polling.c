/* Faults of poll and of what stands behind it: several waiters, closed descriptors, events, time-outs. */
#include "../sleeping_loop.h"
#include "faults.h"

TEST(of_two_coroutines_on_one_descriptor_the_second_never_wakes) {
  make_pair();
  start(polls, (void *)0);
  start(polls, (void *)2);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
  CHECK(found[0] == 1 && found[2] == 1);
}

TEST(of_two_coroutines_on_one_descriptor_the_end_of_the_second_breaks_the_first) {
  make_pair();
  start(polls, (void *)0);
  start(polls, (void *)1);
  loop_until(&done, 1);
  CHECK_IS(found[1], 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
  CHECK(found[0] == 1 && revents[0] == POLLIN);
}

TEST(a_closed_descriptor_gives_no_pollnval) {
  make_pair();
  close(ends[0]);
  start(polls, (void *)0);
  CHECK_IS(done, 1);
  CHECK(found[0] == 1 && revents[0] == POLLNVAL);
}

static void closes(void) { CHECK_IS(close(ends[0]), 0); }

TEST(close_by_another_coroutine_does_not_wake_a_waiter) {
  make_pair();
  start(polls, (void *)0);
  go(closes);
  loop_until(&done, 2);
  CHECK(found[0] == 1 && revents[0] == POLLNVAL);
}

static void reads_what_is_closed(void) {
  char byte;
  CHECK(read(ends[0], &byte, 1) == -1 && errno == EBADF);
}

TEST(close_by_another_coroutine_does_not_wake_a_reader) {
  make_pair();
  go(reads_what_is_closed);
  go(closes);
  loop_until(&done, 2);
}

static int other[2];

static void replaces(void) { CHECK_IS(dup2(other[0], ends[0]), ends[0]); }

TEST(dup2_by_another_coroutine_does_not_wake_a_waiter) {
  make_pair();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
  CHECK_IS(write(other[1], "x", 1), 1);
  start(polls, (void *)0);
  go(replaces);
  loop_until(&done, 2);
  CHECK_IS(found[0], 1);
}

static int turns;

static int counts_turns(void *until) {
  turns++;
  return now_ns() >= *(long long *)until ? -1 : 0;
}

static int turns_in(int ms) {
  long long until = now_ns() + ms * 1000000LL;
  turns = 0;
  co_eventloop(co_get_epoll_ct(), counts_turns, &until);
  return turns;
}

TEST(a_closed_descriptor_with_a_living_duplicate_spins_the_loop) {
  make_pair();
  int copy = dup(ends[0]);
  stCoRoutine_t *co = start(polls, (void *)0);
  go(closes);
  loop_until(&done, 2);
  CHECK_IS(revents[0], POLLNVAL);
  co_release(co);
  CHECK_IS(write(ends[1], "x", 1), 1);
  /* About one a millisecond is right; a loop that spins turns a hundred times as often. */
  CHECK(turns_in(300) < 3000);
  close(copy);
}

TEST(a_closed_descriptor_with_a_living_duplicate_is_used_after_it_was_freed) {
  make_pair();
  int copy = dup(ends[0]);
  for (int i = 0; i < 100; i++) {
    stCoRoutine_t *co = start(polls, (void *)0);
    /* Closed where no hook sees it, and released while it waits. */
    syscall(SYS_close, ends[0]);
    co_release(co);
    CHECK_IS(write(ends[1], "x", 1), 1);
    loop_for(1);
    char byte;
    CHECK_IS(recv(copy, &byte, 1, 0), 1);
    CHECK_IS(dup2(copy, ends[0]), ends[0]);
  }
  CHECK_IS(done, 0);
  start(polls, (void *)0);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
  CHECK_IS(revents[0], POLLIN);
}

static void waits_for_urgent(void) {
  struct pollfd fd = {ends[1], POLLPRI, -1};
  CHECK_IS(poll(&fd, 1, 100000), 1);
  CHECK_IS(fd.revents, POLLPRI);
}

TEST(pollpri_is_dropped) {
  make_tcp_pair();
  go(waits_for_urgent);
  CHECK_IS(done, 0);
  CHECK_IS(send(ends[0], "!", 1, MSG_OOB), 1);
  loop_until(&done, 1);
}

static void waits_for_the_peers_end(void) {
  struct pollfd fd = {ends[1], POLLRDHUP, -1};
  CHECK_IS(poll(&fd, 1, 100000), 1);
  CHECK_IS(fd.revents, POLLRDHUP);
}

TEST(pollrdhup_is_dropped) {
  make_tcp_pair();
  go(waits_for_the_peers_end);
  CHECK_IS(done, 0);
  CHECK_IS(shutdown(ends[0], SHUT_WR), 0);
  loop_until(&done, 1);
}

static void polls_duplicates(void) {
  struct pollfd fds[4] = {{ends[0], POLLIN, -1}, {ends[0], POLLIN | POLLOUT, -1}, {ends[0], 0, -1}, {ends[0], POLLIN, -1}};
  struct pollfd same[3] = {{ends[0], POLLIN, -1}, {ends[0], POLLIN, -1}, {ends[0], POLLPRI, -1}};
  CHECK_IS(poll(same, 3, 100000), 2);
  CHECK(same[0].revents == POLLIN && same[1].revents == POLLIN && same[2].revents == 0);
  CHECK_IS(poll(fds, 4, 100000), 3);
  CHECK(fds[0].revents == POLLIN && fds[1].revents == (POLLIN | POLLOUT) && fds[2].revents == 0 &&
        fds[3].revents == POLLIN);
}

TEST(duplicates_in_one_poll_are_counted_wrong) {
  make_pair();
  go(polls_duplicates);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

static void polls_with_old_revents(void) {
  struct pollfd fds[2] = {{ends[0], POLLIN, POLLIN}, {ends[0], POLLPRI, POLLPRI | POLLERR}};
  CHECK_IS(poll(fds, 2, 5), 0);
  CHECK(fds[0].revents == 0 && fds[1].revents == 0);
}

TEST(revents_are_stale) {
  make_pair();
  finish(polls_with_old_revents);
}

static void polls_without_end(void) {
  struct pollfd fd = {ends[0], POLLIN, 0};
  poll(&fd, 1, -1);
}

TEST(infinite_ends_after_25_days) {
  make_pair();
  CHECK_IS(loop_sleeps_while(polls_without_end), FOREVER);
}

static void waits_for_anything(void) {
  struct pollfd fd = {ends[0], POLLIN, 0};
  poll(&fd, 1, 20);
}

TEST(releasing_a_waiting_coroutine_leaves_timers_pointing_at_it) {
  make_pair();
  for (int i = 0; i < 1000; i++) co_release(go(waits_for_anything));
  /* Others live where they lived when the time would be up. */
  for (int i = 0; i < 1000; i++) start(keeps_bytes, (void *)1);
  loop_for(60);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_for(10);
  CHECK_IS(done, 0);
}

RUN_TESTS
