/*
 * Once through the interface and the hooks, on stacks of its own and on shared ones, in the main thread and in others.
 * Everything is released at the end, so that whatever is lost then, the library lost. The argument says which stacks, or
 * "fork", which is apart because a child loses what the parent's threads had. SMALL makes it short.
 */
#include "tour.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

__thread stShareStack_t *stacks;
__thread int working;
int size_of_it = 100;

stCoRoutine_t *make(void *(*body)(void *), void *argument) {
  stCoRoutine_t *co = NULL;
  stCoRoutineAttr_t attr;
  memset(&attr, 0, sizeof attr);
  attr.stack_size = 256 * 1024;
  attr.share_stack = stacks;
  HOLDS(co_create(&co, &attr, body, argument) == 0);
  return co;
}

static int nobody_works(void *unused) {
  (void)unused;
  return working == 0 ? -1 : 0;
}

void run(int count, void *(*const bodies[])(void *), void *arguments[]) {
  stCoRoutine_t **co = malloc(sizeof *co * (size_t)count);
  working = count;
  for (int i = 0; i < count; i++) co[i] = make(bodies[i], arguments ? arguments[i] : NULL);
  for (int i = 0; i < count; i++) co_resume(co[i]);
  co_eventloop(co_get_epoll_ct(), nobody_works, NULL);
  for (int i = 0; i < count; i++) co_release(co[i]);
  free(co);
}

/* ---- conditions, values, variables ------------------------------------------------------------------ */

static __thread stCoCond_t *cond;
static stCoCond_t *between_threads;
static pthread_key_t key;
static int destroyed;

static void destroy(void *value) {
  __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
  free(value);
}

static void *waits(void *unused) {
  char name[20];
  co_enable_hook_sys();
  HOLDS(co_cond_timedwait(cond, 1) == -1 && errno == ETIMEDOUT);
  HOLDS(co_cond_timedwait(cond, 20000) == 0);
  HOLDS(co_setspecific(key, strdup("value")) == 0 && strcmp(co_getspecific(key), "value") == 0);
  snprintf(name, sizeof name, "%p", (void *)name);
  HOLDS(setenv("TOUR", name, 1) == 0);
  co_poll(co_get_epoll_ct(), NULL, 0, 1);
  HOLDS(strcmp(getenv("TOUR"), name) == 0);
  HOLDS(unsetenv("TOUR") == 0 && getenv("TOUR") == NULL);
  HOLDS(setenv("TOUR", "again", 1) == 0);
  working--;
  return unused;
}

static void *signals(void *unused) {
  co_enable_hook_sys();
  usleep(5000);
  HOLDS(co_cond_signal(cond) == 0);
  usleep(1000);
  HOLDS(co_cond_broadcast(cond) == 0);
  working--;
  return unused;
}

static void keeping(void) {
  void *(*const bodies[])(void *) = {waits, waits, waits, signals};
  int before = __atomic_load_n(&destroyed, __ATOMIC_RELAXED);
  cond = co_cond_alloc();
  run(4, bodies, NULL);
  HOLDS(co_cond_free(cond) == 0);
  HOLDS(__atomic_load_n(&destroyed, __ATOMIC_RELAXED) >= before + 3);
}

/* ---- release in every state ------------------------------------------------------------------------- */

static __thread int pair[2], listener;

static void *parks(void *how) {
  char *held = calloc(1, 50), byte;
  struct pollfd wait = {.fd = pair[0], .events = POLLIN};
  HOLDS(co_setspecific(key, held) == 0);
  co_enable_hook_sys();
  switch (*(int *)how) {
    case 0: co_yield_ct(); break;
    case 1: (void)!read(pair[0], &byte, 1); break;
    case 2: poll(&wait, 1, 60000); break;
    case 3: sleep(60); break;
    case 4: co_cond_timedwait(cond, 60000); break;
    case 5: accept(listener, NULL, NULL); break;
  }
  return NULL;
}

static void *releases_itself(void *unused) {
  co_release(co_self());
  HOLDS(plain_work(1) == 2 * 2999);
  return unused;
}

static int three_turns(void *count) { return ++*(int *)count < 3 ? 0 : -1; }

static void releasing(void) {
  int hows[6], turns = 0;
  stCoRoutine_t *co[6];
  cond = co_cond_alloc();
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  HOLDS(listen(listener, 1) == 0);
  co_release(make(parks, hows));
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 6; i++) {
      hows[i] = i;
      co[i] = make(parks, &hows[i]);
      co_resume(co[i]);
    }
    turns = 0;
    if (round) co_eventloop(co_get_epoll_ct(), three_turns, &turns);
    for (int i = 0; i < 6; i++) {
      if (round == 2) co_reset(co[i]);
      co_release(co[i]);
    }
  }
  co_resume(make(releases_itself, NULL));
  HOLDS(co_cond_free(cond) == 0);
  close(pair[0]);
  close(pair[1]);
  close(listener);
}

/* ---- threads and a fork ----------------------------------------------------------------------------- */

static void once(void) {
  switching();
  nesting();
  giving_up();
  calling();
  keeping();
  releasing();
}

static int signalled;

static void *waits_for_a_thread(void *unused) {
  HOLDS(co_cond_timedwait(between_threads, -1) == 0);
  __atomic_store_n(&signalled, 1, __ATOMIC_RELEASE);
  working--;
  return unused;
}

static void *waiting_thread(void *unused) {
  void *(*const bodies[])(void *) = {waits_for_a_thread};
  run(1, bodies, NULL);
  return unused;
}

static void *touring_thread(void *shared) {
  if (shared) stacks = co_alloc_sharestack(2, 256 * 1024);
  once();
  HOLDS(co_free_sharestack(stacks) == 0);
  return NULL;
}

static void *forks(void *unused) {
  co_enable_hook_sys();
  pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    int ends[2];
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && write(ends[0], "f", 1) == 1);
    usleep(100);
    HOLDS(read(ends[1], &byte, 1) == 1 && byte == 'f');
    _exit(0);
  }
  int status = -1;
  HOLDS(waitpid(child, &status, 0) == child && status == 0);
  working--;
  return unused;
}

int main(int count, char **arguments) {
  const char *names[] = {"TOUR"};
  pthread_t threads[3];
  void *(*const forking[])(void *) = {forks};
  const char *how = count > 1 ? arguments[1] : "private";
  int shared = strcmp(how, "shared") == 0;
  alarm(240);
  if (getenv("SMALL")) size_of_it = 20;
  HOLDS(pthread_key_create(&key, destroy) == 0);
  co_set_env_list(names, 1);
  if (shared) stacks = co_alloc_sharestack(2, 256 * 1024);
  if (strcmp(how, "fork") == 0) {
    run(1, forking, NULL);
    puts("toured");
    return 0;
  }
  once();
  jumping();
  for (int i = 0; i < 2; i++) HOLDS(pthread_create(&threads[i], NULL, touring_thread, shared ? &shared : NULL) == 0);
  between_threads = co_cond_alloc();
  HOLDS(pthread_create(&threads[2], NULL, waiting_thread, NULL) == 0);
  /* Signals nobody waits for yet are lost, as they are with pthread_cond_signal. */
  do {
    usleep(1000);
    HOLDS(co_cond_signal(between_threads) == 0);
  } while (!__atomic_load_n(&signalled, __ATOMIC_ACQUIRE));
  for (int i = 0; i < 3; i++) HOLDS(pthread_join(threads[i], NULL) == 0);
  HOLDS(co_cond_free(between_threads) == 0);
  HOLDS(co_free_sharestack(stacks) == 0);
  puts("toured");
  return 0;
}
