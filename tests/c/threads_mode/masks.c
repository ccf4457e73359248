/* The older functions that change signal masks: each thread has its own. Printed. */
#include "threads_mode.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define BIT(signal) (1 << ((signal) - 1))

static volatile sig_atomic_t handled;
static void count(int signal) { handled = handled + (signal > 0); }

/* Which signals the calling thread blocks, as far as they have a bit in a long. */
static unsigned long blocked(void) {
  unsigned long mask = 0;
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, NULL, &set);
  for (int signal = 1; signal < 64; signal++) mask |= (unsigned long)(sigismember(&set, signal) == 1) << signal;
  return mask;
}
static void *says_mask(void *what) {
  say(what, (long)blocked());
  return NULL;
}
static void others_say(const char *what) {
  pthread_t thread;
  pthread_create(&thread, NULL, says_mask, (void *)what);
  pthread_join(thread, NULL);
}

/* Another thread, which is there before the mask changes. */
static sem_t may_look, has_looked;
static void *looks(void *unused) {
  for (int i = 0; i < 8; i++) {
    sem_wait(&may_look);
    say("another's", (long)blocked());
    sem_post(&has_looked);
  }
  return unused;
}
static void look(void) {
  say("own", (long)blocked());
  sem_post(&may_look);
  sem_wait(&has_looked);
}

static void masks_are_each_threads_own(void) {
  pthread_t other;
  sem_init(&may_look, 0, 0);
  sem_init(&has_looked, 0, 0);
  pthread_create(&other, NULL, looks, NULL);
  SAY(sighold(SIGUSR1));
  look();
  SAY(sigrelse(SIGUSR1));
  look();
  SAY(sigblock(BIT(SIGUSR2) | BIT(SIGHUP)));
  look();
  SAY(siggetmask());
  SAY(sigsetmask(BIT(SIGUSR1) | BIT(SIGKILL)));
  look();
  SAY(sighold(SIGRTMIN + 5));
  SAY(sigsetmask(0));
  look();
  SAY(sigsetmask(-1));
  look();
  others_say("a new one has its maker's");
  SAY(siggetmask());
  SAY(sigsetmask(0));
  SAY(sigset(SIGUSR1, SIG_HOLD) == SIG_DFL);
  look();
  SAY(sigset(SIGUSR1, SIG_HOLD) == SIG_HOLD);
  SAY(sigset(SIGUSR1, SIG_IGN) == SIG_HOLD);
  look();
  pthread_join(other, NULL);
}

static void *holds_it(void *unused) {
  SAY(sighold(SIGUSR1));
  sem_post(&has_looked);
  sem_wait(&may_look);
  SAY(sigrelse(SIGUSR1));
  return unused;
}
static void a_signal_that_one_holds_reaches_another(void) {
  pthread_t holder;
  sem_init(&may_look, 0, 0);
  sem_init(&has_looked, 0, 0);
  install(SIGUSR1, count, 0);
  pthread_create(&holder, NULL, holds_it, NULL);
  sem_wait(&has_looked);
  kill(getpid(), SIGUSR1);
  SAY(handled);
  SAY(sighold(SIGUSR1));
  kill(getpid(), SIGUSR1);
  SAY(handled);
  sem_post(&may_look);
  pthread_join(holder, NULL);
  while (handled < 2) usleep(1000);
  SAY(sigrelse(SIGUSR1));
  SAY(handled);
}

static void errors_and_signals_that_nobody_may_block(void) {
  static const int wrong[] = {0, -1, 32, 33, 65, 1000};
  for (int i = 0; i < 6; i++) {
    SAY(wrong[i]);
    errno = 0;
    SAY(sighold(wrong[i]));
    SAY(errno);
    errno = 0;
    SAY(sigrelse(wrong[i]));
    SAY(errno);
    errno = 0;
    SAY(sigset(wrong[i], SIG_HOLD) == SIG_ERR);
    SAY(errno);
    errno = 0;
    SAY(sigignore(wrong[i]));
    SAY(errno);
  }
  SAY(sighold(SIGKILL));
  SAY(sigset(SIGSTOP, SIG_HOLD) == SIG_DFL);
  errno = 0;
  SAY(sigignore(SIGKILL));
  SAY(errno);
  SAY(blocked());
}

static void a_signal_is_ignored(void) {
  struct sigaction action;
  install(SIGUSR1, count, SA_RESTART | SA_NODEFER);
  SAY(sigignore(SIGUSR1));
  SAY(sigaction(SIGUSR1, NULL, &action));
  SAY(action.sa_handler == SIG_IGN);
  SAY(action.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO | SA_RESETHAND));
  SAY(raise(SIGUSR1));
  SAY(sigset(SIGUSR1, count) == SIG_IGN);
  SAY(raise(SIGUSR1));
  SAY(handled);
}

/* Whether handlers end calls, for one that is installed and for one that `signal` installs later. */
static int ends[2];
static void *reads(void *unused) {
  char byte;
  sem_post(&has_looked);
  long got = read(ends[0], &byte, 1);
  SAY(got);
  SAY(got < 0 && errno == EINTR);
  return unused;
}
static void handlers_end_calls_as_siginterrupt_says(void) {
  struct sigaction action;
  sem_init(&has_looked, 0, 0);
  if (pipe(ends)) return;
  signal(SIGUSR1, count);
  for (int step = 0; step < 5; step++) {
    pthread_t reader;
    SAY(step);
    if (step == 1 || step == 3) SAY(siginterrupt(SIGUSR1, step == 1));
    if (step == 2 || step == 4) SAY(signal(SIGUSR1, count) == count);
    SAY(sigaction(SIGUSR1, NULL, &action));
    SAY(action.sa_handler == count);
    SAY(action.sa_flags & (SA_RESTART | SA_SIGINFO));
    handled = 0;
    MAKE(pthread_create(&reader, NULL, reads, NULL));
    sem_wait(&has_looked);
    do {
      pthread_kill(reader, SIGUSR1);
      usleep(10000);
    } while ((step == 1 || step == 2) && pthread_tryjoin_np(reader, NULL) == EBUSY);
    SAY(handled > 0);
    if (step == 1 || step == 2) continue;
    if (write(ends[1], "x", 1) != 1) puts("nothing written");
    SAY(pthread_join(reader, NULL));
  }
  SAY(siginterrupt(0, 1) == -1 && errno == EINVAL);
  SAY(siginterrupt(65, 1) == -1 && errno == EINVAL);
  SAY(siginterrupt(SIGKILL, 1) == -1 && errno == EINVAL);
}

CASES(CASE(masks_are_each_threads_own), CASE(a_signal_that_one_holds_reaches_another),
      CASE(errors_and_signals_that_nobody_may_block), CASE(a_signal_is_ignored), CASE(handlers_end_calls_as_siginterrupt_says))
