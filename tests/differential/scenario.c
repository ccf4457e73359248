/*
 * scenario.c - the two sorts of actors, and what they write down.
 *
 * Transcripts stand in memory shared with the parent process: they are there also when this one dies or hangs.
 */
#include "stage.h"

#include <pthread.h>
#include <stdarg.h>

#ifndef PLAIN
#include "co_routine.h"
#endif

struct stage *stage;

void fail(const char *what) {
  dprintf(2, "%s: %s\n", what, strerror(errno));
  _exit(3);
}

/* Only another process can tell whether threads wait without opening descriptors in this one. */
static void ask_whether_others_sleep(void) {
  /* The kernel's own work is done by threads that nobody sees. */
  usleep(3000);
  stage->asker = gettid();
  int mine = ++stage->asked;
  while (stage->answered != mine) usleep(500);
}

/* ---- what differs: actors, events ------------------------------------------------------------------- */

#ifdef PLAIN

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static __thread struct actor *self;

static void change(volatile bool *flag) {
  pthread_mutex_lock(&lock);
  *flag = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static void until_changed(void) {
  pthread_cond_wait(&changed, &lock);
}

static void *act(void *argument) {
  self = argument;
  self->thread = gettid();
  self->run(self->argument);
  change(&self->ended);
  return NULL;
}

static void set_going(struct actor *actor) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, act, actor) != 0) fail("pthread_create");
  pthread_detach(thread);
}

void settle(void) {
  static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&one);
  ask_whether_others_sleep();
  pthread_mutex_unlock(&one);
}

void announce(struct event *event) { change(&event->set); }

void await(struct event *event) {
  pthread_mutex_lock(&lock);
  while (!event->set) until_changed();
  pthread_mutex_unlock(&lock);
}

static void join_others(struct actor *me) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < stage->count; i++)
    while (!stage->actors[i].ended && &stage->actors[i] != me) until_changed();
  pthread_mutex_unlock(&lock);
}

static void run_to_the_end(void) { join_others(NULL); }

#else

#define self ((struct actor *)co_getspecific(self_key))
static pthread_key_t self_key;
static stCoCond_t *changed;
static stShareStack_t *stacks;

static void change(volatile bool *flag) {
  *flag = true;
  co_cond_broadcast(changed);
}

static void *act(void *argument) {
  struct actor *actor = argument;
  actor->thread = gettid();
  co_setspecific(self_key, actor);
  co_enable_hook_sys();
  actor->run(actor->argument);
  change(&actor->ended);
  return NULL;
}

static void set_going(struct actor *actor) {
  stCoRoutineAttr_t attributes = {.stack_size = 256 << 10, .share_stack = stacks};
  stCoRoutine_t *coroutine;
  if (co_create(&coroutine, &attributes, act, actor) != 0) fail("co_create");
  co_resume(coroutine);
}

/* Others run until they wait, and what helper threads have ended meanwhile has its consequences. */
void settle(void) {
  static bool asking;
  while (asking) usleep(500);
  asking = true;
  for (int i = 0; i < 2; i++) {
    usleep(5000);
    ask_whether_others_sleep();
  }
  usleep(5000);
  asking = false;
}

void announce(struct event *event) { change(&event->set); }

void await(struct event *event) {
  while (!event->set) co_cond_timedwait(changed, -1);
}

static void join_others(struct actor *me) {
  for (int i = 0; i < stage->count; i++)
    while (!stage->actors[i].ended && &stage->actors[i] != me) co_cond_timedwait(changed, -1);
}

static int all_ended(void *nothing) {
  (void)nothing;
  for (int i = 0; i < stage->count; i++)
    if (!stage->actors[i].ended) return 0;
  return -1;
}

static void run_to_the_end(void) { co_eventloop(co_get_epoll_ct(), all_ended, NULL); }

#endif

static void add_actor(const char *name, body *run, void *argument) {
  struct actor *actor = &stage->actors[__atomic_fetch_add(&stage->count, 1, __ATOMIC_SEQ_CST)];
  snprintf(actor->name, sizeof actor->name, "%s", name);
  actor->run = run;
  actor->argument = argument;
  set_going(actor);
}

void perform(const char *name, body *run, void *argument, bool shared_stack) {
#ifdef PLAIN
  (void)shared_stack;
#else
  pthread_key_create(&self_key, NULL);
  changed = co_cond_alloc();
  if (shared_stack) stacks = co_alloc_sharestack(1, 512 << 10);
#endif
  add_actor(name, run, argument);
  run_to_the_end();
}

void start(const char *name, body *run, void *argument) { add_actor(name, run, argument); }
void join(void) { join_others(self); }

bool has_ended(const char *name) {
  for (int i = 0; i < stage->count; i++)
    if (strcmp(stage->actors[i].name, name) == 0) return stage->actors[i].ended;
  return false;
}

void signal_actor(const char *name, int signal) {
  for (int i = 0; i < stage->count; i++)
    if (strcmp(stage->actors[i].name, name) == 0) MUST(syscall(SYS_tgkill, getpid(), stage->actors[i].thread, signal));
}

/* ---- the transcript --------------------------------------------------------------------------------- */

void say(const char *format, ...) {
  struct actor *actor = self;
  size_t room = TEXT - actor->length;
  va_list list;
  int saved = errno;
  va_start(list, format);
  int n = vsnprintf(actor->text + actor->length, room, format, list);
  va_end(list);
  actor->length += (size_t)n + 1 < room ? (size_t)n : room - 2;
  strcpy(actor->text + actor->length++, "\n");
  errno = saved;
}

const char *error_name(int error) {
  const char *name = error ? strerrorname_np(error) : "0";
  return name ? name : "unknown";
}

long traced(const char *call, long result) {
  int error = errno;
  if (result == -1 || error != 0)
    say("%s = %ld %s", call, result, error_name(error));
  else
    say("%s = %ld", call, result);
  errno = error;
  return result;
}

int traced_code(const char *call, int code) {
  say("%s = %s", call, error_name(code));
  return code;
}

long must(const char *call, const char *file, int line, long result) {
  if (result < 0) {
    dprintf(2, "%s:%d: %s: %s\n", file, line, call, strerror(errno));
    _exit(4);
  }
  return result;
}

int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* A socket's time-out counts in the kernel's ticks, and the present one has begun already. */
void said_wait(int ms, int64_t took) {
  say("%s", took >= ms - 11 ? "... which waited" : "... WHICH DID NOT WAIT");
}

uint64_t checksum(const void *data, size_t length) {
  const unsigned char *bytes = data;
  uint64_t sum = 14695981039346656037u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ bytes[i]) * 1099511628211u;
  return sum;
}

void fill(void *data, size_t length, unsigned seed) {
  unsigned char *bytes = data;
  uint32_t x = seed * 2654435761u + 1;
  for (size_t i = 0; i < length; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    bytes[i] = (unsigned char)x;
  }
}

struct bit {
  int bit;
  const char *name;
};

static const char *names_of(int bits, const struct bit *known, size_t count) {
  static char texts[4][160];
  static unsigned turn;
  char *text = texts[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % 4];
  *text = 0;
  for (size_t i = 0; i < count; i++)
    if ((bits & known[i].bit) == known[i].bit && known[i].bit) {
      strcat(strcat(text, *text ? "|" : ""), known[i].name);
      bits &= ~known[i].bit;
    }
  if (bits) sprintf(text + strlen(text), "%s%#x", *text ? "|" : "", bits);
  return *text ? text : "0";
}

#define BIT(name) \
  { name, #name }

const char *poll_names(int events) {
  static const struct bit known[] = {BIT(POLLIN),     BIT(POLLPRI),    BIT(POLLOUT),  BIT(POLLERR),
                                     BIT(POLLHUP),    BIT(POLLNVAL),   BIT(POLLRDNORM), BIT(POLLRDBAND),
                                     BIT(POLLWRNORM), BIT(POLLWRBAND), BIT(POLLRDHUP)};
  return names_of(events, known, sizeof known / sizeof *known);
}

const char *flag_names(int flags) {
  static const struct bit known[] = {BIT(O_RDWR), BIT(O_WRONLY), BIT(O_NONBLOCK), BIT(O_APPEND)};
  return names_of(flags & ~0100000, known, sizeof known / sizeof *known);
}
