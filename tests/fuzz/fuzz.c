/*
 * fuzz.c - makes calls by chance, and compares.
 *
 *     PROGRAM CALLS [NAME...]     SEED in the environment repeats a run; NAMEs are the only functions called
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dlfcn.h>

/* A call that takes longer has blocked; whoever waits for longer hangs. Descriptors are made anew now and then. */
enum { BLOCKED_MS = 20, HANGS_MS = 10000, PARKED_MS = 10, RENEW = 300, SIGNAL_MARGIN = 5 };

static struct dice dice;
static long calls, blocked, differences;
/* Shared with the parent, which tells it when this process dies. */
static struct last {
  char text[4000];
} *last;

/* ---- the two sides ---------------------------------------------------------------------------------- */

static timer_t alarm_clock;
static volatile sig_atomic_t interrupted;
static void interrupt(int signal) { interrupted = signal; }

static void make_alarm_clock(void) {
  struct sigaction action = {.sa_handler = interrupt};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
  event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
  NEED(sigaction(SIGUSR1, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &alarm_clock) == 0);
}

static long call_kernel(const struct row *row, const long *a) {
  struct itimerspec on = {{0, SIGNAL_MARGIN * 1000000}, {0, BLOCKED_MS * 1000000}}, off = {{0, 0}, {0, 0}};
  interrupted = 0;
  timer_settime(alarm_clock, 0, &on, NULL);
  long result = row->oracle ? row->oracle(a) : bare(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
  timer_settime(alarm_clock, 0, &off, NULL);
  return result;
}

static struct job {
  const struct row *row;
  long arguments[6], result;
  int error, done;
} job;

static void *work(void *unused) {
  co_enable_hook_sys();
  for (;;) {
    const long *a = job.arguments;
    errno = 0;
    long result = job.row->hook(a[0], a[1], a[2], a[3], a[4], a[5]);
    job.error = errno;
    job.result = job.row->gives == LONG ? result : (int)result;
    job.done = 1;
    co_yield_ct();
  }
  return unused;
}

static long long give_up_at;
static int done_or_late(void *unused) {
  (void)unused;
  return job.done || now_ns() > give_up_at ? -1 : 0;
}

/* Whether the hook came back within the time. */
static bool call_hook(int ms) {
  static stCoRoutine_t *worker;
  if (!worker) worker = spawn(work, NULL);
  job.done = 0;
  co_resume(worker);
  give_up_at = now_ns() + ms * 1000000LL;
  if (!job.done) co_eventloop(co_get_epoll_ct(), done_or_late, NULL);
  if (job.done) return true;
  co_release(worker);
  worker = NULL;
  return false;
}

/* ---- one call --------------------------------------------------------------------------------------- */

static void choose(const struct row *row, struct dice from, int world, struct choice *choice, long *arguments) {
  memset(choice, 0, sizeof *choice);
  memset(arguments, 0, 6 * sizeof *arguments);
  choice->dice = from;
  choice->world = world;
  fill_arena(&choice->dice);
  note(choice, "%s(", row->name);
  for (int i = 0; row->kinds[i]; i++) {
    note(choice, i ? ", " : "");
    arguments[i] = argument(choice, row->kinds[i]);
  }
  note(choice, ")");
}

/* Numbers of the second world look like those of the first. */
static void translate_sets(const struct choice *choice) {
  for (size_t i = 0; i < choice->set_count; i++) {
    uint64_t *set = (uint64_t *)choice->set_at[i], word = set[3];
    set[3] = set[4];
    set[4] = word;
  }
}

static void close_made(const struct row *row, long result, const long *arguments) {
  if (result < 0) return;
  if (row->makes_descriptor && result > 2 && !(strcmp(row->name, "fcntl") == 0 && arguments[1] != F_DUPFD && arguments[1] != F_DUPFD_CLOEXEC))
    close((int)result);
  if (row->makes_pair) {
    int pair[2];
    memcpy(pair, (void *)arguments[strlen(row->kinds) - (strcmp(row->name, "pipe2") == 0 ? 2 : 1)], sizeof pair);
    close(pair[0]);
    close(pair[1]);
  }
}

static const char *name_of(int error) {
  const char *name = error ? strerrorname_np(error) : "0";
  return name ? name : "?";
}

static bool differ(const char *what, const char *text, long kernel_result, int kernel_error) {
  printf("# call %ld: %s\n#   %s\n#   kernel: %ld %s, hook: %ld %s\n", calls, text, what, kernel_result, name_of(kernel_error), job.result,
         name_of(job.error));
  differences++;
  return false;
}

/* Makes one call on both sides; false when the worlds may be different from now on. */
static bool compare(const struct row *row) {
  static struct choice first, second;
  static char after[GOOD];
  struct dice from = dice;
  long arguments[6];
  size_t where = 0;
  choose(row, from, 0, &first, arguments);
  snprintf(last->text, sizeof last->text, "call %ld: %s", calls, first.text);
  long result = call_kernel(row, arguments);
  bool late = interrupted != 0;
  if (row->gives != LONG) result = (int)result;
  int error = result < 0 && result > -4096 ? (int)-result : 0;
  if (row->gives == CODE) {
    result = error, error = 0;
  } else if (error) {
    result = -1;
  }
  memcpy(after, arena, GOOD);
  close_made(row, result, arguments);

  choose(row, from, 1, &second, job.arguments);
  dice = second.dice;
  job.row = row;
  bool blocks = late && (error == EINTR || result == EINTR);
  bool back = call_hook(late ? PARKED_MS : HANGS_MS);
  if (late) {
    blocked += blocks;
    if (back) close_made(row, job.result, job.arguments);
    if (blocks && back && !first.fickle && !first.timed && !is_timed(first.slot)) differ("the kernel waits and the hook does not", first.text, result, error);
    return false;
  }
  if (!back) return differ("the hook waits and the kernel does not", first.text, result, error);
  close_made(row, job.result, job.arguments);
  translate_sets(&second);
  if (first.fickle && (result != job.result || error != job.error)) return false;
  if (result != job.result || error != job.error) return differ("another result", first.text, result, error);
  if (!same_memory(&second, after, arena, &where)) {
    if (first.fickle) return false;
    char what[100];
    snprintf(what, sizeof what, "other memory: byte %zu is %#x, not %#x", where, arena[where] & 0xff, after[where] & 0xff);
    return differ(what, first.text, result, error);
  }
  /* What was sent may hold what differs between the worlds: from beyond its buffer, or an address beside it. */
  return !(first.ignored_count > 0 && result > 0);
}

/* ---- the run ---------------------------------------------------------------------------------------- */

static bool find_hook(struct row *row) {
  Dl_info info;
  void *found = dlsym(RTLD_DEFAULT, row->name);
  if (!found || !dladdr(found, &info) || !strstr(info.dli_fname, "libcolib")) return false;
  memcpy(&row->hook, &found, sizeof found);
  return true;
}

static const struct row *some_row(char **names) {
  static int sum;
  for (size_t i = 0; sum == 0 && i < row_count; i++) {
    bool named = !*names;
    for (char **name = names; *name; name++) named |= strcmp(*name, rows[i].name) == 0;
    if (!named || !find_hook(&rows[i])) rows[i].weight = 0;
  }
  if (sum == 0)
    for (size_t i = 0; i < row_count; i++) sum += rows[i].weight;
  NEED(sum > 0);
  int pick = (int)below(&dice, (unsigned)sum);
  size_t i = 0;
  while (pick >= rows[i].weight) pick -= rows[i++].weight;
  return &rows[i];
}

static int run(long wanted, char **names) {
  signal(SIGPIPE, SIG_IGN);
  make_alarm_clock();
  bool same = false;
  for (calls = 0; calls < wanted && differences < 20; calls++) {
    if (!same || calls % RENEW == 0) make_worlds();
    same = compare(some_row(names));
  }
  printf("# %ld calls, %ld of them blocked, %ld differences\n", calls, blocked, differences);
  return differences > 0;
}

int main(int argc, char **argv) {
  int status;
  if (argc < 2) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  dice = cast_dice();
  last = mmap(NULL, sizeof *last, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(last != MAP_FAILED);
  pid_t child = fork();
  if (child == 0) _exit(run(atol(argv[1]), argv + 2));
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  printf("# ended by signal %d (%s) in %s\n", WTERMSIG(status), strsignal(WTERMSIG(status)), last->text);
  return 1;
}
