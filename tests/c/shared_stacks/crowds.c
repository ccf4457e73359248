/* Thousands on few stacks: what each costs, and everything at once in random order. */
#include "shared.h"

enum { MANY = 100000 };
static stCoRoutine_t *crowd[MANY];
static size_t live;

static NOINLINE void *holds_a_little(void *unused) {
  volatile char bytes[120];
  bytes[0] = 1;
  /* A stack's top is the end of a page; six registers and two words more are saved below this frame. */
  live = 4096 - (uintptr_t)bytes % 4096 + 64;
  co_yield_ct();
  bytes[1] = bytes[0];
  done++;
  return unused;
}

TEST(a_parked_coroutine_with_200_live_bytes_costs_at_most_450_bytes) {
  stShareStack_t *stacks = stacks_of(4, 128 * KIB);
  memset(crowd, 1, sizeof crowd);
  for (int i = 0; i < 8; i++) co_resume(spawn_on(stacks, 0, holds_a_little, NULL));
  long before = resident_bytes();
  for (int i = 0; i < MANY; i++) {
    crowd[i] = spawn_on(stacks, 0, holds_a_little, NULL);
    co_resume(crowd[i]);
  }
  long each = (resident_bytes() - before) / MANY;
  fprintf(stderr, "# %ld bytes each, of which about %zu are its stack's\n", each, live);
  CHECK(live >= 190 && live <= 260);
  CHECK(each >= 150 && each <= 450);
  for (int i = 0; i < MANY; i++) {
    co_resume(crowd[i]);
    co_release(crowd[i]);
  }
  CHECK_IS(done, MANY);
  /* What was kept of their stacks is given back; what they were stays for the next. */
  long left = (resident_bytes() - before) / MANY;
  fprintf(stderr, "# %ld bytes each when they have gone\n", left);
  CHECK(left <= 270);
  for (int i = 0; i < MANY; i++) {
    crowd[i] = spawn_on(stacks, 0, holds_a_little, NULL);
    co_resume(crowd[i]);
  }
  CHECK((resident_bytes() - before) / MANY <= 450);
}

static struct dice dice;

static char ended[MANY];

/* Each time it keeps another number of bytes more: a few hundred mostly, sometimes many. */
static void *keeps_ever_more(void *argument) {
  int me = (int)(uintptr_t)argument;
  for (int round = 0; round < 4; round++) {
    size_t size = below(&dice, below(&dice, 50) ? 1u << (6 + me % 6) : 40 * KIB) + 16;
    unsigned char *bytes = __builtin_alloca(size);
    uint64_t mark = (uint64_t)me * 4 + round;
    fill(bytes, size, mark);
    co_yield_ct();
    CHECK(is_filled(bytes, size, mark));
    done++;
  }
  ended[me] = 1;
  return NULL;
}

TEST(many_of_all_sizes_keep_their_bytes_while_they_come_and_go) {
  enum { OF_ALL_SIZES = 60000 };
  int released = 0;
  dice = cast_dice();
  stShareStack_t *stacks = stacks_of(2, 512 * KIB);
  for (uintptr_t i = 0; i < OF_ALL_SIZES; i++) {
    crowd[i] = spawn_on(stacks, 0, keeps_ever_more, (void *)i);
    co_resume(crowd[i]);
  }
  for (int i = 0; i < 4 * OF_ALL_SIZES; i++) {
    uintptr_t one = below(&dice, OF_ALL_SIZES);
    if (ended[one] || below(&dice, 20) == 0) {
      released++;
      co_release(crowd[one]);
      ended[one] = 0;
      crowd[one] = spawn_on(stacks, 0, keeps_ever_more, (void *)one);
    }
    co_resume(crowd[one]);
  }
  fprintf(stderr, "# %d times bytes were as they had been; %d came anew\n", done, released);
  CHECK(done > 2 * OF_ALL_SIZES && released > OF_ALL_SIZES / 10);
  for (int i = 0; i < OF_ALL_SIZES; i++) co_release(crowd[i]);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

enum { TENANTS = 3000, PAIRS = 64, ACTIONS = 10 };

static struct tenant {
  stCoRoutine_t *co;
  unsigned life;
  int active; /* it runs, or waits for one that it resumed */
  int own;    /* it has thread-local variables of its own */
  long runs;
} tenants[TENANTS];
static int pipes[PAIRS][2];
static stShareStack_t *few;
static long acted[ACTIONS], moved_in, owners;
static __thread struct tenant *last_here;

/* Asked for anew each time. */
static NOINLINE struct tenant **here(void) { return &last_here; }

static void *lives(void *argument);

static struct tenant *somebody(void) { return &tenants[below(&dice, TENANTS)]; }

static void move_one_in(struct tenant *one) {
  one->life++;
  one->active = 0;
  int private = below(&dice, 8) == 0;
  one->co = spawn_on(private ? NULL : few, 0, lives, one);
  one->own = below(&dice, 4) == 0 && co_own_thread_locals(one->co) == 0;
  owners += one->own;
  moved_in++;
}

static void leave(struct tenant *one) { one->active = 0; }

static void come_back(struct tenant *one, unsigned life) {
  CHECK_IS(one->active, 0);
  CHECK_IS(one->life, life);
  CHECK(co_self() == one->co);
  if (one->own) CHECK(*here() == one);
  one->active = 1;
}

/* What anybody may do to anybody who is not active. */
static void meddle(void) {
  struct tenant *other = somebody();
  if (other->active) return;
  if (!other->co) {
    move_one_in(other);
  } else if (below(&dice, 4) == 0) {
    co_release(other->co);
    other->co = NULL;
  } else if (below(&dice, 3) == 0) {
    co_reset(other->co);
    other->life++;
    other->own = 0;
  } else {
    co_resume(other->co);
  }
}

static void send_tokens(void) {
  for (int i = 0; i < 4; i++) {
    uint64_t token = 0x70ce70ce00000000u | (roll(&dice) & 0xffffffff);
    CHECK_IS(send(pipes[below(&dice, PAIRS)][1], &token, 8, MSG_DONTWAIT), 8);
  }
}

static NOINLINE void act(struct tenant *me, unsigned life) {
  unsigned action = below(&dice, ACTIONS);
  acted[action]++;
  if (action <= 2) {
    leave(me);
    co_yield_ct();
    come_back(me, life);
  } else if (action <= 4) {
    meddle();
    CHECK_IS(me->active, 1);
  } else if (action == 5) {
    leave(me);
    CHECK_IS(usleep(below(&dice, 2000)), 0);
    come_back(me, life);
  } else if (action == 6) {
    struct pollfd fds[4];
    int count = 1 + (int)below(&dice, 4), at[4], ready = 0;
    for (int i = 0; i < count; i++) {
      at[i] = (int)below(&dice, PAIRS);
      fds[i].fd = pipes[at[i]][0];
      fds[i].events = POLLIN;
      fds[i].revents = -1;
    }
    leave(me);
    int found = poll(fds, (nfds_t)count, (int)below(&dice, 4));
    come_back(me, life);
    for (int i = 0; i < count; i++) {
      CHECK(fds[i].fd == pipes[at[i]][0] && fds[i].events == POLLIN);
      CHECK(fds[i].revents == 0 || fds[i].revents == POLLIN);
      ready += fds[i].revents != 0;
    }
    CHECK_IS(found, ready);
  } else if (action == 7) {
    uint64_t token[3] = {1, 0, 2};
    int at = (int)below(&dice, PAIRS);
    leave(me);
    CHECK_IS(read(pipes[at][0], &token[1], 8), 8);
    come_back(me, life);
    CHECK(token[0] == 1 && token[1] >> 32 == 0x70ce70ce && token[2] == 2);
  } else if (action == 8) {
    struct timeval wait = {0, below(&dice, 3000)};
    fd_set in;
    int at = (int)below(&dice, PAIRS);
    FD_ZERO(&in);
    FD_SET(pipes[at][0], &in);
    leave(me);
    int found = select(pipes[at][0] + 1, &in, NULL, NULL, &wait);
    come_back(me, life);
    CHECK(found == !!FD_ISSET(pipes[at][0], &in));
  } else {
    send_tokens();
  }
}

/* Frames of many sizes, each of which must be as it was when control comes back. */
static NOINLINE void go_down(struct tenant *me, unsigned life, unsigned levels) {
  size_t size = 16 + below(&dice, below(&dice, 8) ? 100 : 4000);
  unsigned char *bytes = __builtin_alloca(size);
  uint64_t mark = (uint64_t)(me - tenants) * 1000003 + life * 31 + levels;
  fill(bytes, size, mark);
  if (levels)
    go_down(me, life, levels - 1);
  else
    act(me, life);
  CHECK(is_filled(bytes, size, mark));
}

static void *lives(void *argument) {
  struct tenant *me = argument;
  unsigned life = me->life;
  co_enable_hook_sys();
  me->active = 1;
  me->runs++;
  if (me->own) CHECK(*here() == NULL);
  *here() = me;
  while (below(&dice, 12)) go_down(me, life, below(&dice, 6));
  if (below(&dice, 10) == 0) {
    /* Gone as soon as it leaves: its place is free, and this frame must not be needed any more. */
    me->co = NULL;
    me->active = 0;
    co_release(co_self());
    if (below(&dice, 2)) co_yield_ct();
    return NULL;
  }
  CHECK_IS(me->life, life);
  me->active = 0;
  return NULL;
}

static int drives(void *count) {
  for (int i = 0; i < 40; i++) {
    meddle();
    if (below(&dice, 4) == 0) send_tokens();
  }
  /* So that nobody's tokens fill a pipe. */
  uint64_t tokens[64];
  for (int i = 0; i < PAIRS; i++)
    if (recv(pipes[i][0], tokens, sizeof tokens, MSG_DONTWAIT | MSG_PEEK) == sizeof tokens)
      CHECK(recv(pipes[i][0], tokens, sizeof tokens / 2, MSG_DONTWAIT) > 0);
  return --*(int *)count == 0 || check_failures ? -1 : 0;
}

static void live_together(int count, int size, int turns) {
  few = stacks_of(count, size);
  for (int i = 0; i < TENANTS; i++) move_one_in(&tenants[i]);
  co_eventloop(co_get_epoll_ct(), drives, &turns);
  for (int i = 0; i < TENANTS; i++) co_release(tenants[i].co);
  loop_for(1);
  CHECK_IS(co_free_sharestack(few), 0);
}

TEST(random_orders_of_everything_keep_every_coroutines_bytes) {
  long runs = 0;
  dice = cast_dice();
  struct rlimit limit = {1000, 1000};
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < PAIRS; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes[i]) == 0);
  live_together(4, 64 * KIB, 1500);
  memset(tenants, 0, sizeof tenants);
  live_together(1, 128 * KIB, 400);
  for (int i = 0; i < TENANTS; i++) runs += tenants[i].runs;
  fprintf(stderr, "# %ld made, %ld with thread-local variables of their own, %ld runs;", moved_in, owners, runs);
  for (int i = 0; i < ACTIONS; i++) {
    fprintf(stderr, " %ld", acted[i]);
    CHECK(acted[i] > 100);
  }
  fprintf(stderr, " actions of each kind\n");
}

RUN_TESTS
