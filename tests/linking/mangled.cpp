/* A program of the original library: it calls every function through its C++ name. */
#include "mangled.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../common/lines.h"

static int ended, wanted;
static int pair_of[2];
static stCoCond_t *cond;
static pthread_key_t key;

static int until_ended(void *) { return ended == wanted ? -1 : 0; }

static void run(pfn_co_routine_t first, pfn_co_routine_t second, stShareStack_t *stacks = NULL) {
  stCoRoutineAttr_t attr;
  attr.share_stack = stacks;
  stCoRoutine_t *a = NULL, *b = NULL;
  ended = 0;
  wanted = 2;
  CHECK(co_create(&a, &attr, first, NULL) == 0);
  CHECK(co_create(&b, NULL, second, NULL) == 0);
  co_resume(a);
  co_resume(b);
  co_eventloop(co_get_epoll_ct(), until_ended, NULL);
  co_release(a);
  co_free(b);
}

static void *reads(void *) {
  char byte = 0;
  CHECK(!co_is_enable_sys_hook());
  co_enable_hook_sys();
  CHECK(co_is_enable_sys_hook());
  CHECK(read(pair_of[0], &byte, 1) == 1 && byte == 'x');
  co_disable_hook_sys();
  CHECK(!co_is_enable_sys_hook());
  ended++;
  return NULL;
}

static void *writes(void *) {
  struct pollfd none;
  none.fd = -1;
  none.events = none.revents = 0;
  CHECK(co_poll(co_get_epoll_ct(), &none, 1, 2) == 0);
  CHECK(write(pair_of[1], "x", 1) == 1);
  ended++;
  return NULL;
}

static void hooks_work() { run(reads, writes); }

static void shared_stacks_work() {
  stShareStack_t *stacks = co_alloc_sharestack(1, 64 * 1024);
  CHECK(stacks != NULL);
  run(reads, writes, stacks);
}

static void *waits(void *) {
  CHECK(co_cond_timedwait(cond, 5000) == 0);
  ended++;
  return NULL;
}

static void *signals(void *) {
  CHECK(co_cond_signal(cond) == 0);
  CHECK(co_cond_broadcast(cond) == 0);
  ended++;
  return NULL;
}

static void conditions_work() {
  cond = co_cond_alloc();
  CHECK(cond != NULL);
  run(waits, signals);
  CHECK(co_cond_free(cond) == 0);
}

static void *three_yields(void *count) {
  co_yield_ct();
  ++*static_cast<int *>(count);
  co_yield(co_self());
  ++*static_cast<int *>(count);
  co_yield_env(co_get_curr_thread_env());
  ++*static_cast<int *>(count);
  return NULL;
}

static void yields_resets_and_environments_work() {
  stCoRoutine_t *co = NULL;
  int count = 0;
  co_init_curr_thread_env();
  CHECK(GetCurrThreadCo() != NULL && GetCurrThreadCo() == co_self());
  CHECK(co_create(&co, NULL, three_yields, &count) == 0);
  for (int i = 0; i < 4; i++) co_resume(co);
  CHECK(count == 3);
  co_reset(co);
  co_resume(co);
  co_resume(co);
  CHECK(count == 4);
  co_release(co);
}

static void *sets(void *value) {
  CHECK(co_getspecific(key) == NULL);
  CHECK(co_setspecific(key, value) == 0);
  co_enable_hook_sys();
  CHECK(setenv("MANGLED", static_cast<char *>(value), 1) == 0);
  co_yield_ct();
  CHECK(co_getspecific(key) == value);
  CHECK(strcmp(getenv("MANGLED"), static_cast<char *>(value)) == 0);
  return NULL;
}

static void values_and_variables_work() {
  const char *names[] = {"MANGLED"};
  char one[] = "one", two[] = "two";
  stCoRoutine_t *a = NULL, *b = NULL;
  CHECK(pthread_key_create(&key, NULL) == 0);
  co_set_env_list(names, 1);
  CHECK(co_create(&a, NULL, sets, one) == 0);
  CHECK(co_create(&b, NULL, sets, two) == 0);
  co_resume(a);
  co_resume(b);
  co_resume(a);
  co_resume(b);
  CHECK(getenv("MANGLED") == NULL);
  co_release(a);
  co_release(b);
}

static void *accepts(void *) {
  CHECK(co_accept(-1, NULL, NULL) == -1 && errno == EBADF);
  struct hostent *host = co_gethostbyname("127.0.0.1"), entry, *found = NULL;
  char buffer[1024];
  int error = 0;
  CHECK(host != NULL && host->h_addrtype == AF_INET);
  CHECK(co_gethostbyname_r("127.0.0.1", &entry, buffer, sizeof buffer, &found, &error) == 0 && found == &entry);
  ended++;
  return NULL;
}

static void *nothing(void *) {
  ended++;
  return NULL;
}

static void accept_and_names_work() { run(accepts, nothing); }

static coctx_t here, there;
static int passed;

static void *context(void *first, void *second) {
  passed = first == &here && second == &there;
  coctx_swap(&there, &here);
  return NULL;
}

static void contexts_work() {
  static char stack[64 * 1024];
  CHECK(coctx_init(&here) == 0 && coctx_init(&there) == 0);
  there.ss_sp = stack;
  there.ss_size = sizeof stack;
  CHECK(coctx_make(&there, context, &here, &there) == 0);
  coctx_swap(&here, &there);
  CHECK(passed == 1);
}

int main() {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair_of) != 0) return 1;
  CASE("yields, resets and environments work", yields_resets_and_environments_work);
  CASE("hooks work", hooks_work);
  CASE("shared stacks work", shared_stacks_work);
  CASE("conditions work", conditions_work);
  CASE("values and variables work", values_and_variables_work);
  CASE("accept and names work", accept_and_names_work);
  CASE("contexts work", contexts_work);
  co_log_err("%s-%d-%.1f\n", "log", 7, 2.5);
  return 0;
}
