/* epoll.c - epoll instances of the program's own: the coroutine waits, its thread goes on. */
#include "ticks.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { WAITERS = 20 };

static int waiting, finished, taken, instance, ends[WAITERS][2];

static void add(int epoll, int fd, unsigned events, int tag) {
  struct epoll_event event = {.events = events, .data.fd = tag};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void *wait_on_own(void *number) {
  struct epoll_event events[4];
  struct timespec wait = {100, 0};
  int which = (int)(intptr_t)number, epoll = epoll_create1(0);
  sigset_t none;
  long n = 0;
  co_enable_hook_sys();
  sigemptyset(&none);
  add(epoll, ends[which][0], which % 3 ? EPOLLIN : EPOLLIN | EPOLLET, which);
  waiting++;
  switch (which % 4) {
    case 0: n = epoll_wait(epoll, events, 4, -1); break;
    case 1: n = epoll_pwait(epoll, events, 4, 100000, NULL); break;
    case 2: n = epoll_pwait2(epoll, events, 4, &wait, NULL); break;
    case 3: n = epoll_pwait(epoll, events, 4, -1, &none); break;
  }
  CHECK_IS(n, 1);
  CHECK_IS(events[0].data.fd, which);
  close(epoll);
  finished++;
  return NULL;
}

static void *feed_all(void *nothing) {
  co_enable_hook_sys();
  usleep(100000);
  CHECK_IS(waiting, WAITERS);
  CHECK_IS(finished, 0);
  for (int i = 0; i < WAITERS; i++) NEED(write(ends[i][1], "x", 1) == 1);
  return nothing;
}

static void wait_on_twenty(stShareStack_t *shared) {
  for (int i = 0; i < WAITERS; i++) NEED(pipe(ends[i]) == 0);
  start(tick, NULL);
  for (intptr_t i = 0; i < WAITERS; i++) co_resume(spawn_on(shared, 128 << 10, wait_on_own, (void *)i));
  start(feed_all, NULL);
  loop_until(&finished, WAITERS);
}

TEST(twenty_instances_are_awaited_together) { wait_on_twenty(NULL); }
TEST(twenty_instances_are_awaited_together_on_a_shared_stack) { wait_on_twenty(co_alloc_sharestack(1, 256 << 10)); }

static void *time_out(void *number) {
  struct epoll_event event;
  struct timespec wait = {0, 100000000};
  int epoll = epoll_create1(0);
  long long began = now_ns();
  co_enable_hook_sys();
  waiting++;
  if ((intptr_t)number % 2) CHECK_IS(epoll_wait(epoll, &event, 1, 100), 0);
  else CHECK_IS(epoll_pwait2(epoll, &event, 1, &wait, NULL), 0);
  CHECK(since_ms(began) >= 100);
  /* None had to wait for another before it began. */
  CHECK_IS(waiting, WAITERS);
  finished++;
  return NULL;
}

TEST(twenty_time_outs_pass_together) {
  start(tick, NULL);
  for (intptr_t i = 0; i < WAITERS; i++) start(time_out, (void *)i);
  loop_until(&finished, WAITERS);
}

/* ---- an event loop in a coroutine, with edges and one-shots ----------------------------------------- */

enum { MESSAGES = 4000 };

static void *loop_by_edges(void *once) {
  struct epoll_event events[3];
  char bytes[64];
  co_enable_hook_sys();
  while (taken < MESSAGES) {
    int n = epoll_wait(instance, events, 3, -1);
    if (!CHECK(n > 0)) break;
    for (int i = 0; i < n; i++) {
      ssize_t got;
      while ((got = read(events[i].data.fd, bytes, sizeof bytes)) > 0) taken += (int)got;
      CHECK(got == -1 && errno == EAGAIN);
      if (once) {
        struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = events[i].data.fd};
        CHECK_IS(epoll_ctl(instance, EPOLL_CTL_MOD, again.data.fd, &again), 0);
      }
    }
  }
  finished++;
  return NULL;
}

static void *feed_at_random(void *dice) {
  co_enable_hook_sys();
  for (int i = 0; i < MESSAGES; i++) {
    NEED(write(ends[below((struct dice *)dice, WAITERS)][1], "x", 1) == 1);
    if (below((struct dice *)dice, 8) == 0) usleep(below((struct dice *)dice, 300));
  }
  return NULL;
}

static void *feed_on_a_thread(void *dice) {
  for (int i = 0; i < MESSAGES; i++) {
    NEED(write(ends[below((struct dice *)dice, WAITERS)][1], "x", 1) == 1);
    if (below((struct dice *)dice, 8) == 0) usleep(below((struct dice *)dice, 300));
  }
  return NULL;
}

static void no_event_is_lost(unsigned how, int by_thread) {
  static struct dice dice;
  pthread_t thread;
  dice = cast_dice();
  NEED((instance = epoll_create1(0)) >= 0);
  for (int i = 0; i < WAITERS; i++) {
    NEED(pipe2(ends[i], O_NONBLOCK) == 0);
    add(instance, ends[i][0], EPOLLIN | how, ends[i][0]);
  }
  start(tick, NULL);
  start(loop_by_edges, how == EPOLLONESHOT ? &dice : NULL);
  if (by_thread) NEED(pthread_create(&thread, NULL, feed_on_a_thread, &dice) == 0);
  else start(feed_at_random, &dice);
  loop_until(&finished, 1);
  CHECK_IS(taken, MESSAGES);
  if (by_thread) pthread_join(thread, NULL);
}

TEST(what_is_fed_at_random_comes_by_edges) { no_event_is_lost(EPOLLET, 0); }
TEST(what_another_thread_feeds_at_random_comes_by_edges) { no_event_is_lost(EPOLLET, 1); }
TEST(what_is_fed_at_random_comes_by_single_shots) { no_event_is_lost(EPOLLONESHOT, 0); }
TEST(what_another_thread_feeds_at_random_comes_by_single_shots) { no_event_is_lost(EPOLLONESHOT, 1); }

/* ---- closed, released, interrupted ------------------------------------------------------------------ */

static void *wait_for_close(void *nothing) {
  struct epoll_event event;
  co_enable_hook_sys();
  CHECK(epoll_wait(instance, &event, 1, -1) == -1 && errno == EBADF);
  finished++;
  return nothing;
}

TEST(whoever_waits_is_told_that_the_instance_is_closed) {
  NEED((instance = epoll_create1(0)) >= 0);
  start(wait_for_close, NULL);
  loop_for(3);
  close(instance);
  loop_until(&finished, 1);
}

TEST(a_coroutine_is_released_while_it_waits) {
  NEED((instance = epoll_create1(0)) >= 0);
  stCoRoutine_t *co = start(wait_for_close, NULL);
  loop_for(3);
  co_release(co);
  close(instance);
  loop_for(3);
  CHECK_IS(finished, 0);
}

static volatile sig_atomic_t handled;
static void handler(int signal) { handled += signal == SIGUSR1; }

static void *wait_for_interruption(void *nothing) {
  struct epoll_event event;
  co_enable_hook_sys();
  CHECK(epoll_wait(instance, &event, 1, -1) == -1 && errno == EINTR);
  finished++;
  return nothing;
}

TEST(a_handler_interrupts_whatever_its_flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  NEED(sigaction(SIGUSR1, &action, NULL) == 0 && (instance = epoll_create1(0)) >= 0);
  start(wait_for_interruption, NULL);
  loop_for(3);
  kill(getpid(), SIGUSR1);
  loop_until(&finished, 1);
  CHECK_IS(handled, 1);
}

/* Another thread takes from the same instance. */
static void *take_on_a_thread(void *nothing) {
  struct epoll_event event;
  while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < 2000)
    if (epoll_wait(instance, &event, 1, 5) == 1 && read(event.data.fd, &(char){0}, 1) == 1) {
      struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = event.data.fd};
      __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
      epoll_ctl(instance, EPOLL_CTL_MOD, event.data.fd, &again);
    }
  return nothing;
}

static void *take_in_a_coroutine(void *nothing) {
  co_enable_hook_sys();
  take_on_a_thread(NULL);
  finished++;
  return nothing;
}

static void *feed_two_thousand(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < 2000; i++) {
    NEED(write(ends[i % WAITERS][1], "x", 1) == 1);
    if (i % 50 == 0) usleep(500);
  }
  return nothing;
}

TEST(coroutines_and_a_thread_share_an_instance) {
  pthread_t thread;
  NEED((instance = epoll_create1(0)) >= 0);
  for (int i = 0; i < WAITERS; i++) {
    NEED(pipe2(ends[i], O_NONBLOCK) == 0);
    add(instance, ends[i][0], EPOLLIN | EPOLLONESHOT, ends[i][0]);
  }
  NEED(pthread_create(&thread, NULL, take_on_a_thread, NULL) == 0);
  for (int i = 0; i < 4; i++) start(take_in_a_coroutine, NULL);
  start(feed_two_thousand, NULL);
  loop_until(&finished, 4);
  pthread_join(thread, NULL);
  CHECK_IS(taken, 2000);
}

RUN_TESTS
