/*
 * signals.h - handlers that count, alarms, and the places in which a handler may run. Built with PLAIN and without the
 * library, what holds on plain threads is a check of itself.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "../check.h"

#include <sys/time.h>
#include <ucontext.h>

typedef void (*function)(void);

/* Where a body runs, for who reads of a failure. */
static const char *where = "thread";

#ifdef PLAIN
UNUSED static void blocking(function body) {
  for (int i = 0; i < 2; i++) body();
}
#define everywhere blocking
#else
static int bodies_ended;

UNUSED static void *unhooked(void *body) {
  (*(function *)body)();
  bodies_ended++;
  return NULL;
}

UNUSED static void *hooked(void *body) {
  co_enable_hook_sys();
  return unhooked(body);
}

UNUSED static void in_coroutine(const char *name, void *(*way)(void *), function body, stShareStack_t *shared) {
  where = name;
  stCoRoutine_t *co = spawn_on(shared, 256 * 1024, way, &body);
  bodies_ended = 0;
  co_resume(co);
  loop_until(&bodies_ended, 1);
  co_release(co);
}

/* On the thread before it has coroutines and after, and in one with hooks off. */
UNUSED static void blocking(function body) {
  where = "thread";
  body();
  in_coroutine("coroutine with hooks off", unhooked, body, NULL);
  where = "thread that has coroutines";
  body();
}

UNUSED static void everywhere(function body) {
  blocking(body);
  in_coroutine("coroutine with hooks on", hooked, body, NULL);
  stShareStack_t *shared = co_alloc_sharestack(1, 256 * 1024);
  in_coroutine("coroutine on a shared stack", hooked, body, shared);
  CHECK(co_free_sharestack(shared) == 0);
}
#endif

#define IN_PLACE(condition) \
  (CHECK(condition) ? 1 : (fprintf(stderr, "# in a %s\n", where), 0))

static volatile sig_atomic_t count, last_signal, last_code, last_value, seen_stack, was_blocked;
static void *volatile last_address, *volatile frame;

UNUSED static void counts(int signal) {
  int dummy;
  count++;
  last_signal = signal;
  frame = &dummy;
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  was_blocked = sigismember(&now, signal) | sigismember(&now, SIGUSR2) << 1;
}

UNUSED static void informed(int signal, siginfo_t *info, void *context) {
  counts(signal);
  last_code = info->si_code;
  last_value = info->si_value.sival_int;
  last_address = info->si_addr;
  seen_stack = context != NULL && ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] != 0;
}

UNUSED static struct sigaction action(int flags) {
  struct sigaction one;
  memset(&one, 0, sizeof one);
  one.sa_flags = flags;
  if (flags & SA_SIGINFO)
    one.sa_sigaction = informed;
  else
    one.sa_handler = counts;
  return one;
}

UNUSED static void install(int signal, int flags) {
  struct sigaction one = action(flags);
  NEED(sigaction(signal, &one, NULL) == 0);
  count = last_signal = last_code = last_value = 0;
}

UNUSED static struct itimerval in_ms(int ms) { return (struct itimerval){.it_value = {ms / 1000, ms % 1000 * 1000}}; }

/* A signal after some time, and again should it come before the call has begun. */
UNUSED static void alarm_in(int ms) {
  struct itimerval time = in_ms(ms);
  time.it_interval = time.it_value;
  setitimer(ITIMER_REAL, &time, NULL);
}

UNUSED static void no_alarm(void) {
  struct itimerval none = in_ms(0);
  setitimer(ITIMER_REAL, &none, NULL);
}

#endif
