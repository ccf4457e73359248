/*
 * look_ups.c - getaddrinfo_a with requests, names and lists on a shared stack, which others use until the answers are there.
 */
#include "../check.h"

#include <arpa/inet.h>
#include <netdb.h>

enum { COROUTINES = 4, ROUNDS = 20 };

static int done, notified;

/* Overwrites what others left on the stack. */
static NOINLINE void scribble(int value) {
  volatile char room[20000];
  for (size_t i = 0; i < sizeof room; i++) room[i] = (char)value;
}

static void expect_address(const struct gaicb *request, unsigned last) {
  const struct addrinfo *found = request->ar_result;
  if (!CHECK(found != NULL)) return;
  const struct sockaddr_in *address = (const struct sockaddr_in *)found->ai_addr;
  CHECK_IS(found->ai_family, AF_INET);
  CHECK_IS(found->ai_socktype, SOCK_STREAM);
  CHECK_IS(ntohl(address->sin_addr.s_addr), 0x7f000000u + last);
  CHECK_IS(ntohs(address->sin_port), 1000 + last);
}

static NOINLINE void look_up(int mode, unsigned last, struct sigevent *event) {
  char name[40], service[40];
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct gaicb good = {.ar_name = name, .ar_service = service, .ar_request = &hints};
  struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
  struct gaicb bad = {.ar_name = "not a name at all", .ar_request = &numeric};
  struct gaicb *list[] = {&good, NULL, &bad};
  snprintf(name, sizeof name, "127.0.0.%u", last);
  snprintf(service, sizeof service, "%u", 1000 + last);
  CHECK_IS(getaddrinfo_a(mode, list, 3, event), 0);
  scribble(0x55);
  const struct gaicb *const both[] = {&good, &bad};
  while (gai_error(&good) == EAI_INPROGRESS || gai_error(&bad) == EAI_INPROGRESS) gai_suspend(both, 2, NULL);
  CHECK_IS(gai_error(&good), 0);
  expect_address(&good, last);
  freeaddrinfo(good.ar_result);
  CHECK_IS(gai_error(&bad), EAI_NONAME);
}

static int mode_of_all;

static void *looks_up(void *number) {
  co_enable_hook_sys();
  for (int i = 0; i < ROUNDS; i++) look_up(mode_of_all, (unsigned)(1 + (i + (long)number * 10) % 200), NULL);
  done++;
  return NULL;
}

static void *scribbles(void *unused) {
  co_enable_hook_sys();
  while (done < COROUTINES) {
    scribble(0xff);
    usleep(50);
  }
  done++;
  return unused;
}

static void all_look_up(int mode) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 << 10);
  mode_of_all = mode;
  for (long i = 0; i < COROUTINES; i++) co_resume(spawn_on(shared, 0, looks_up, (void *)i));
  co_resume(spawn_on(shared, 0, scribbles, NULL));
  loop_until(&done, COROUTINES + 1);
}

TEST(look_ups_that_are_waited_for_answer_requests_on_a_shared_stack) { all_look_up(GAI_WAIT); }
TEST(look_ups_in_the_background_answer_requests_on_a_shared_stack) { all_look_up(GAI_NOWAIT); }

static void hears(int signal) {
  (void)signal;
  notified++;
}

static void notices(union sigval value) { __atomic_add_fetch((int *)value.sival_ptr, 1, __ATOMIC_RELEASE); }

static void *is_notified(void *unused) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  co_enable_hook_sys();
  look_up(GAI_NOWAIT, 1, &event);
  while (notified == 0) usleep(1000);
  event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_value.sival_ptr = &notified};
  event.sigev_notify_function = notices;
  look_up(GAI_NOWAIT, 2, &event);
  while (__atomic_load_n(&notified, __ATOMIC_ACQUIRE) == 1) usleep(1000);
  done++;
  return unused;
}

TEST(the_end_of_look_ups_in_the_background_is_notified_once) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 << 10);
  signal(SIGUSR1, hears);
  co_resume(spawn_on(shared, 0, is_notified, NULL));
  loop_until(&done, 1);
  CHECK_IS(notified, 2);
}

static void *is_released(void *unused) {
  co_enable_hook_sys();
  for (;;) look_up(GAI_WAIT, 3, NULL);
  return unused;
}

TEST(a_coroutine_that_is_released_while_it_looks_up_harms_nobody) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 << 10);
  for (int i = 0; i < 50; i++) {
    stCoRoutine_t *co = spawn_on(shared, 0, is_released, NULL);
    co_resume(co);
    if (i % 2) loop_for(1);
    co_release(co);
    scribble(i);
  }
  loop_for(5);
}

RUN_TESTS
