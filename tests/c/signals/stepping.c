/* A handler that runs after each single instruction of resumes and yields: hooks stay each coroutine's, whatever it interrupts. */
#include "signals.h"

/* Functions of the program, as their instructions tell. */
#define STEPPED __attribute__((noinline, section("stepped")))
extern const char __start_stepped[], __stop_stepped[];

static volatile long steps, steps_elsewhere, other_resumed;
static stCoRoutine_t *other;
static int resumed, meanwhile, finished;

static void *counts_on(void *unused) {
  for (;;) {
    resumed++;
    co_yield_ct();
  }
  return unused;
}

static void *runs_when_it_can(void *unused) {
  co_enable_hook_sys();
  while (!finished) {
    usleep(10);
    meanwhile++;
  }
  return unused;
}

static void steps_on(int signal, siginfo_t *info, void *interrupted) {
  (void)signal;
  (void)info;
  int kept = errno, before = meanwhile, count = resumed;
  const char *where = (const char *)((ucontext_t *)interrupted)->uc_mcontext.gregs[REG_RIP];
  steps++;
  errno = ELOOP;
  if (where < __start_stepped || where >= __stop_stepped) {
    /* Perhaps in the middle of a switch. */
    steps_elsewhere++;
  } else if (steps % 3 == 0) {
    co_resume(other);
    CHECK_IS(resumed, count + 1);
    other_resumed++;
  }
  /* It waits, and nobody else runs. */
  usleep(20);
  CHECK_IS(meanwhile, before);
  errno = kept;
}

static void set_stepping(int on) {
  if (on)
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
  else
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

struct one {
  int hooked, asleep, error;
};

/* Yields while each instruction is interrupted, then sleeps: which lets others go on only with hooks on. */
STEPPED static void *yields_and_sleeps(void *argument) {
  struct one *one = (struct one *)argument;
  if (one->hooked) co_enable_hook_sys();
  for (;;) {
    errno = one->error;
    for (int i = 0; i < 5; i++) {
      co_yield_ct();
      CHECK_IS(errno, one->error);
    }
    one->asleep = 1;
    usleep(1000);
    one->asleep = 0;
  }
  return NULL;
}

STEPPED static void *runs(void *unused) {
  struct one all[] = {{1, 0, EPERM}, {0, 0, ENOENT}, {1, 0, ESRCH}};
  stCoRoutine_t *made[3];
  for (int i = 0; i < 3; i++) made[i] = start(yields_and_sleeps, &all[i]);
  for (int round = 0; round < 20; round++) {
    set_stepping(1);
    for (int i = 0; i < 4; i++)
      for (int k = 0; k < 3; k++) co_resume(made[k]);
    set_stepping(0);
    for (int k = 0; k < 3; k++) {
      co_resume(made[k]);
      CHECK_IS(all[k].asleep, all[k].hooked);
      if (all[k].hooked) {
        /* Not by a resume: the sleep would begin anew. */
        while (all[k].asleep) usleep(100);
      }
    }
  }
  for (int i = 0; i < 3; i++) co_release(made[i]);
  finished = 1;
  return unused;
}

static int ends(void *unused) {
  (void)unused;
  return finished ? -1 : 0;
}

static void installs(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = steps_on;
  action.sa_flags = SA_SIGINFO;
  other = start(counts_on, NULL);
  CHECK_IS(sigaction(SIGTRAP, &action, NULL), 0);
}

static void *runs_with_hooks(void *unused) {
  co_enable_hook_sys();
  return runs(unused);
}

static void steps_through(void *(*body)(void *)) {
  installs();
  start(runs_when_it_can, NULL);
  start(body, NULL);
  co_eventloop(co_get_epoll_ct(), ends, NULL);
  CHECK(steps_elsewhere > 1000 && other_resumed > 100);
}

TEST(hooks_stay_as_they_are_when_every_instruction_of_a_switch_is_interrupted) { steps_through(runs_with_hooks); }

RUN_TESTS
