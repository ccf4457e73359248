/* Parents and children go on with loops of their own; commands. */
#include "rally.h"
#include "threads.h"

#include "co_routine_inner.h"

/* Waits for a child that must have ended well; in a coroutine with hooks on the others go on meanwhile. */
static void reap(pid_t child) {
  int status = -1;
  for (;;) {
    pid_t got = waitpid(child, &status, WNOHANG);
    if (got != 0) break;
    poll(NULL, 0, 1);
  }
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void end_child(void) {
  /* Nobody else of the child is to run any more. */
  co_disable_hook_sys();
  fflush(NULL);
  _exit(check_failures ? 1 : 0);
}

static void *child_writes_to_itself(void *argument) {
  struct rally rally = {{0, 0}, 50, argument};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, rally.ends) == 0);
  stCoRoutine_t *other = start(hits_back, &rally);
  hits_first(&rally);
  usleep(1000);
  CHECK(other->cEnd);
  return NULL;
}

static void *forks(void *unused) {
  int finished = 0, unaffected[2];
  co_enable_hook_sys();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, unaffected) == 0);
  pid_t child = fork();
  if (child == 0) {
    /* This coroutine goes on in the child, which turns a loop of its own inside it. */
    CHECK(co_self() != NULL && !co_self()->cIsMain);
    start(child_writes_to_itself, &finished);
    loop_until(&finished, 2);
    close(common[0]);
    close(common[1]);
    end_child();
  }
  CHECK(child > 0);
  reap(child);
  child_writes_to_itself(&finished);
  add_done();
  return unused;
}

TEST(a_coroutine_forks_and_parent_and_child_go_on_with_loops_of_their_own) {
  cond = co_cond_alloc();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, common) == 0);
  start(bystander_reads, common);
  start(bystander_sleeps, NULL);
  start(bystander_waits, NULL);
  start(forks, NULL);
  /* Those who waited in the parent all along wait undisturbed, though the child closed what they wait for. */
  loop_until(&done, 2);
  loop_for(20);
  CHECK_IS(done, 2);
  CHECK_IS(write(common[1], "p", 1), 1);
  co_cond_signal(cond);
  loop_until(&done, 4);
}

static void *forks_and_returns(void *place) {
  co_enable_hook_sys();
  *(pid_t *)place = fork();
  return NULL;
}

TEST(the_childs_copies_of_waiting_coroutines_wait_on_in_the_childs_loop) {
  pid_t child = -1;
  cond = co_cond_alloc();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, common) == 0);
  start(bystander_reads, common);
  start(bystander_sleeps, NULL);
  start(bystander_waits, NULL);
  stCoRoutine_t *forker = start(forks_and_returns, &child);
  CHECK(forker->cEnd);
  if (child == 0) {
    loop_until(&done, 1);
    CHECK_IS(write(common[1], "p", 1), 1);
    co_cond_signal(cond);
    loop_until(&done, 3);
    end_child();
  }
  /* They read from one socket: the parent's turn comes when the child's is over. */
  reap(child);
  CHECK_IS(done, 0);
  loop_until(&done, 1);
  CHECK_IS(write(common[1], "p", 1), 1);
  co_cond_signal(cond);
  loop_until(&done, 3);
}

static void fork_generations(int left) {
  int finished = 0;
  pid_t child = fork();
  if (child == 0) {
    start(child_writes_to_itself, &finished);
    loop_until(&finished, 2);
    if (left > 0) fork_generations(left - 1);
    end_child();
  }
  start(child_writes_to_itself, &finished);
  loop_until(&finished, 2);
  reap(child);
}

TEST(children_of_children_fork_too) {
  start(sleeps_long, NULL);
  fork_generations(5);
}

static void *forks_in_a_thread(void *unused) {
  int finished = 0;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet) == 0);
  start(sleeps_long, NULL);
  start(reads, NULL);
  start(forks, NULL);
  loop_until(&done, 1);
  start(child_writes_to_itself, &finished);
  loop_until(&finished, 2);
  return unused;
}

TEST(a_coroutine_of_another_thread_forks) {
  pthread_t thread;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, common) == 0);
  start(sleeps_long, NULL);
  pthread_create(&thread, NULL, forks_in_a_thread, NULL);
  loop_until(&done, 1);
  pthread_join(thread, NULL);
}

static void *signals_for_ever(void *stop) {
  while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) co_cond_broadcast(cond);
  return NULL;
}

static void *keeps_waiting(void *unused) {
  for (;;) co_cond_timedwait(cond, -1);
  return unused;
}

static void *stays_alive(void *stop) {
  for (int i = 0; i < 5; i++) start(keeps_waiting, NULL);
  loop_until(stop, 1);
  return NULL;
}

static stCoRoutine_t *offered;

static void *releases_what_is_offered(void *stop) {
  while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) {
    stCoRoutine_t *co = __atomic_exchange_n(&offered, NULL, __ATOMIC_ACQ_REL);
    if (co) co_release(co);
  }
  return NULL;
}

/* Other threads signal each other, and send messages to the one that forks. */
TEST(forking_while_other_threads_use_the_library_harms_neither) {
  pthread_t threads[3];
  int stop = 0;
  cond = co_cond_alloc();
  pthread_create(&threads[0], NULL, signals_for_ever, &stop);
  pthread_create(&threads[1], NULL, stays_alive, &stop);
  pthread_create(&threads[2], NULL, releases_what_is_offered, &stop);
  for (int i = 0; i < 200 && check_failures == 0; i++) {
    for (int j = 0; j < 50; j++)
      if (!__atomic_load_n(&offered, __ATOMIC_ACQUIRE)) __atomic_store_n(&offered, start(yields, NULL), __ATOMIC_RELEASE);
    pid_t child = fork();
    if (child == 0) {
      int finished = 0;
      alarm(20);
      start(child_writes_to_itself, &finished);
      loop_until(&finished, 2);
      end_child();
    }
    loop_for(0);
    reap(child);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  join_all(threads, 3);
}

static void *runs_commands(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 5; i++) {
    char line[20] = "";
    CHECK_IS(system("exit 7") >> 8, 7);
    FILE *command = popen("echo words", "r");
    if (CHECK(command != NULL)) {
      CHECK(fgets(line, sizeof line, command) != NULL);
      CHECK_TEXT(line, "words\n");
      CHECK_IS(pclose(command), 0);
    }
    usleep(1000);
  }
  add_done();
  return unused;
}

TEST(coroutines_run_commands) {
  cond = co_cond_alloc();
  start(sleeps_long, NULL);
  for (int i = 0; i < 3; i++) start(runs_commands, NULL);
  start(bystander_sleeps, NULL);
  loop_until(&done, 4);
}

RUN_TESTS
