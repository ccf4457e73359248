/*
 * crowd.c - events of many descriptors that the kernel gives at once, while those who are told first deal with what the
 * others' events are about. Nothing that was read, ended or closed meanwhile comes back.
 */
#include "connection.h"

enum { MANY = 64 };
static int near[MANY], far[MANY], over;

static void connect_one(int i) {
  int ends[2];
  connect_pair(ends);
  near[i] = ends[0], far[i] = ends[1];
}

static int read_some(int i) {
  char text[8];
  return (int)read(near[i], text, sizeof text);
}

/* The same by a call that asks at once, whatever is known. */
static int take(int i) {
  char text[8];
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  return (int)recvfrom(near[i], text, sizeof text, 0, (struct sockaddr *)&from, &length);
}

static int has_input(int i, short events, int timeout) {
  struct pollfd polled = {near[i], events, 0};
  int found = poll(&polled, 1, timeout);
  CHECK_IS(found, polled.revents != 0);
  return polled.revents;
}

static void send_to_all(void) {
  for (int i = 0; i < MANY; i++) CHECK_IS(write(far[i], "x", 1), 1);
}

static void *wait_for_a_byte(void *i) {
  co_enable_hook_sys();
  CHECK_IS(read_some((int)(long)i), 1);
  over++;
  return NULL;
}

/* Many connections on which somebody has waited, and left them empty. */
static void connect_all(void) {
  co_enable_hook_sys();
  usleep(1);
  for (int i = 0; i < MANY; i++) connect_one(i);
  for (long i = 0; i < MANY; i++) start(wait_for_a_byte, (void *)i);
  send_to_all();
  while (over < MANY) usleep(1000);
}

static void *take_all(void *nothing) {
  connect_all();
  for (int round = 0; round < 3; round++) {
    send_to_all();
    for (int i = 0; i < MANY; i++) CHECK_IS(i ? take(i) : read_some(i), 1);
    for (int i = MANY - 1; i >= 0; i--) CHECK_IS(has_input(i, POLLIN, round), 0);
    for (int i = 0; i < MANY; i++) CHECK_IS(write(far[i], "y", 1), 1);
    for (int i = 0; i < MANY; i++) CHECK_IS(has_input(i, POLLIN, 1000), POLLIN);
    for (int i = 0; i < MANY; i++) CHECK_IS(i ? take(i) : read_some(i), 1);
  }
  done++;
  return nothing;
}

TEST(what_one_coroutine_has_taken_is_no_input_when_its_event_comes) { in_a_coroutine(take_all); }

/* A call that never waits leaves no note. */
static void *take_without_waiting(void *nothing) {
  char text[8];
  connect_all();
  send_to_all();
  CHECK_IS(read_some(0), 1);
  for (int i = 1; i < MANY; i++) CHECK_IS(recv(near[i], text, sizeof text, MSG_DONTWAIT), 1);
  for (int i = MANY - 1; i > 0; i--) CHECK_IS(has_input(i, POLLIN, 1), 0);
  send_to_all();
  for (int i = 0; i < MANY; i++) CHECK_IS(read_some(i), 1);
  done++;
  return nothing;
}

TEST(what_was_taken_without_waiting_is_no_input_either) { in_a_coroutine(take_without_waiting); }

/* Whoever waits in `poll` while another takes what there is goes on waiting. */
static int polled[MANY];

static void *poll_one(void *i) {
  co_enable_hook_sys();
  polled[(long)i] = has_input((int)(long)i, POLLIN, 300);
  over++;
  return NULL;
}

static void *take_from_the_others(void *nothing) {
  connect_all();
  over = 0;
  for (long i = 1; i < MANY; i++) start(poll_one, (void *)i);
  send_to_all();
  for (int i = 0; i < MANY; i++) CHECK_IS(i ? take(i) : read_some(i), 1);
  while (over < MANY - 1) usleep(1000);
  /* The first few were told before anything was taken. */
  CHECK_IS(polled[MANY - 1], 0);
  done++;
  return nothing;
}

TEST(who_polls_what_another_has_taken_waits_on) { in_a_coroutine(take_from_the_others); }

static void *end_all(void *nothing) {
  connect_all();
  send_to_all();
  for (int i = 0; i < MANY; i++) NEED(shutdown(far[i], SHUT_WR) == 0);
  for (int i = 0; i < MANY; i++) CHECK_IS(i ? take(i) : read_some(i), 1);
  for (int i = MANY - 1; i >= 0; i--)
    CHECK_IS(has_input(i, POLLIN | POLLRDHUP, i % 2 ? 0 : 1000), POLLIN | POLLRDHUP);
  for (int i = MANY - 1; i >= 0; i--) CHECK_IS(read_some(i), 0);
  done++;
  return nothing;
}

TEST(an_end_is_told_whoever_took_what_came_before_it) { in_a_coroutine(end_all); }

static void *close_all(void *nothing) {
  connect_all();
  send_to_all();
  CHECK_IS(read_some(0), 1);
  for (int i = MANY - 1; i > 0; i--) {
    int number = near[i];
    close(far[i]);
    close(number);
    connect_one(i);
    CHECK(near[i] == number || far[i] == number || i == MANY - 1);
    CHECK_IS(has_input(i, POLLIN, i % 8 == 0), 0);
  }
  send_to_all();
  for (int i = MANY - 1; i >= 0; i--) CHECK_IS(read_some(i), 1);
  for (int i = MANY - 1; i >= 0; i--) CHECK_IS(has_input(i, POLLIN, i % 8 == 0), 0);
  done++;
  return nothing;
}

TEST(a_number_that_is_used_again_has_no_event_of_its_old_meaning) { in_a_coroutine(close_all); }

static void *fork_meanwhile(void *nothing) {
  connect_all();
  send_to_all();
  CHECK_IS(read_some(0), 1);
  pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    /* The bytes are there for both: whoever is first takes one. */
    for (int i = 1; i < MANY; i += 2) CHECK_IS(read_some(i), 1);
    for (int i = 1; i < MANY; i += 2) CHECK_IS(has_input(i, POLLIN, 1), 0);
    _exit(check_failures != 0);
  }
  for (int i = 2; i < MANY; i += 2) CHECK_IS(read_some(i), 1);
  for (int i = 2; i < MANY; i += 2) CHECK_IS(has_input(i, POLLIN, 1), 0);
  int status = -1;
  NEED(waitpid(child, &status, 0) == child);
  CHECK_IS(status, 0);
  done++;
  return nothing;
}

TEST(a_child_of_fork_and_its_parent_take_what_is_theirs) { in_a_coroutine(fork_meanwhile); }

/* All who are told at once run before anybody comes round again. They are told between two calls of one coroutine, so
 * there are fewer of them than calls that it makes before it gives way. */
enum { TOLD = 28 };
static int pipes[TOLD][2], own[2], rounds, first_round, last_round;

static void *note_the_round(void *i) {
  char byte;
  co_enable_hook_sys();
  CHECK_IS(read(pipes[(long)i][0], &byte, 1), 1);
  if (over++ == 0) first_round = rounds;
  last_round = rounds;
  return NULL;
}

static void *come_round(void *nothing) {
  co_enable_hook_sys();
  for (long i = 0; i < TOLD; i++) NEED(pipe(pipes[i]) == 0);
  for (long i = 0; i < TOLD; i++) start(note_the_round, (void *)i);
  NEED(pipe(own) == 0);
  usleep(1000);
  for (int i = 0; i < TOLD; i++) CHECK_IS(write(pipes[i][1], "x", 1), 1);
  /* Calls without end, none of which waits: it gives way now and then. */
  for (char byte; over < TOLD && rounds < 1000000; rounds++)
    NEED(write(own[1], "x", 1) == 1 && read(own[0], &byte, 1) == 1);
  CHECK_IS(last_round, first_round);
  done++;
  return nothing;
}

TEST(nobody_comes_round_again_before_all_who_were_told) {
  start(come_round, NULL);
  loop_until(&done, 1);
}

RUN_TESTS
