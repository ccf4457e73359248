/* Threads have loops of their own, which run side by side. */
#include "rally.h"
#include "threads.h"

/* Coroutines of the calling thread that write to each other, to their end. */
static void play(int pairs, int rounds) {
  struct rally rallies[64];
  stCoRoutine_t *all[128];
  int finished = 0;
  for (int i = 0; i < pairs; i++) {
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, rallies[i].ends) == 0);
    rallies[i].rounds = rounds;
    rallies[i].finished = &finished;
    all[2 * i] = start(hits_back, &rallies[i]);
    all[2 * i + 1] = start(hits_first, &rallies[i]);
  }
  loop_until(&finished, 2 * pairs);
  for (int i = 0; i < pairs; i++) {
    co_release(all[2 * i]);
    co_release(all[2 * i + 1]);
    close(rallies[i].ends[0]);
    close(rallies[i].ends[1]);
  }
}

static void *plays(void *unused) {
  play(20, 200);
  return unused;
}

TEST(threads_run_their_loops_independently) {
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, plays, NULL);
  play(20, 200);
  join_all(threads, 8);
}

static void *never_returns(void *unused) {
  start(hits_back, unused);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  return NULL;
}

TEST(loops_of_many_threads_serve_whoever_writes_to_them) {
  struct rally rallies[16];
  static int finished[16];
  pthread_t thread;
  for (int i = 0; i < 16; i++) {
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, rallies[i].ends) == 0);
    rallies[i].rounds = INT_MAX;
    rallies[i].finished = &finished[i];
    pthread_create(&thread, NULL, never_returns, &rallies[i]);
  }
  for (int round = 0; round < 200; round++)
    for (int i = 0; i < 16; i++) {
      char ball = (char)round;
      CHECK_IS(write(rallies[i].ends[0], &ball, 1), 1);
      CHECK_IS(read(rallies[i].ends[0], &ball, 1), 1);
      CHECK_IS(ball, (char)(round + 1));
    }
}

static void *makes_threads(void *unused) {
  pthread_t threads[4];
  co_enable_hook_sys();
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, plays, NULL);
  usleep(1000);
  join_all(threads, 4);
  add_done();
  return unused;
}

TEST(a_coroutine_may_make_threads_that_run_coroutines) {
  start(makes_threads, NULL);
  loop_until(&done, 1);
}

RUN_TESTS
