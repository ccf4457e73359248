/*
 * Many coroutines wait on few numbers that are closed and used again all the time.
 *
 * SEED repeats a run. Whatever happens, everybody who waits gets on: by data, by EBADF or by the end of input;
 * data goes to nobody but a reader of its own channel; and every byte of a channel that is not torn down comes.
 */
#include "../check.h"

#include <sys/uio.h>

enum { CHANNELS = 12, READERS = 24, ROUNDS = 1500 };

struct channel {
  int ends[2];
  int life;
};

static struct channel channels[CHANNELS];
static struct dice dice;
static int stopped, rounds, told, got_data, got_end, wrong, waiting_readers;

static void open_channel(int number) {
  struct channel *channel = &channels[number];
  if (below(&dice, 2)) NEED(pipe(channel->ends) == 0);
  else NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, channel->ends) == 0);
  channel->life++;
}

/* Reads from channels at random; what it reads must carry the channel's number. */
static void *read_at_random(void *nothing) {
  co_enable_hook_sys();
  while (!stopped) {
    int number = (int)below(&dice, CHANNELS), life = channels[number].life;
    int fd = channels[number].ends[0];
    unsigned char bytes[8] = {0};
    struct pollfd p = {fd, POLLIN, 0};
    struct iovec piece = {bytes, sizeof bytes};
    long n = -1;
    waiting_readers++;
    switch (below(&dice, 4)) {
      case 0: n = read(fd, bytes, sizeof bytes); break;
      case 1: n = readv(fd, &piece, 1); break;
      case 2:
        n = recv(fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == ENOTSOCK) n = read(fd, bytes, sizeof bytes);
        break;
      default:
        if (poll(&p, 1, 5) == 1 && p.revents & POLLNVAL) {
          told++;
          n = -2;
        } else {
          n = -3;
        }
    }
    waiting_readers--;
    if (n == 0) got_end++;
    if (n == -1) {
      told++;
      if (errno != EBADF && errno != ECONNRESET) wrong++;
    }
    for (long i = 0; i < n; i++) wrong += bytes[i] != number && life == channels[number].life;
    if (n > 0) got_data++;
    if (n <= 0) usleep(200);
  }
  return nothing;
}

/* Takes a channel away in one way or another and puts a new one in its place. */
static void tear_down(int number) {
  struct channel *channel = &channels[number];
  int other;
  switch (below(&dice, 6)) {
    case 0:
      close(channel->ends[0]);
      close(channel->ends[1]);
      break;
    case 1:
      close(channel->ends[1]);
      usleep(below(&dice, 300));
      close(channel->ends[0]);
      break;
    case 2:
      NEED((other = open("/dev/null", O_RDWR)) >= 0);
      NEED(dup2(other, channel->ends[0]) == channel->ends[0]);
      NEED(dup3(other, channel->ends[1], O_CLOEXEC) == channel->ends[1]);
      close(other);
      close(channel->ends[0]);
      close(channel->ends[1]);
      break;
    case 3:
      shutdown(channel->ends[0], SHUT_RDWR);
      close(channel->ends[0]);
      close(channel->ends[1]);
      break;
    case 4: {
      FILE *stream = fdopen(channel->ends[0], "r");
      NEED(stream != NULL);
      /* Closed by libc, out of sight; who waits is woken by the other end before. */
      close(channel->ends[1]);
      fclose(stream);
      break;
    }
    default:
      close(channel->ends[1]);
      close_range((unsigned)channel->ends[0], (unsigned)channel->ends[0], 0);
  }
  open_channel(number);
}

static void *write_at_random(void *nothing) {
  co_enable_hook_sys();
  for (rounds = 0; rounds < ROUNDS; rounds++) {
    int number = (int)below(&dice, CHANNELS);
    unsigned char bytes[4];
    memset(bytes, number, sizeof bytes);
    if (below(&dice, 3) == 0) tear_down(number);
    else CHECK_IS(write(channels[number].ends[1], bytes, sizeof bytes), 4);
    if (below(&dice, 2)) usleep(below(&dice, 500));
  }
  stopped = 1;
  /* Everybody comes to an end when the channels do. */
  for (int i = 0; i < CHANNELS; i++) {
    close(channels[i].ends[0]);
    close(channels[i].ends[1]);
  }
  return nothing;
}

static int all_done(void *nothing) {
  (void)nothing;
  return stopped && waiting_readers == 0 ? -1 : 0;
}

static void churn(void) {
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < CHANNELS; i++) open_channel(i);
  for (int i = 0; i < READERS; i++) start(read_at_random, NULL);
  start(write_at_random, NULL);
  co_eventloop(co_get_epoll_ct(), all_done, NULL);
  CHECK_IS(wrong, 0);
  CHECK(got_data > 0);
  CHECK(told > 0);
}

TEST(channels_come_and_go_at_random) {
  dice = cast_dice();
  churn();
}

static volatile int ended;

/* Opens, closes and replaces descriptors of its own meanwhile, seen and unseen. */
static void *disturb(void *nothing) {
  struct dice mine = {4711};
  while (!ended) {
    int pair[2];
    if (pipe(pair) != 0) continue;
    if (below(&mine, 2)) {
      syscall(SYS_close, pair[0]);
      syscall(SYS_close, pair[1]);
    } else {
      close(pair[0]);
      close(pair[1]);
    }
    if (below(&mine, 8) == 0) usleep(100);
  }
  return nothing;
}

TEST(channels_come_and_go_while_another_thread_opens_and_closes) {
  pthread_t thread;
  dice = cast_dice();
  NEED(pthread_create(&thread, NULL, disturb, NULL) == 0);
  churn();
  ended = 1;
  pthread_join(thread, NULL);
}

RUN_TESTS
