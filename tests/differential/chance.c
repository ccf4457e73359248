/* chance.c - long sequences of calls by chance, the same in every run of a seed. */
#include "scenario.h"

enum { CALLS = 1500, SLOTS = 6 };

static uint64_t state;
static int ends[SLOTS][2];
static enum kind kinds[SLOTS];
static char data[70000], got[70000];

static unsigned below(unsigned limit) {
  uint64_t x = state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return (unsigned)((x ^ (x >> 31)) % limit);
}

/* Kinds whose every answer depends on nothing but the calls before. */
static void renew(int slot) {
  static const enum kind of[] = {UNIX, SEQPACKET, DGRAM, PIPE, FIFO};
  int size = 20000;
  if (ends[slot][0] >= 0) close(ends[slot][0]);
  if (ends[slot][1] >= 0) close(ends[slot][1]);
  kinds[slot] = of[below(5)];
  make_pair(kinds[slot], ends[slot]);
  for (int e = 0; e < 2 && is_socket(kinds[slot]); e++) {
    set_time_out(ends[slot][e], SO_RCVTIMEO, 1);
    set_time_out(ends[slot][e], SO_SNDTIMEO, 1);
    MUST(setsockopt(ends[slot][e], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  }
}

static unsigned length_by_chance(void) {
  switch (below(4)) {
    case 0: return below(3);
    case 1: return below(200);
    case 2: return below(6000);
    default: return below(60000);
  }
}

static int cut(struct iovec *pieces, char *from, unsigned length) {
  int count = 0;
  while (length > 0 && count < 7) {
    unsigned n = count == 6 ? length : below(length + 1);
    pieces[count++] = (struct iovec){from, n};
    from += n;
    length -= n;
  }
  return count;
}

/* Whether a pipe's call would wait: it has no time-out, and nobody else is there. */
static bool would_wait(int slot, int end, short events) {
  struct pollfd p = {ends[slot][end], events, 0};
  return !is_socket(kinds[slot]) && poll(&p, 1, 0) == 0;
}

static void call_by_chance(int number) {
  static const int flags[] = {MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_TRUNC, MSG_NOSIGNAL};
  int slot = (int)below(SLOTS), side = (int)below(2), fd = ends[slot][side], flag = 0, on = (int)below(2);
  unsigned length = length_by_chance(), what = below(24);
  struct iovec pieces[8];
  struct msghdr message = {.msg_iov = pieces};
  long n = -9;
  char extra[64] = "";
  for (int i = 0; i < 5; i++)
    if (below(4) == 0) flag |= flags[i];
  errno = 0;
  /* Without time-outs pipes are written to and read from only as far as that does not wait. */
  if (!is_socket(kinds[slot]) && what < 12) {
    if (side == 1 && length > 4096) length = 4096;
    if (would_wait(slot, side, side == 1 ? POLLOUT : POLLIN)) return;
  }
  memset(got, 0, 16);
  switch (what) {
    case 0:
    case 1: n = read(fd, got, length); break;
    case 2: n = readv(fd, pieces, cut(pieces, got, length)); break;
    case 3: n = recv(fd, got, length, flag); break;
    case 4:
      message.msg_iovlen = (size_t)cut(pieces, got, length);
      n = recvmsg(fd, &message, flag);
      if (n >= 0) sprintf(extra, "flags %#x", (unsigned)message.msg_flags);
      break;
    case 5: n = recvfrom(fd, got, length, flag, NULL, NULL); break;
    case 6:
    case 7: n = write(fd, data + below(1000), length); break;
    case 8: n = writev(fd, pieces, cut(pieces, data + below(1000), length)); break;
    case 9: n = send(fd, data + below(1000), length, flag); break;
    case 10:
      message.msg_iovlen = (size_t)cut(pieces, data + below(1000), length);
      n = sendmsg(fd, &message, flag);
      break;
    case 11: n = sendto(fd, data + below(1000), length, flag, NULL, 0); break;
    case 12:
    case 13:
    case 14: {
      struct pollfd p[3];
      for (int i = 0; i < 3; i++) p[i] = (struct pollfd){ends[below(SLOTS)][below(2)], (short)below(0x400), 0};
      n = poll(p, 3, (int)below(2));
      sprintf(extra, "%#x %#x %#x", (unsigned)p[0].revents, (unsigned)p[1].revents, (unsigned)p[2].revents);
      break;
    }
    case 15: n = ioctl(fd, FIONBIO, &on); break;
    case 16: n = fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0); break;
    case 17: n = fcntl(fd, F_GETFL); break;
    case 18: {
      int copy = dup(fd);
      n = copy;
      if (copy >= 0) close(fd), ends[slot][side] = copy;
      break;
    }
    case 19: n = below(3) ? 0 : shutdown(fd, (int)below(3)); break;
    case 20:
      if (below(3) == 0) n = close(fd), ends[slot][side] = -1;
      break;
    case 21: n = below(2) ? 0 : (renew(slot), 1); break;
    case 22: {
      int count = -1;
      n = ioctl(fd, FIONREAD, &count);
      sprintf(extra, "%d", count);
      break;
    }
    default: {
      fd_set set;
      struct timeval time = {0, 0};
      FD_ZERO(&set);
      for (int i = 0; i < 3; i++) {
        int one = ends[below(SLOTS)][below(2)];
        if (one >= 0) FD_SET(one, &set);
      }
      n = on ? select(30, &set, NULL, NULL, &time) : select(30, NULL, &set, NULL, &time);
    }
  }
  int error = errno;
  say("%d: %s[%d] %u(%u, %#x) = %ld %s %s %#llx", number, kind_names[kinds[slot]], side, what, length, (unsigned)flag, n,
      error_name(error), extra, (unsigned long long)(n > 0 && what < 6 ? checksum(got, (size_t)n < length ? (size_t)n : length) : 0));
}

static void by_chance(uint64_t seed) {
  state = seed;
  fill(data, sizeof data, (unsigned)seed);
  count_sigpipes();
  for (int i = 0; i < SLOTS; i++) {
    ends[i][0] = ends[i][1] = -1;
    renew(i);
  }
  for (int i = 0; i < CALLS; i++) {
    call_by_chance(i);
    if (i % 100 == 99) say("SIGPIPE: %d", (int)sigpipes);
  }
}

SCENARIO(chance_1, "fifteen hundred calls by chance, seed 1") { by_chance(1); }
SCENARIO(chance_2, "fifteen hundred calls by chance, seed 2") { by_chance(2); }
SCENARIO(chance_3, "fifteen hundred calls by chance, seed 3") { by_chance(3); }
SCENARIO(chance_4, "fifteen hundred calls by chance, seed 4") { by_chance(4); }
SCENARIO(chance_5, "fifteen hundred calls by chance, seed 5") { by_chance(5); }
SCENARIO(chance_6, "fifteen hundred calls by chance, seed 6") { by_chance(6); }

/* Repeats a run of another seed, or looks for one: CHANCE=7 in the environment. */
SCENARIO(chance_given, "fifteen hundred calls by chance, seed from the environment") {
  const char *given = getenv("CHANCE");
  by_chance(given ? strtoull(given, NULL, 0) : 42);
}
