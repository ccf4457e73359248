/*
 * park.c - runs the cases of the table: each in a process of its own, up to three times, since the machine may be busy.
 *
 *     PROGRAM [-s] [NAME...]      -s: all coroutines on one shared stack
 *
 * A try is good when another coroutine went on while all of them waited, and when each gave the right result. Nobody is
 * told to go on before that, for some seconds at most: whether the thread goes on does not depend on how busy the machine is.
 */
#define _GNU_SOURCE
#include "park.h"

#include <dlfcn.h>

enum { TRIES = 3, TICKS = 3, PATIENCE_MS = 5000, GIVE_UP_SECONDS = 60 };

static struct parking *cases;
static struct waiter crowd[CROWD];
static const struct parking *now;
static int waiting, ended, readied, ticks, seen, too_late;
static stShareStack_t *shared;

void add_parking(struct parking *one) {
  struct parking **place = &cases;
  while (*place) place = &(*place)->next;
  *place = one;
}

static int load(int *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }

bool may_end(long long began) {
  long long waited = since_ms(began);
  if (waited < WAIT_MS) return false;
  if (load(&seen) >= TICKS || load(&too_late)) return true;
  if (waited < PATIENCE_MS) return false;
  __atomic_store_n(&too_late, 1, __ATOMIC_RELEASE);
  return true;
}

/* The twenty-first. */
static void *tick(void *nothing_at_all) {
  co_enable_hook_sys();
  while (load(&ended) < CROWD) {
    usleep(1000);
    ticks++;
    if (waiting == CROWD && load(&ended) == 0) __atomic_add_fetch(&seen, 1, __ATOMIC_RELEASE);
  }
  return nothing_at_all;
}

static void *wait_in_it(void *argument) {
  struct waiter *me = argument;
  co_enable_hook_sys();
  waiting++;
  __atomic_store_n(&me->began, now_ns(), __ATOMIC_RELEASE);
  me->right = now->call(me);
  if (!me->right) fprintf(stderr, "# %s: a wrong result (errno %d)\n", now->name, errno);
  __atomic_store_n(&me->ended, true, __ATOMIC_RELEASE);
  __atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
  return NULL;
}

/* Ends what waits, from a plain thread: it goes on when the coroutines' thread does not. */
static void *end_waits(void *nothing_at_all) {
  for (int i = 0; i < CROWD; i++) now->ready(&crowd[i]);
  __atomic_store_n(&readied, 1, __ATOMIC_RELEASE);
  for (int rounds = 0; load(&ended) < CROWD; rounds++) {
    for (int i = 0; i < CROWD; i++) {
      struct waiter *me = &crowd[i];
      long long began = __atomic_load_n(&me->began, __ATOMIC_ACQUIRE);
      if (began == 0 || !may_end(began)) continue;
      /* Each is told once in any case: what it was told may end another's wait. */
      if (me->told && (__atomic_load_n(&me->ended, __ATOMIC_ACQUIRE) || !now->again || rounds % 10 != 0)) continue;
      me->told = true;
      now->end(me);
    }
    usleep(1000);
  }
  return nothing_at_all;
}

static int try_it(const struct parking *one) {
  pthread_t ender;
  sigset_t all, before;
  now = one;
  if (one->begin) one->begin();
  for (int i = 0; i < CROWD; i++) crowd[i].index = i, crowd[i].in = crowd[i].far = -1;
  /* Signals are for the coroutines' thread. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  NEED(pthread_create(&ender, NULL, end_waits, NULL) == 0);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  while (!load(&readied)) usleep(100);
  start(tick, NULL);
  for (int i = 0; i < CROWD; i++) co_resume(spawn_on(shared, 0, wait_in_it, &crowd[i]));
  loop_until(&ended, CROWD);
  pthread_join(ender, NULL);
  int wrong = 0;
  for (int i = 0; i < CROWD; i++) wrong += !crowd[i].right;
  if (wrong) fprintf(stderr, "# %s: %d of %d results are wrong\n", one->name, wrong, CROWD);
  if (load(&seen) == 0) fprintf(stderr, "# %s: nobody else went on while all waited\n", one->name);
  return wrong || load(&seen) == 0;
}

/* Whether the library exports the symbol. libc's own stands behind it in any case. */
static bool is_hooked(const char *symbol) {
  Dl_info info;
  void *found = dlsym(RTLD_DEFAULT, symbol);
  return found && dladdr(found, &info) && info.dli_fname && strstr(info.dli_fname, "libcolib");
}

/* 0 good, 77 not possible here, else bad. */
static int run(const struct parking *one, bool on_shared_stack) {
  int status = 1;
  for (int i = 0; i < TRIES; i++) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      alarm(GIVE_UP_SECONDS);
      if (on_shared_stack) shared = co_alloc_sharestack(1, 256 << 10);
      _exit(try_it(one));
    }
    waitpid(child, &status, 0);
    /* Whatever it started goes with it. */
    kill(-child, SIGKILL);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77)) return WEXITSTATUS(status);
    if (WIFSIGNALED(status)) fprintf(stderr, "# %s: ended by signal %d\n", one->name, WTERMSIG(status));
  }
  return 1;
}

static bool chosen(const struct parking *one, char **names) {
  if (!*names) return !one->by_name_only;
  for (; *names; names++)
    if (strcmp(one->name, *names) == 0) return true;
  return false;
}

int main(int argc, char **argv) {
  bool on_shared_stack = argc > 1 && strcmp(argv[1], "-s") == 0;
  char **names = argv + 1 + on_shared_stack;
  int count = 0, failed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (struct parking *one = cases; one; one = one->next) count += chosen(one, names);
  printf("1..%d\n", count);
  count = 0;
  for (struct parking *one = cases; one; one = one->next) {
    if (!chosen(one, names)) continue;
    count++;
    if (!is_hooked(one->symbol)) {
      printf("ok %d - # SKIP %s: the library does not hook %s\n", count, one->name, one->symbol);
      continue;
    }
    int result = run(one, on_shared_stack);
    failed += result == 1;
    printf("%s %d - %s%s: twenty coroutines wait in it at once\n", result == 1 ? "not ok" : "ok", count,
           result == 77 ? "# SKIP (see above) " : "", one->name);
  }
  return failed ? 1 : 0;
}
