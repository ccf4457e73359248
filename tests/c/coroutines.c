/* The life of coroutines: order of control, resuming, resetting and releasing in every state, the loop. */
#include "check.h"

#include <sched.h>
#include <sys/stat.h>

#include "co_routine_inner.h"

/* What ran, in the order it ran. */
static char trace[256];

static void note(const char *what) { strncat(trace, what, sizeof trace - strlen(trace) - 1); }

/* ---- order ------------------------------------------------------------------------------------------ */

static void *three_steps(void *name) {
  for (int i = 0; i < 3; i++) {
    note(name);
    co_yield_ct();
  }
  note("!");
  return NULL;
}

TEST(a_coroutine_runs_when_it_is_resumed_and_not_before) {
  stCoRoutine_t *co = spawn(three_steps, "a");
  CHECK_TEXT(trace, "");
  co_resume(co);
  CHECK_TEXT(trace, "a");
  co_release(co);
}

TEST(resumes_and_yields_alternate) {
  stCoRoutine_t *a = spawn(three_steps, "a"), *b = spawn(three_steps, "b");
  for (int i = 0; i < 4; i++) {
    co_resume(a);
    note(".");
    co_resume(b);
  }
  CHECK_TEXT(trace, "a.ba.ba.b!.!");
  co_release(a);
  co_release(b);
}

static void *yields_to_anyone(void *other) {
  note("1");
  co_yield(other);
  note("2");
  co_yield(NULL);
  note("3");
  co_yield_env(co_get_curr_thread_env());
  note("4");
  return NULL;
}

TEST(every_way_to_yield_gives_control_to_the_resumer_whatever_it_is_given) {
  stCoRoutine_t *other = spawn(three_steps, "x"), *co = spawn(yields_to_anyone, other);
  for (int i = 0; i < 4; i++) {
    co_resume(co);
    note(".");
  }
  CHECK_TEXT(trace, "1.2.3.4.");
  co_release(co);
  co_release(other);
}

static void *keeps_its_registers(void *argument) {
  long a = (long)argument, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13;
  double x = (double)a / 3;
  for (int i = 0; i < 10; i++) {
    co_yield_ct();
    CHECK(b == a * 3 && c == a * 5 && d == a * 7 && e == a * 11 && f == a * 13 && x == (double)a / 3);
  }
  return NULL;
}

TEST(locals_and_arguments_are_each_coroutines_own) {
  enum { N = 100 };
  stCoRoutine_t *all[N];
  for (long i = 0; i < N; i++) all[i] = spawn(keeps_its_registers, (void *)(i + 1));
  for (int round = 0; round < 11; round++)
    for (int i = 0; i < N; i++) co_resume(all[(i * 37 + round) % N]);
  for (int i = 0; i < N; i++) {
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
}

static stCoRoutine_t *chain[3];

static void *link_of_chain(void *argument) {
  long i = (long)argument;
  char name[] = {(char)('a' + i), 0}, end[] = {(char)('A' + i), 0};
  note(name);
  if (i < 2) co_resume(chain[i + 1]);
  note(name);
  co_yield_ct();
  if (i < 2) co_resume(chain[i + 1]);
  note(end);
  return NULL;
}

TEST(nested_coroutines_yield_to_the_one_that_resumed_them) {
  for (long i = 0; i < 3; i++) chain[i] = spawn(link_of_chain, (void *)i);
  co_resume(chain[0]);
  CHECK_TEXT(trace, "abccba");
  co_resume(chain[0]);
  CHECK_TEXT(trace, "abccbaCBA");
  for (int i = 0; i < 3; i++) co_release(chain[i]);
}

static void *resumes_its_argument(void *co) {
  co_resume(co);
  note("r");
  return NULL;
}

TEST(a_coroutine_yields_to_its_latest_resumer_not_to_its_first) {
  stCoRoutine_t *shared = spawn(three_steps, "s"), *one = spawn(resumes_its_argument, shared),
                *two = spawn(resumes_its_argument, shared);
  co_resume(one);
  note(".");
  co_resume(two);
  note(".");
  co_resume(shared);
  CHECK_TEXT(trace, "sr.sr.s");
  co_release(one);
  co_release(two);
  co_release(shared);
}

static int deepest, returned;
enum { DEPTH = 10000 };

static void *goes_deeper(void *argument) {
  intptr_t depth = (intptr_t)argument;
  stCoRoutine_t *next = NULL;
  deepest = (int)depth;
  if (depth < DEPTH) {
    next = spawn_on(NULL, 16384, goes_deeper, (void *)(depth + 1));
    co_resume(next);
    CHECK(!next->cEnd);
  }
  co_yield_ct();
  if (next) {
    co_resume(next);
    CHECK(next->cEnd);
    CHECK_IS(returned, DEPTH - depth);
    co_release(next);
  }
  returned++;
  return NULL;
}

TEST(call_stacks_nest_ten_thousand_deep) {
  stCoRoutine_t *first = spawn_on(NULL, 16384, goes_deeper, (void *)1);
  co_resume(first);
  CHECK_IS(deepest, DEPTH);
  CHECK_IS(returned, 0);
  co_resume(first);
  CHECK(first->cEnd);
  CHECK_IS(returned, DEPTH);
  co_release(first);
}

/* ---- what cannot be resumed ------------------------------------------------------------------------- */

static void *returns_at_once(void *count) {
  if (count) ++*(int *)count;
  return (void *)7;
}

static void resume_finished(void *unused) {
  int runs = 0;
  stCoRoutine_t *co = start(returns_at_once, &runs);
  (void)unused;
  CHECK(co->cEnd);
  for (int i = 0; i < 3; i++) co_resume(co);
  CHECK_IS(runs, 1);
  co_release(co);
}

TEST(resuming_a_finished_coroutine_does_nothing) { CHECK_SAYS(resume_finished, NULL); }

static void *resumes_itself(void *unused) {
  (void)unused;
  co_resume(co_self());
  note("on");
  return NULL;
}

static void resume_running(void *unused) {
  stCoRoutine_t *co = start(resumes_itself, NULL);
  (void)unused;
  CHECK_TEXT(trace, "on");
  CHECK(co->cEnd);
}

TEST(resuming_the_running_coroutine_is_logged_and_does_nothing) { CHECK_SAYS(resume_running, "co_resume"); }

static void *resumes_its_child(void *unused) {
  (void)unused;
  stCoRoutine_t *child = spawn(resumes_its_argument, co_self());
  co_resume(child);
  CHECK(child->cEnd);
  note("p");
  co_release(child);
  return NULL;
}

static void resume_resumer(void *unused) {
  (void)unused;
  co_release(start(resumes_its_child, NULL));
  CHECK_TEXT(trace, "rp");
}

TEST(resuming_a_coroutine_that_waits_for_one_it_resumed_is_logged_and_does_nothing) {
  CHECK_SAYS(resume_resumer, "co_resume");
}

static void resume_thread(void *unused) {
  (void)unused;
  co_init_curr_thread_env();
  co_release(start(resumes_its_argument, co_self()));
  CHECK_TEXT(trace, "r");
}

TEST(resuming_what_stands_for_the_thread_is_logged_and_does_nothing) { CHECK_SAYS(resume_thread, "thread itself"); }

static void resume_nothing(void *unused) {
  (void)unused;
  co_resume(NULL);
}

TEST(resuming_null_is_logged_and_does_nothing) { CHECK_SAYS(resume_nothing, "co_resume"); }

/* Runs `body(argument)` in another thread to its end. */
static void elsewhere(void *(*body)(void *), void *argument) {
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, body, argument) == 0);
  NEED(pthread_join(thread, NULL) == 0);
}

static void *resumes_from_a_thread_of_its_own(void *co) {
  co_resume(co);
  co_init_curr_thread_env();
  co_resume(co);
  return NULL;
}

static void resume_foreign(void *unused) {
  stCoRoutine_t *fresh = spawn(three_steps, "f"), *suspended = start(three_steps, "s");
  (void)unused;
  elsewhere(resumes_from_a_thread_of_its_own, fresh);
  elsewhere(resumes_from_a_thread_of_its_own, suspended);
  CHECK_TEXT(trace, "s");
  co_resume(fresh);
  co_resume(suspended);
  CHECK_TEXT(trace, "sfs");
}

TEST(resuming_another_threads_coroutine_is_logged_and_does_nothing) { CHECK_SAYS(resume_foreign, "another thread"); }

static void *leaves_a_coroutine(void *place) {
  *(stCoRoutine_t **)place = start(three_steps, "t");
  return NULL;
}

static void resume_orphan(void *unused) {
  stCoRoutine_t *co;
  (void)unused;
  elsewhere(leaves_a_coroutine, &co);
  co_resume(co);
  co_init_curr_thread_env();
  co_resume(co);
  CHECK_TEXT(trace, "t");
  co_release(co);
}

TEST(resuming_a_coroutine_of_a_thread_that_has_ended_does_nothing) { CHECK_SAYS(resume_orphan, NULL); }

static void yield_outside(void *unused) {
  (void)unused;
  for (int i = 0; i < 2; i++) {
    co_yield_ct();
    co_yield(NULL);
    co_yield_env(co_get_curr_thread_env());
    co_release(start(returns_at_once, NULL));
  }
  co_yield(co_self());
}

TEST(yielding_outside_any_coroutine_does_nothing) { CHECK_SAYS(yield_outside, NULL); }

TEST(co_create_refuses_what_it_cannot_make) {
  stCoRoutine_t *co = (stCoRoutine_t *)&co;
  errno = 0;
  CHECK(co_create(NULL, NULL, returns_at_once, NULL) == -1 && errno == EINVAL);
  errno = 0;
  CHECK(co_create(&co, NULL, NULL, NULL) == -1 && errno == EINVAL);
}

/* ---- co_self ---------------------------------------------------------------------------------------- */

static void *knows_itself(void *place) {
  *(stCoRoutine_t **)place = co_self();
  CHECK(GetCurrThreadCo() == co_self());
  CHECK(!co_self()->cIsMain);
  return NULL;
}

static void *knows_its_child(void *unused) {
  stCoRoutine_t *me = co_self(), *seen = NULL, *child = start(knows_itself, &seen);
  (void)unused;
  CHECK(seen == child && child != me);
  CHECK(co_self() == me);
  co_release(child);
  return NULL;
}

TEST(co_self_is_the_running_coroutine_and_outside_any_the_threads_own) {
  CHECK(co_self() == NULL);
  stCoRoutine_t *seen = NULL, *co = spawn(knows_itself, &seen), *thread = co_self();
  CHECK(thread != NULL && thread->cIsMain);
  co_resume(co);
  CHECK(seen == co);
  CHECK(co_self() == thread);
  co_release(co);
  co_release(start(knows_its_child, NULL));
}

/* ---- places to wait --------------------------------------------------------------------------------- */

static int ends[2], full[2], listener, crowded, fifo_made;
static struct sockaddr_un address, crowded_address;
static stCoCond_t *cond;
static char directory[] = "/tmp/coroutinesXXXXXX", fifo[64];
static int begun, done, result, error;

static int listening(struct sockaddr_un *name, const char *file, int backlog) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  name->sun_family = AF_UNIX;
  snprintf(name->sun_path, sizeof name->sun_path, "%s/%s", directory, file);
  NEED(bind(fd, (struct sockaddr *)name, sizeof *name) == 0 && listen(fd, backlog) == 0);
  return fd;
}

static void remove_directory(void) {
  unlink(address.sun_path);
  unlink(crowded_address.sun_path);
  unlink(fifo);
  rmdir(directory);
}

/* Everything that the kinds of waiting below wait for. None of it is ready. */
static void set_up(void) {
  char chunk[4096] = {0};
  NEED(mkdtemp(directory) != NULL);
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, full) == 0);
  while (send(full[0], chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
  listener = listening(&address, "listener", 10);
  /* With a backlog of none one connection is let in, and the next waits. */
  crowded = listening(&crowded_address, "crowded", 0);
  int first = socket(AF_UNIX, SOCK_STREAM, 0);
  NEED(connect(first, (struct sockaddr *)&crowded_address, sizeof crowded_address) == 0);
  cond = co_cond_alloc();
}

static void look_at_errno(int value) {
  result = value;
  error = errno;
}

static void wait_in_read(void) {
  char byte;
  look_at_errno((int)read(ends[0], &byte, 1));
}
static void end_read(void) { CHECK_IS(write(ends[1], "x", 1), 1); }

static void wait_in_recv(void) {
  char byte;
  look_at_errno((int)recv(ends[0], &byte, 1, 0));
}
static void end_recv(void) { end_read(); }

static void wait_in_write(void) { look_at_errno((int)write(full[0], "x", 1)); }
static void end_write(void) {
  char chunk[4096];
  while (recv(full[1], chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
}

static void wait_in_accept(void) { look_at_errno(accept(listener, NULL, NULL)); }
static void end_accept(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}

static void wait_in_co_accept(void) { look_at_errno(co_accept(listener, NULL, NULL)); }
static void end_co_accept(void) { end_accept(); }

static void wait_in_connect(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  look_at_errno(connect(fd, (struct sockaddr *)&crowded_address, sizeof crowded_address));
}
static void end_connect(void) {
  fcntl(crowded, F_SETFL, O_NONBLOCK);
  while (accept(crowded, NULL, NULL) >= 0) continue;
}

static void wait_in_poll(void) {
  struct pollfd fd = {ends[0], POLLIN, -1};
  look_at_errno(poll(&fd, 1, -1));
  CHECK_IS(fd.revents, result == 1 ? POLLIN : 0);
}
static void end_poll(void) { end_read(); }

static void wait_in_ppoll(void) {
  struct pollfd fd = {ends[0], POLLIN, -1};
  look_at_errno(ppoll(&fd, 1, NULL, NULL));
  CHECK_IS(fd.revents, result == 1 ? POLLIN : 0);
}
static void end_ppoll(void) { end_read(); }

static void wait_in_co_poll(void) {
  struct pollfd fds[2] = {{ends[0], POLLIN, -1}, {full[0], POLLOUT, -1}};
  look_at_errno(co_poll(co_get_epoll_ct(), fds, 2, -1));
  CHECK_IS(fds[0].revents, result == 1 ? POLLIN : 0);
}
static void end_co_poll(void) { end_read(); }

static void wait_in_select(void) {
  fd_set in;
  FD_ZERO(&in);
  FD_SET(ends[0], &in);
  look_at_errno(select(ends[0] + 1, &in, NULL, NULL, NULL));
}
static void end_select(void) { end_read(); }

static void wait_in_usleep(void) { look_at_errno(usleep(20000)); }
static void end_usleep(void) {}

static void wait_in_nanosleep(void) {
  struct timespec time = {0, 20000000};
  look_at_errno(nanosleep(&time, NULL));
}
static void end_nanosleep(void) {}

static void wait_in_poll_of_nothing(void) { look_at_errno(poll(NULL, 0, 20)); }
static void end_poll_of_nothing(void) {}

static void wait_in_co_cond_timedwait(void) { look_at_errno(co_cond_timedwait(cond, -1)); }
static void end_co_cond_timedwait(void) { co_cond_signal(cond); }

static void wait_in_co_cond_timedwait_with_a_limit(void) { look_at_errno(co_cond_timedwait(cond, 100000)); }
static void end_co_cond_timedwait_with_a_limit(void) { co_cond_signal(cond); }

/*
 * A look-up reads the file that HOSTALIASES names before it asks anybody. This one is a pipe, which keeps
 * whoever opens it until there is a writer; at the end it is a file that tells nothing.
 */
static void wait_in_gethostbyname(void) { look_at_errno(gethostbyname("nobody") == NULL); }
static void end_gethostbyname(void) {
  int writer;
  while ((writer = open(fifo, O_WRONLY | O_NONBLOCK)) < 0) usleep(1000);
  unlink(fifo);
  close(open(fifo, O_CREAT | O_WRONLY, 0600));
  close(writer);
}

static void set_up_look_ups(void) {
  set_up();
  if (!fifo_made++) {
    snprintf(fifo, sizeof fifo, "%s/aliases", directory);
    NEED(mkfifo(fifo, 0600) == 0);
    setenv("HOSTALIASES", fifo, 1);
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  }
}

static pthread_key_t key;
static int keyed, destroyed;

static void count_destroyed(void *value) { destroyed += (int)(intptr_t)value; }

/* From here on each coroutine that waits holds a value, so that its end shows. */
static void count_values(void) {
  CHECK_IS(pthread_key_create(&key, count_destroyed), 0);
  keyed = 1;
}

static void *waits(void *wait) {
  co_enable_hook_sys();
  if (keyed) co_setspecific(key, (void *)1);
  begun++;
  ((void (*)(void))wait)();
  done++;
  return NULL;
}

/* A coroutine that waits as it should, on the same things as one before, which is gone. */
static void next_one_waits_well(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = spawn(waits, (void *)wait);
  begun = done = 0;
  co_resume(co);
  CHECK_IS(begun, 1);
  CHECK_IS(done, 0);
  end();
  loop_until(&done, 1);
  CHECK(co->cEnd);
  co_release(co);
  loop_for(2);
  CHECK_IS(done, 1);
}

static void release_parked(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  CHECK_IS(begun, 1);
  co_release(co);
  next_one_waits_well(wait, end);
}

static void release_one_of_three(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *a = start(waits, (void *)wait), *b = start(waits, (void *)wait), *c = start(waits, (void *)wait);
  co_release(b);
  co_release(a);
  co_release(c);
  next_one_waits_well(wait, end);
}

static void reset_parked(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  co_reset(co);
  CHECK(!co->cStart && !co->cEnd);
  loop_for(30);
  CHECK_IS(begun, 1);
  co_resume(co);
  CHECK_IS(begun, 2);
  CHECK_IS(done, 0);
  end();
  loop_until(&done, 1);
  CHECK(co->cEnd);
  co_release(co);
  loop_for(2);
  CHECK_IS(done, 1);
}

static void *leaves_one_waiting(void *wait) {
  start(waits, wait);
  return NULL;
}

static void end_thread_of_parked(void (*wait)(void), void (*end)(void)) {
  elsewhere(leaves_one_waiting, (void *)wait);
  CHECK_IS(begun, 1);
  next_one_waits_well(wait, end);
}

static void *releases_itself_and_waits(void *wait) {
  co_enable_hook_sys();
  co_setspecific(key, (void *)1);
  co_release(co_self());
  begun++;
  CHECK_IS(destroyed, 0);
  ((void (*)(void))wait)();
  done++;
  return NULL;
}

static void release_before_waiting(void (*wait)(void), void (*end)(void)) {
  count_values();
  start(releases_itself_and_waits, (void *)wait);
  CHECK_IS(begun, 1);
  loop_for(30);
  CHECK_IS(destroyed, 1);
  CHECK_IS(done, 0);
  keyed = 0;
  next_one_waits_well(wait, end);
}

static void *releases(void *co) {
  co_release(co);
  return NULL;
}

static void release_parked_from_another_thread(void (*wait)(void), void (*end)(void)) {
  count_values();
  stCoRoutine_t *co = start(waits, (void *)wait);
  elsewhere(releases, co);
  CHECK_IS(destroyed, 0);
  loop_for(2);
  CHECK_IS(destroyed, 1);
  keyed = 0;
  next_one_waits_well(wait, end);
}

static void resume_goes_back_to_waiting(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  for (int i = 0; i < 3; i++) {
    co_resume(co);
    CHECK_IS(done, 0);
  }
  end();
  loop_until(&done, 1);
  co_resume(co);
  CHECK_IS(begun, 1);
  CHECK_IS(done, 1);
  co_release(co);
}

static void resume_ends_as_a_time_out(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  long long before = now_ns();
  CHECK_IS(done, 0);
  result = -2;
  co_resume(co);
  CHECK_IS(done, 1);
  CHECK(since_ms(before) < 60000);
  if (result != 0) {
    CHECK_IS(result, -1);
    CHECK_IS(error, ETIMEDOUT);
  }
  co_release(co);
  next_one_waits_well(wait, end);
}

#define OF_KIND(kind, prepare)                                               \
  TEST(a_coroutine_that_waits_in_##kind##_can_be_released) {                 \
    prepare();                                                               \
    release_parked(wait_in_##kind, end_##kind);                              \
    remove_directory();                                                      \
  }                                                                          \
  TEST(several_that_wait_in_##kind##_can_be_released) {                      \
    prepare();                                                               \
    release_one_of_three(wait_in_##kind, end_##kind);                        \
    remove_directory();                                                      \
  }                                                                          \
  TEST(a_coroutine_that_waits_in_##kind##_can_be_reset) {                    \
    prepare();                                                               \
    reset_parked(wait_in_##kind, end_##kind);                                \
    remove_directory();                                                      \
  }                                                                          \
  TEST(a_coroutine_that_waits_in_##kind##_is_forgotten_with_its_thread) {    \
    prepare();                                                               \
    end_thread_of_parked(wait_in_##kind, end_##kind);                        \
    remove_directory();                                                      \
  }                                                                          \
  TEST(a_coroutine_released_by_itself_is_freed_when_it_waits_in_##kind) {    \
    prepare();                                                               \
    release_before_waiting(wait_in_##kind, end_##kind);                      \
    remove_directory();                                                      \
  }                                                                          \
  TEST(a_coroutine_that_waits_in_##kind##_can_be_released_by_another_thread) { \
    prepare();                                                               \
    release_parked_from_another_thread(wait_in_##kind, end_##kind);          \
    remove_directory();                                                      \
  }

#define GOES_BACK(kind, prepare)                                             \
  OF_KIND(kind, prepare)                                                     \
  TEST(a_coroutine_resumed_while_it_waits_in_##kind##_goes_back_to_waiting) { \
    prepare();                                                               \
    resume_goes_back_to_waiting(wait_in_##kind, end_##kind);                 \
    remove_directory();                                                      \
  }

#define TIMES_OUT(kind)                                                      \
  OF_KIND(kind, set_up)                                                      \
  TEST(a_coroutine_resumed_while_it_waits_in_##kind##_sees_a_time_out) {     \
    set_up();                                                                \
    resume_ends_as_a_time_out(wait_in_##kind, end_##kind);                   \
    remove_directory();                                                      \
  }

GOES_BACK(read, set_up)
GOES_BACK(recv, set_up)
GOES_BACK(write, set_up)
GOES_BACK(accept, set_up)
GOES_BACK(co_accept, set_up)
GOES_BACK(connect, set_up)
GOES_BACK(select, set_up)
GOES_BACK(usleep, set_up)
GOES_BACK(nanosleep, set_up)
GOES_BACK(gethostbyname, set_up_look_ups)
TIMES_OUT(poll)
TIMES_OUT(ppoll)
TIMES_OUT(co_poll)
TIMES_OUT(poll_of_nothing)
TIMES_OUT(co_cond_timedwait)
TIMES_OUT(co_cond_timedwait_with_a_limit)

/* ---- reset ------------------------------------------------------------------------------------------ */

TEST(a_fresh_coroutine_can_be_reset) {
  stCoRoutine_t *co = spawn(three_steps, "a");
  co_reset(co);
  co_resume(co);
  CHECK_TEXT(trace, "a");
  co_release(co);
}

TEST(a_suspended_coroutine_begins_anew_after_reset) {
  stCoRoutine_t *co = start(three_steps, "a");
  co_resume(co);
  co_resume(co);
  co_reset(co);
  note(".");
  for (int i = 0; i < 4; i++) co_resume(co);
  CHECK_TEXT(trace, "aaa.aaa!");
  co_release(co);
}

TEST(a_finished_coroutine_runs_again_after_each_reset) {
  int runs = 0;
  stCoRoutine_t *co = spawn(returns_at_once, &runs);
  for (int i = 0; i < 1000; i++) {
    co_resume(co);
    CHECK(co->cEnd && co->cStart);
    co_reset(co);
    CHECK(!co->cEnd && !co->cStart);
  }
  CHECK_IS(runs, 1000);
  co_release(co);
}

static void *resets_itself(void *unused) {
  (void)unused;
  note("1");
  co_reset(co_self());
  note("2");
  co_yield_ct();
  note("3");
  return NULL;
}

static void reset_running(void *unused) {
  stCoRoutine_t *co = start(resets_itself, NULL);
  (void)unused;
  co_resume(co);
  CHECK_TEXT(trace, "123");
  CHECK(co->cEnd);
}

TEST(resetting_the_running_coroutine_is_logged_and_does_nothing) { CHECK_SAYS(reset_running, "co_reset"); }

static void *resets_its_resumer(void *co) {
  co_reset(co);
  return NULL;
}

static void *lets_itself_be_reset(void *unused) {
  (void)unused;
  co_release(start(resets_its_resumer, co_self()));
  note("on");
  return NULL;
}

static void reset_resumer(void *unused) {
  (void)unused;
  start(lets_itself_be_reset, NULL);
  CHECK_TEXT(trace, "on");
}

TEST(resetting_a_coroutine_that_waits_for_one_it_resumed_is_logged_and_does_nothing) {
  CHECK_SAYS(reset_resumer, "co_reset");
}

static void reset_foreign(void *unused) {
  stCoRoutine_t *co = start(three_steps, "a");
  (void)unused;
  elsewhere(resets_its_resumer, co);
  for (int i = 0; i < 3; i++) co_resume(co);
  CHECK_TEXT(trace, "aaa!");
}

TEST(resetting_another_threads_coroutine_is_logged_and_does_nothing) { CHECK_SAYS(reset_foreign, "another thread"); }

static void reset_nothing(void *unused) {
  (void)unused;
  co_reset(NULL);
}

TEST(resetting_null_is_logged_and_does_nothing) { CHECK_SAYS(reset_nothing, "co_reset"); }

/* ---- release ---------------------------------------------------------------------------------------- */

static void release_anything(void *unused) {
  (void)unused;
  co_release(NULL);
  co_free(NULL);
  co_release(spawn(three_steps, "a"));
  co_release(start(three_steps, "b"));
  co_free(start(returns_at_once, NULL));
  CHECK_TEXT(trace, "b");
}

TEST(fresh_suspended_and_finished_coroutines_can_be_released) { CHECK_SAYS(release_anything, NULL); }

static void release_thread(void *unused) {
  (void)unused;
  co_init_curr_thread_env();
  co_release(co_self());
  co_release(start(three_steps, "a"));
  CHECK_TEXT(trace, "a");
}

TEST(releasing_what_stands_for_the_thread_is_logged_and_does_nothing) { CHECK_SAYS(release_thread, "co_release"); }

static void *releases_itself(void *how) {
  char locals[2000];
  memset(locals, 7, sizeof locals);
  co_setspecific(key, (void *)1);
  co_release(co_self());
  /* Others come and go; the stack must not be theirs. */
  for (int i = 0; i < 20; i++) co_release(start(three_steps, "."));
  for (size_t i = 0; i < sizeof locals; i++) CHECK_IS(locals[i], 7);
  CHECK_IS(destroyed, 0);
  if (how) co_yield_ct();
  if (how) note("never");
  return NULL;
}

TEST(a_coroutine_that_releases_itself_runs_on_until_it_yields) {
  count_values();
  start(releases_itself, "yield");
  loop_for(2);
  CHECK_IS(destroyed, 1);
  CHECK(strstr(trace, "never") == NULL);
}

TEST(a_coroutine_that_releases_itself_runs_on_until_it_ends) {
  count_values();
  start(releases_itself, NULL);
  loop_for(2);
  CHECK_IS(destroyed, 1);
}

static void *releases_and_yields(void *co) {
  co_release(co);
  CHECK_IS(destroyed, 0);
  co_yield_ct();
  note("c");
  return NULL;
}

static void *lets_itself_be_released(void *unused) {
  (void)unused;
  co_setspecific(key, (void *)1);
  stCoRoutine_t *child = start(releases_and_yields, co_self());
  note("p");
  co_resume(child);
  note("q");
  CHECK(child->cEnd);
  CHECK_IS(destroyed, 0);
  co_release(child);
  co_yield_ct();
  note("never");
  return NULL;
}

TEST(a_coroutine_released_by_one_it_resumed_runs_on_until_it_yields) {
  count_values();
  start(lets_itself_be_released, NULL);
  loop_for(2);
  CHECK_TEXT(trace, "pcq");
  CHECK_IS(destroyed, 1);
}

static stCoRoutine_t *stepper;

static void *runs_long(void *stop) {
  co_setspecific(key, (void *)1);
  while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) sched_yield();
  note("on");
  co_yield_ct();
  note("never");
  return NULL;
}

static void *releases_stepper(void *stop) {
  while (!__atomic_load_n(&stepper, __ATOMIC_ACQUIRE)) sched_yield();
  co_release(stepper);
  __atomic_store_n((int *)stop, 1, __ATOMIC_RELEASE);
  return NULL;
}

TEST(a_running_coroutine_can_be_released_by_another_thread) {
  pthread_t thread;
  int stop = 0;
  count_values();
  pthread_create(&thread, NULL, releases_stepper, &stop);
  stCoRoutine_t *co = spawn(runs_long, &stop);
  __atomic_store_n(&stepper, co, __ATOMIC_RELEASE);
  co_resume(co);
  loop_for(2);
  CHECK_TEXT(trace, "on");
  CHECK_IS(destroyed, 1);
  pthread_join(thread, NULL);
}

static void *holds_a_value(void *unused) {
  (void)unused;
  co_setspecific(key, (void *)1);
  co_yield_ct();
  return NULL;
}

TEST(another_threads_coroutine_is_released_in_that_threads_next_turn) {
  count_values();
  stCoRoutine_t *co = start(holds_a_value, NULL);
  elsewhere(releases, co);
  CHECK_IS(destroyed, 0);
  loop_for(1);
  CHECK_IS(destroyed, 1);
}

static void *loops_until_destroyed(void *place) {
  stCoRoutine_t *co = start(holds_a_value, NULL);
  __atomic_store_n((stCoRoutine_t **)place, co, __ATOMIC_RELEASE);
  loop_until(&destroyed, 1);
  return NULL;
}

TEST(a_release_by_another_thread_wakes_the_loop) {
  pthread_t thread;
  stCoRoutine_t *co = NULL;
  count_values();
  pthread_create(&thread, NULL, loops_until_destroyed, &co);
  while (!__atomic_load_n(&co, __ATOMIC_ACQUIRE)) sched_yield();
  co_release(co);
  pthread_join(thread, NULL);
  CHECK_IS(destroyed, 1);
}

static void *leaves_a_value(void *place) {
  *(stCoRoutine_t **)place = start(holds_a_value, NULL);
  return NULL;
}

static void release_orphan(void *unused) {
  stCoRoutine_t *co;
  (void)unused;
  count_values();
  elsewhere(leaves_a_value, &co);
  CHECK_IS(destroyed, 1);
  co_release(co);
  CHECK_IS(destroyed, 1);
}

TEST(a_coroutine_can_be_released_after_its_thread_has_ended) { CHECK_SAYS(release_orphan, NULL); }

enum { HEIRS = 2000 };

static void *makes_many(void *place) {
  for (int i = 0; i < HEIRS; i++) {
    stCoRoutine_t *co = start(holds_a_value, NULL);
    __atomic_store_n((stCoRoutine_t **)place + i, co, __ATOMIC_RELEASE);
  }
  return NULL;
}

TEST(releases_that_race_with_the_end_of_the_thread_free_each_coroutine_once) {
  static stCoRoutine_t *all[HEIRS];
  count_values();
  for (int round = 1; round <= 20; round++) {
    pthread_t thread;
    memset(all, 0, sizeof all);
    pthread_create(&thread, NULL, makes_many, all);
    for (int i = 0; i < HEIRS; i++) {
      stCoRoutine_t *co;
      while (!(co = __atomic_load_n(&all[i], __ATOMIC_ACQUIRE))) sched_yield();
      co_release(co);
    }
    pthread_join(thread, NULL);
    CHECK_IS(destroyed, round * HEIRS);
  }
}

static void *creates_and_is_outlived(void *place) {
  *(stCoRoutine_t **)place = start(three_steps, "c");
  return NULL;
}

TEST(a_coroutine_outlives_the_one_that_made_it) {
  stCoRoutine_t *child = NULL;
  co_release(start(creates_and_is_outlived, &child));
  for (int i = 0; i < 3; i++) co_resume(child);
  CHECK_TEXT(trace, "ccc!");
  CHECK(child->cEnd);
  co_release(child);
}

/* ---- the loop --------------------------------------------------------------------------------------- */

static int counts_to_ten(void *count) { return ++*(int *)count == 10 ? -1 : 0; }
static int counts_with_other_results(void *count) {
  static const int results[] = {1, 0, INT_MIN, INT_MAX, -2, 7, -1};
  return results[(*(int *)count)++];
}

TEST(the_loop_ends_when_the_callback_returns_minus_one_and_nothing_else) {
  int count = 0;
  co_eventloop(co_get_epoll_ct(), counts_to_ten, &count);
  CHECK_IS(count, 10);
  count = 0;
  co_eventloop(NULL, counts_with_other_results, &count);
  CHECK_IS(count, 7);
}

static int counts_for_a_while(void *count) { return ++*(int *)count >= 100 ? -1 : 0; }

TEST(an_idle_loop_calls_back_about_every_millisecond) {
  int count = 0;
  long long before = now_ns();
  co_eventloop(co_get_epoll_ct(), counts_for_a_while, &count);
  long long took = since_ms(before);
  /* A busy machine makes it slower; a loop that does not sleep takes no time at all. */
  CHECK(took >= 20);
  CHECK(took < 5000);
}

static int spawns_from_the_loop(void *count) {
  stCoRoutine_t *co = start(returns_at_once, count);
  co_release(co);
  return *(int *)count >= 5 ? -1 : 0;
}

TEST(the_callback_may_make_resume_and_release_coroutines) {
  int count = 0;
  co_eventloop(co_get_epoll_ct(), spawns_from_the_loop, &count);
  CHECK_IS(count, 5);
}

static void *naps(void *count) {
  co_enable_hook_sys();
  for (int i = 0; i < 5; i++) {
    usleep(1000);
    ++*(int *)count;
  }
  return NULL;
}

static void *loops_inside(void *count) {
  stCoRoutine_t *me = co_self(), *child = start(naps, count);
  note("(");
  loop_until(count, 5);
  note(")");
  CHECK(co_self() == me);
  CHECK(child->cEnd);
  co_release(child);
  return NULL;
}

TEST(the_loop_runs_inside_a_coroutine) {
  int count = 0, outside = 0;
  stCoRoutine_t *other = start(naps, &outside), *co = start(loops_inside, &count);
  CHECK(co->cEnd);
  CHECK_TEXT(trace, "()");
  CHECK_IS(count, 5);
  loop_until(&outside, 5);
  co_release(co);
  co_release(other);
}

static void *loops_inside_with_hooks(void *count) {
  co_enable_hook_sys();
  loops_inside(count);
  CHECK(co_is_enable_sys_hook());
  usleep(1000);
  note("+");
  done++;
  return NULL;
}

TEST(a_coroutine_that_ran_the_loop_can_wait_afterwards) {
  int count = 0;
  stCoRoutine_t *co = start(loops_inside_with_hooks, &count);
  CHECK_TEXT(trace, "()");
  loop_until(&done, 1);
  CHECK_TEXT(trace, "()+");
  co_release(co);
}

static void *loops_two_deep(void *count) {
  co_enable_hook_sys();
  usleep(1000);
  /* Resumed by a loop, runs one itself. */
  loops_inside(count);
  done++;
  return NULL;
}

TEST(loops_run_inside_loops) {
  int counts[3] = {0};
  stCoRoutine_t *all[3];
  for (int i = 0; i < 3; i++) all[i] = start(loops_two_deep, &counts[i]);
  loop_until(&done, 3);
  for (int i = 0; i < 3; i++) {
    CHECK_IS(counts[i], 5);
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
}

static int yields_from_the_loop(void *count) {
  co_yield_ct();
  return ++*(int *)count == 3 ? -1 : 0;
}

static void *loops_and_yields(void *count) {
  co_eventloop(co_get_epoll_ct(), yields_from_the_loop, count);
  note("e");
  return NULL;
}

TEST(the_callback_of_a_loop_inside_a_coroutine_may_yield) {
  int count = 0;
  stCoRoutine_t *co = start(loops_and_yields, &count);
  for (int i = 0; i < 3; i++) {
    CHECK_IS(count, i);
    co_resume(co);
  }
  CHECK_TEXT(trace, "e");
  CHECK(co->cEnd);
  co_release(co);
}

static int times_out_in_the_callback(void *count) {
  struct pollfd fd = {ends[0], POLLIN, 0};
  CHECK_IS(poll(&fd, 1, 1), 0);
  return ++*(int *)count == 3 ? -1 : 0;
}

TEST(the_callback_outside_any_coroutine_makes_real_calls) {
  int count = 0, naps_done = 0;
  set_up();
  stCoRoutine_t *co = start(naps, &naps_done);
  co_eventloop(co_get_epoll_ct(), times_out_in_the_callback, &count);
  CHECK_IS(count, 3);
  loop_until(&naps_done, 5);
  co_release(co);
  remove_directory();
}

/* Who is last in a turn's queue may leave it before its time: the turn must end nevertheless. */
static stCoCond_t *ping, *pong, *other;
static stCoRoutine_t *last;
static int rallies;

static void *serves(void *unused) {
  (void)unused;
  co_cond_timedwait(other, -1);
  co_resume(last);
  for (;;) {
    rallies++;
    co_cond_signal(ping);
    co_cond_timedwait(pong, -1);
  }
  return NULL;
}

static void *answers(void *unused) {
  (void)unused;
  for (;;) {
    co_cond_timedwait(ping, -1);
    co_cond_signal(pong);
  }
  return NULL;
}

static void *waits_and_yields(void *unused) {
  (void)unused;
  co_cond_timedwait(other, -1);
  co_yield_ct();
  return NULL;
}

TEST(a_turn_ends_although_its_last_coroutine_was_resumed_by_hand) {
  int count = 0;
  ping = co_cond_alloc();
  pong = co_cond_alloc();
  other = co_cond_alloc();
  start(answers, NULL);
  start(serves, NULL);
  last = start(waits_and_yields, NULL);
  stCoRoutine_t *timer = start(naps, &count);
  co_cond_broadcast(other);
  loop_until(&count, 5);
  CHECK(rallies > 0);
  co_release(timer);
}

/* ---- everything at once ------------------------------------------------------------------------------ */

struct player {
  stCoRoutine_t *co;
  int step, expected, active;
};

enum { PLAYERS = 500 };
static struct player players[PLAYERS];
static struct dice dice;

static void *plays(void *argument) {
  struct player *me = argument;
  volatile int step = 0;
  uint64_t mark = roll(&dice);
  volatile uint64_t kept[4] = {mark, mark + 1, mark + 2, mark + 3};
  me->step = 0;
  while (below(&dice, 20)) {
    struct player *next = &players[below(&dice, PLAYERS)];
    me->active = 1;
    if (below(&dice, 3) == 0 && next->co && !next->active) {
      co_resume(next->co);
    } else if (below(&dice, 40) == 0 && next->co && !next->active) {
      co_reset(next->co);
      next->step = 0;
    } else {
      me->active = 0;
      co_yield_ct();
      me->active = 1;
    }
    CHECK_IS(me->step, step);
    me->step = ++step;
    for (int i = 0; i < 4; i++) CHECK(kept[i] == mark + (uint64_t)i);
    CHECK(co_self() == me->co);
  }
  me->active = 0;
  return NULL;
}

TEST(random_orders_of_everything_keep_every_coroutine_whole) {
  dice = cast_dice();
  for (int i = 0; i < 200000; i++) {
    struct player *one = &players[below(&dice, PLAYERS)];
    if (!one->co) {
      one->co = spawn_on(NULL, 16384 << below(&dice, 3), plays, one);
      one->active = 0;
    } else if (one->co->cEnd && below(&dice, 2)) {
      co_reset(one->co);
    } else if (below(&dice, 30) == 0) {
      co_release(one->co);
      one->co = NULL;
    } else {
      co_resume(one->co);
    }
  }
  for (int i = 0; i < PLAYERS; i++) co_release(players[i].co);
}

RUN_TESTS
