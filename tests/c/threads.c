/* Threads and processes: independent loops, the end of a thread, fork, cancellation, descriptor numbers. */
#include "check.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>

#include "co_routine_inner.h"

static int done;
static stCoCond_t *cond;

static int add_done(void) { return __atomic_add_fetch(&done, 1, __ATOMIC_ACQ_REL); }

static void join_all(pthread_t *threads, int count) {
  for (int i = 0; i < count; i++) CHECK_IS(pthread_join(threads[i], NULL), 0);
}

/* ---- independent loops ------------------------------------------------------------------------------ */

struct rally {
  int ends[2], rounds, *finished;
};

static void *hits_back(void *argument) {
  struct rally *rally = argument;
  char ball;
  co_enable_hook_sys();
  for (int i = 0; i < rally->rounds; i++) {
    if (!CHECK_IS(read(rally->ends[1], &ball, 1), 1)) break;
    ball++;
    if (!CHECK_IS(write(rally->ends[1], &ball, 1), 1)) break;
  }
  ++*rally->finished;
  return NULL;
}

static void *hits_first(void *argument) {
  struct rally *rally = argument;
  pthread_t thread = pthread_self();
  char ball;
  co_enable_hook_sys();
  for (int i = 0; i < rally->rounds; i++) {
    ball = (char)i;
    if (!CHECK_IS(write(rally->ends[0], &ball, 1), 1)) break;
    if (i % 50 == 0) usleep(1000);
    if (!CHECK_IS(read(rally->ends[0], &ball, 1), 1)) break;
    CHECK_IS(ball, (char)(i + 1));
    CHECK(pthread_equal(thread, pthread_self()));
  }
  ++*rally->finished;
  return NULL;
}

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

/* ---- the end of a thread ---------------------------------------------------------------------------- */

static void *yields(void *unused) {
  char bytes[5000];
  memset(bytes, 1, sizeof bytes);
  co_yield_ct();
  return unused;
}

static void *sleeps_long(void *unused) {
  co_enable_hook_sys();
  sleep(1000);
  return unused;
}

static void *waits_for_condition(void *unused) {
  co_cond_timedwait(cond, -1);
  return unused;
}

static __thread int quiet[2];

static void *reads(void *unused) {
  char byte;
  co_enable_hook_sys();
  return read(quiet[0], &byte, 1) == 1 ? unused : NULL;
}

static void *runs_out(void *unused) { return unused; }

enum { USED = 60 };

/* Coroutines in every state, on stacks of both kinds. */
static void use_everything(stCoRoutine_t *all[USED], stShareStack_t *shared) {
  static void *(*const bodies[])(void *) = {yields, sleeps_long, waits_for_condition, reads, runs_out};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet) == 0);
  for (int i = 0; i < USED; i++) {
    all[i] = spawn_on(i % 2 ? shared : NULL, 16384 * (1 + i % 3), bodies[i % 5], NULL);
    if (i % 11) co_resume(all[i]);
  }
  loop_for(2);
}

static void *uses_everything(void *tidy) {
  stCoRoutine_t *all[USED];
  stShareStack_t *shared = co_alloc_sharestack(2, 65536);
  use_everything(all, shared);
  close(quiet[0]);
  close(quiet[1]);
  loop_for(1);
  if (tidy) {
    for (int i = 0; i < USED; i++) co_release(all[i]);
    CHECK_IS(co_free_sharestack(shared), 0);
  }
  return NULL;
}

static void run_threads(int count, void *tidy) {
  for (int i = 0; i < count; i++) {
    pthread_t threads[4];
    for (int j = 0; j < 4; j++) NEED(pthread_create(&threads[j], NULL, uses_everything, tidy) == 0);
    join_all(threads, 4);
  }
}

TEST(all_that_a_thread_had_is_freed_at_its_end) {
  cond = co_cond_alloc();
  run_threads(20, "tidy");
  int descriptors = open_descriptors();
  long size = status_of("VmSize"), resident = resident_bytes();
  run_threads(100, "tidy");
  CHECK_IS(open_descriptors(), descriptors);
  CHECK(status_of("VmSize") - size <= 4096);
  CHECK(resident_bytes() - resident <= 2 << 20);
  fprintf(stderr, "# %ld KiB more of address space, %ld of memory\n", status_of("VmSize") - size,
          (resident_bytes() - resident) / 1024);
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(of_coroutines_that_a_thread_leaves_behind_little_remains) {
  cond = co_cond_alloc();
  run_threads(20, NULL);
  int descriptors = open_descriptors();
  long size = status_of("VmSize"), resident = resident_bytes();
  run_threads(100, NULL);
  CHECK_IS(open_descriptors(), descriptors);
  /* The shared stacks are the program's to free, and the control blocks may still be released. */
  long left = 400L * USED * 600, stacks = 400L * 2 * (65536 + 32768);
  CHECK((status_of("VmSize") - size) * 1024 <= left + stacks + (8 << 20));
  CHECK(resident_bytes() - resident <= left + 400L * 2 * 3 * 4096 + (2 << 20));
  fprintf(stderr, "# %ld KiB more of address space, %ld of memory\n", status_of("VmSize") - size,
          (resident_bytes() - resident) / 1024);
  CHECK_IS(co_cond_free(cond), 0);
}

static pthread_key_t key;
static int destroyed;

static void *exits_the_thread(void *unused) {
  (void)unused;
  pthread_exit((void *)77);
}

static void cleans_up(void *unused) {
  (void)unused;
  add_done();
}

static void *exits_with_cleanup(void *unused) {
  pthread_cleanup_push(cleans_up, NULL);
  exits_the_thread(unused);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *resumes_an_exit(void *body) {
  start(sleeps_long, NULL);
  start((void *(*)(void *))body, NULL);
  CHECK(!"pthread_exit returns");
  return NULL;
}

static void *resumes_an_exit_deep(void *body) {
  co_resume(spawn(resumes_an_exit, body));
  CHECK(!"pthread_exit returns");
  return NULL;
}

static int exits_in_the_callback(void *unused) {
  exits_the_thread(unused);
  return 0;
}

static void *exits_from_the_loop(void *unused) {
  start(sleeps_long, NULL);
  co_eventloop(co_get_epoll_ct(), exits_in_the_callback, unused);
  return NULL;
}

static void exits(void *(*thread_body)(void *), void *argument) {
  int descriptors = 0;
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, thread_body, argument);
    CHECK_IS(pthread_join(thread, &result), 0);
    CHECK(result == (void *)77);
    if (i == 5) descriptors = open_descriptors();
  }
  CHECK_IS(open_descriptors(), descriptors);
}

TEST(a_thread_may_exit_inside_a_coroutine) { exits(resumes_an_exit, (void *)exits_the_thread); }

TEST(a_thread_may_exit_inside_a_nested_coroutine_and_its_cleanup_runs) {
  exits(resumes_an_exit_deep, (void *)exits_with_cleanup);
  CHECK_IS(done, 50);
}

TEST(a_thread_may_exit_in_the_loops_callback) { exits(exits_from_the_loop, NULL); }

static void counts_destroyed(void *value) { destroyed += value != NULL; }

static void *uses_the_library_at_its_end(void *unused) {
  pthread_setspecific(key, "value");
  co_release(start(runs_out, NULL));
  return unused;
}

static void starts_again(void *value) {
  counts_destroyed(value);
  co_release(start(yields, NULL));
  usleep(10);
  co_yield_ct();
}

TEST(destructors_of_a_thread_may_still_use_the_library) {
  int descriptors = 0;
  pthread_key_create(&key, starts_again);
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, uses_the_library_at_its_end, NULL);
    pthread_join(thread, NULL);
    if (i == 5) descriptors = open_descriptors();
  }
  CHECK_IS(destroyed, 50);
  CHECK_IS(open_descriptors(), descriptors);
}

TEST(many_threads_begin_and_end_at_once) {
  enum { THREADS = 200 };
  pthread_t threads[THREADS];
  cond = co_cond_alloc();
  for (int i = 0; i < THREADS; i++) NEED(pthread_create(&threads[i], NULL, uses_everything, i % 2 ? "tidy" : NULL) == 0);
  join_all(threads, THREADS);
  CHECK_IS(co_cond_free(cond), 0);
}

/* ---- cancellation ----------------------------------------------------------------------------------- */

static int ready, cleaned;

static void note_cleaned(void *unused) {
  (void)unused;
  __atomic_add_fetch(&cleaned, 1, __ATOMIC_RELAXED);
}

static void loop_for_ever(void) {
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  pthread_cleanup_push(note_cleaned, NULL);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  pthread_cleanup_pop(0);
}

static int goes_on(void *unused) {
  (void)unused;
  return 0;
}

static void *loops_idle(void *unused) {
  loop_for_ever();
  return unused;
}

static void *loops_with_waiters(void *unused) {
  stCoRoutine_t *all[USED];
  use_everything(all, co_alloc_sharestack(2, 65536));
  loop_for_ever();
  return unused;
}

static void *loops_with_a_callback(void *unused) {
  start(sleeps_long, NULL);
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  pthread_cleanup_push(note_cleaned, NULL);
  co_eventloop(co_get_epoll_ct(), goes_on, NULL);
  pthread_cleanup_pop(0);
  return unused;
}

static void *loops_in_a_coroutine(void *unused) {
  start(sleeps_long, NULL);
  co_resume(spawn(loops_idle, NULL));
  return unused;
}

static void *blocks_in_read(void *unused) {
  int ends[2];
  char byte;
  NEED(pipe(ends) == 0);
  start(sleeps_long, NULL);
  pthread_cleanup_push(note_cleaned, NULL);
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  CHECK_IS(read(ends[0], &byte, 1), 1);
  pthread_cleanup_pop(0);
  return unused;
}

static void cancels(void *(*body)(void *), int per_thread) {
  int descriptors = 0;
  cond = co_cond_alloc();
  for (int i = 0; i < 30; i++) {
    pthread_t thread;
    void *result = NULL;
    ready = 0;
    pthread_create(&thread, NULL, body, NULL);
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) sched_yield();
    usleep(i % 3 * 1000);
    CHECK_IS(pthread_cancel(thread), 0);
    CHECK_IS(pthread_join(thread, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK_IS(cleaned, i + 1);
    if (i == 9) descriptors = open_descriptors();
  }
  /* What the thread opened itself stays. */
  CHECK_IS(open_descriptors(), descriptors + 20 * per_thread);
}

TEST(a_thread_in_an_idle_loop_can_be_cancelled) { cancels(loops_idle, 0); }
TEST(a_thread_in_a_loop_with_waiting_coroutines_can_be_cancelled) { cancels(loops_with_waiters, 2); }
TEST(a_thread_in_a_loop_with_a_callback_can_be_cancelled) { cancels(loops_with_a_callback, 0); }
TEST(a_thread_in_a_loop_inside_a_coroutine_can_be_cancelled) { cancels(loops_in_a_coroutine, 0); }
TEST(a_thread_that_blocks_outside_any_coroutine_can_be_cancelled) { cancels(blocks_in_read, 2); }

static int stops_at_three(void *count) { return ++*(int *)count == 3 ? -1 : 0; }

static void *cannot_be_cancelled(void *unused) {
  int count = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) sched_yield();
  co_eventloop(co_get_epoll_ct(), stops_at_three, &count);
  CHECK_IS(count, 3);
  return unused;
}

TEST(a_thread_that_disabled_cancellation_is_left_alone_in_its_loop) {
  pthread_t thread;
  void *result = NULL;
  pthread_create(&thread, NULL, cannot_be_cancelled, &done);
  while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) sched_yield();
  pthread_cancel(thread);
  add_done();
  pthread_join(thread, &result);
  CHECK(result == &done);
}

/* ---- fork ------------------------------------------------------------------------------------------- */

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
  fflush(NULL);
  _exit(check_failures ? 1 : 0);
}

static void *bystander_reads(void *argument) {
  int *ends = argument;
  char byte = 0;
  co_enable_hook_sys();
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(byte, 'p');
  add_done();
  return NULL;
}

static void *bystander_sleeps(void *unused) {
  long long before = now_ns();
  co_enable_hook_sys();
  usleep(100000);
  CHECK(now_ns() - before >= 100000000);
  add_done();
  return unused;
}

static void *bystander_waits(void *unused) {
  CHECK_IS(co_cond_timedwait(cond, -1), 0);
  add_done();
  return unused;
}

static int common[2];

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

/* ---- descriptor numbers ----------------------------------------------------------------------------- */

static char numbers[2000];

static int told(int fd) {
  snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), " %d", fd);
  return fd;
}

/* Opens and closes in every way, and notes each number. */
static void open_and_close(void (*pause)(void)) {
  struct sockaddr_in name;
  socklen_t length = sizeof name;
  int ends[2];
  memset(&name, 0, sizeof name);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 3; i++) {
    int null = told(open("/dev/null", O_RDONLY));
    pause();
    int listener = told(socket(AF_INET, SOCK_STREAM, 0));
    CHECK(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 5) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&name, &length) == 0);
    int client = told(socket(AF_INET, SOCK_STREAM, 0));
    CHECK(connect(client, (struct sockaddr *)&name, sizeof name) == 0);
    pause();
    close(null);
    int server = told(accept(listener, NULL, NULL));
    CHECK(write(client, "x", 1) == 1 && read(server, ends, 1) == 1);
    CHECK(pipe(ends) == 0);
    told(ends[0]);
    told(ends[1]);
    pause();
    told(dup(client));
    told(fcntl(client, F_DUPFD, 20));
    told(dup2(client, 30 + i));
    close(listener);
    FILE *file = fopen("/dev/null", "r");
    told(fileno(file));
    fclose(file);
    told(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 ? ends[0] : -1);
    name.sin_port = 0;
  }
  dprintf(2, "%s\n", numbers);
}

static void no_pause(void) {}
static void sleep_a_little(void) {
  struct pollfd fd = {0, POLLIN, 0};
  poll(&fd, 0, 2);
}

static void open_plainly(void *unused) {
  (void)unused;
  open_and_close(no_pause);
}

static void *opens_in_a_coroutine(void *unused) {
  co_enable_hook_sys();
  open_and_close(sleep_a_little);
  add_done();
  return unused;
}

static void open_in_coroutine(void *unused) {
  (void)unused;
  cond = co_cond_alloc();
  start(sleeps_long, NULL);
  start(waits_for_condition, NULL);
  start(opens_in_a_coroutine, NULL);
  loop_until(&done, 1);
}

TEST(descriptors_have_the_numbers_they_have_without_the_library) {
  struct ending plain = apart(open_plainly, NULL), other = apart(open_in_coroutine, NULL);
  CHECK_IS(plain.status, 0);
  CHECK_IS(other.status, 0);
  CHECK(strlen(plain.text) > 30);
  CHECK_TEXT(other.text, plain.text);
}

static void *closes_everything(void *argument) {
  int *ends = argument, status = 0;
  co_enable_hook_sys();
  usleep(1000);
  for (int fd = 3; fd < 20000; fd++)
    if (fd != ends[0] && fd != ends[1]) close(fd);
  usleep(1000);
  CHECK_IS(write(ends[1], "p", 1), 1);
  usleep(1000);
  add_done();
  (void)status;
  return NULL;
}

TEST(a_program_that_closes_all_it_did_not_open_does_no_harm) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, common) == 0);
  start(bystander_reads, common);
  start(bystander_sleeps, NULL);
  start(closes_everything, common);
  loop_until(&done, 3);
}

RUN_TESTS
