/* arguments.c - an argument of each kind by chance: mostly such that the call gets somewhere. */
#define _GNU_SOURCE
#include "fuzz.h"

static unsigned pick(struct choice *choice, unsigned limit) { return below(&choice->dice, limit); }
#define ONE_OF(choice, list) ((list)[pick(choice, sizeof(list) / sizeof *(list))])

static long some_number(struct choice *choice) {
  static const long special[] = {-1, -2, INT_MIN, INT_MAX, LONG_MIN, LONG_MAX, 1L << 32, (1L << 32) + 1, 0x7ffff000, 0x7ffff001};
  long number = pick(choice, 3) ? (long)pick(choice, 100) : pick(choice, 2) ? (long)roll(&choice->dice) : ONE_OF(choice, special);
  note(choice, "%ld", number);
  return number;
}

static long descriptor(struct choice *choice) {
  static const int strange[] = {-1, -100, INT_MAX, INT_MIN, 100000};
  if (pick(choice, 40) == 0) {
    choice->slot = CLOSED;
    return some_number(choice) | 1L << 30;
  }
  if (pick(choice, 40) == 0) {
    int fd = ONE_OF(choice, strange);
    note(choice, "%d", fd);
    return fd;
  }
  choice->slot = (enum slot)pick(choice, OPEN_SLOTS);
  /* One that blocks is rare: it costs time. */
  if ((choice->slot == PIPE_IN || choice->slot == PIPE_OUT || choice->slot == EVENT) && pick(choice, 4)) choice->slot = PIPE_IN_N;
  if (is_fickle(choice->slot)) choice->fickle = true;
  note(choice, "%s", slot_names[choice->slot]);
  return number_of(choice->world, choice->slot);
}

/* Of a file that the worlds do not share: some have one and the same behind all their descriptors. */
static long own_file(struct choice *choice) {
  long fd = descriptor(choice);
  bool shared = (choice->slot >= EVENT_N && choice->slot <= TIMER) || (choice->slot >= DIRECTORY && choice->slot <= TERMINAL_N) || choice->slot == WATCH_N;
  choice->fickle |= shared;
  return fd;
}

static long buffer(struct choice *choice) {
  static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 64, 100, 1000, 2000};
  bool good;
  choice->size = ONE_OF(choice, sizes);
  choice->buffer = room(choice, choice->size, &good);
  return (long)choice->buffer;
}

/* Of what was chosen last. */
static long count(struct choice *choice) {
  static const unsigned long huge[] = {4096, 65536, 1 << 20, 0x7ffff000, 0x7fffffff, 0x80000000, 0xffffffff, 1UL << 32, LONG_MAX, 1UL << 63, -1UL, -4096UL};
  unsigned long n = pick(choice, 12) ? choice->size : pick(choice, 3) ? ONE_OF(choice, huge) : pick(choice, 5000);
  note(choice, "%lu", n);
  return (long)n;
}

static long vector(struct choice *choice) {
  size_t pieces = pick(choice, 5);
  bool good;
  choice->size = pieces;
  struct iovec *place = room(choice, pieces * sizeof *place, &good);
  for (size_t i = 0; good && i < pieces; i++) {
    note(choice, i ? ", {" : "{");
    void *base = (void *)buffer(choice);
    note(choice, ", ");
    place[i] = (struct iovec){base, (size_t)count(choice)};
    note(choice, "}");
  }
  choice->size = pieces;
  return (long)place;
}

static long vector_count(struct choice *choice) {
  static const int strange[] = {-1, INT_MIN, INT_MAX, 1024, 1025, 6};
  int n = pick(choice, 15) ? (int)choice->size : ONE_OF(choice, strange);
  note(choice, "%d", n);
  return n;
}

static long transfer_flags(struct choice *choice) {
  static const int known[] = {MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_NOSIGNAL, MSG_MORE, MSG_EOR, MSG_CMSG_CLOEXEC, MSG_DONTROUTE};
  int flags = 0;
  if (pick(choice, 3) == 0) flags |= ONE_OF(choice, known);
  if (pick(choice, 6) == 0) flags |= ONE_OF(choice, known);
  /* But no connection on the way. */
  if (pick(choice, 30) == 0) flags = (int)roll(&choice->dice) & ~MSG_FASTOPEN;
  note(choice, "%#x", flags);
  return flags;
}

/* Flags of accept4, socketpair and the like. */
static long open_flags(struct choice *choice) {
  static const int known[] = {0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC, 1, O_APPEND, -1};
  int flags = ONE_OF(choice, known);
  note(choice, "%#x", flags);
  return flags;
}

static long address_room(struct choice *choice) {
  bool good;
  if (pick(choice, 2)) {
    note(choice, "NULL");
    choice->size = 0;
    return 0;
  }
  choice->size = sizeof(struct sockaddr_storage);
  char *place = room(choice, choice->size, &good);
  /* Ports and names are the worlds' own. */
  ignore(choice, place + sizeof(sa_family_t), choice->size);
  return (long)place;
}

static long address_length(struct choice *choice) {
  static const int lengths[] = {0, 1, 2, 3, 16, 110, 128, -1, INT_MIN, INT_MAX};
  bool good;
  int *place = room(choice, sizeof *place, &good);
  if (good) note(choice, "{%d}", *place = ONE_OF(choice, lengths));
  if (choice->size && choice->fickle) ignore(choice, place, sizeof *place);
  return (long)place;
}

static long address(struct choice *choice) {
  struct sockaddr_storage filled;
  bool good;
  unsigned kind = pick(choice, 6);
  note(choice, kind == 0 ? "NULL " : kind == 1 ? "unspecified " : kind == 2 ? "tcp " : kind == 3 ? "unix " : "junk ");
  choice->size = kind == 0 ? 0 : kind == 1 ? 16 : kind < 4 ? listener_address(choice->world, kind == 2, &filled) : pick(choice, 130);
  if (kind == 0) return 0;
  if (kind == 1) memset(&filled, 0, 16);
  void *place = room(choice, choice->size, &good);
  if (good && kind < 4) {
    memcpy(place, &filled, choice->size);
    ignore(choice, place, choice->size);
  } else if (good && choice->size >= 2) {
    /* No address of anybody: neither of the internet's nor one that a unix socket could have. */
    *(sa_family_t *)place = (sa_family_t)(pick(choice, 2) ? 9 : 200 + pick(choice, 1000));
  }
  return (long)place;
}

static long message(struct choice *choice, bool out) {
  bool good;
  struct msghdr *place = room(choice, sizeof *place, &good), header;
  if (!good) return (long)place;
  memset(&header, 0, sizeof header);
  note(choice, "{name ");
  if (pick(choice, 3) == 0) {
    header.msg_name = (void *)(out ? address(choice) : address_room(choice));
    header.msg_namelen = pick(choice, 8) ? (socklen_t)choice->size : (socklen_t)roll(&choice->dice);
    /* A name that only begins to be one must not lead anywhere. */
  }
  note(choice, " length %d, vector ", (int)header.msg_namelen);
  header.msg_iov = (void *)vector(choice);
  header.msg_iovlen = pick(choice, 20) ? choice->size : pick(choice, 2) ? 1025 : (size_t)roll(&choice->dice);
  note(choice, " x %zu, control ", header.msg_iovlen);
  if (pick(choice, 3) == 0) {
    size_t size = pick(choice, 3) * 24;
    struct cmsghdr *control = room(choice, size, &good);
    header.msg_control = control;
    header.msg_controllen = pick(choice, 10) ? size : (size_t)roll(&choice->dice);
    if (good && size && out) *control = (struct cmsghdr){.cmsg_len = pick(choice, 2) ? 24 : pick(choice, 100), .cmsg_level = SOL_SOCKET, .cmsg_type = 77};
  }
  note(choice, " length %zu}", header.msg_controllen);
  header.msg_flags = out ? 0 : (int)pick(choice, 100);
  *place = header;
  /* Names of the internet differ in length from none. */
  if (choice->fickle) ignore(choice, &place->msg_namelen, sizeof place->msg_namelen);
  return (long)place;
}

static long messages(struct choice *choice, bool out) {
  bool good;
  size_t number = pick(choice, 3);
  struct mmsghdr *place = room(choice, number * sizeof *place, &good);
  for (size_t i = 0; good && i < number; i++) {
    const struct msghdr *one = (const void *)message(choice, out);
    /* What lies elsewhere than in good memory may not be there. */
    if ((uintptr_t)one - (uintptr_t)arena <= GOOD - sizeof *one) place[i].msg_hdr = *one;
    if (choice->fickle) ignore(choice, &place[i].msg_hdr.msg_namelen, sizeof(socklen_t));
  }
  choice->size = number;
  return (long)place;
}

static long poll_array(struct choice *choice) {
  static const short known[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, POLLPRI, POLLRDHUP, 0, -1, POLLRDNORM | POLLWRBAND, POLLERR};
  bool good;
  size_t number = pick(choice, 6);
  struct pollfd *place = room(choice, number * sizeof *place, &good);
  for (size_t i = 0; good && i < number; i++) {
    note(choice, i ? ", " : " ");
    place[i] = (struct pollfd){(int)descriptor(choice), ONE_OF(choice, known), 0x55};
    note(choice, "/%#x", (unsigned)place[i].events);
    ignore(choice, &place[i].fd, sizeof place[i].fd);
  }
  choice->size = number;
  return (long)place;
}

static long poll_count(struct choice *choice) {
  static const unsigned long strange[] = {20001, 1UL << 31, 1UL << 32, 1UL << 63, -1UL, 100};
  unsigned long n = pick(choice, 20) ? choice->size : ONE_OF(choice, strange);
  note(choice, "%lu", n);
  return (long)n;
}

static long milliseconds(struct choice *choice) {
  static const int times[] = {0, 0, 0, 0, 0, 1, 2};
  static const int endless[] = {-1, INT_MIN, INT_MAX};
  choice->timed = pick(choice, 300) != 0;
  int time = choice->timed ? ONE_OF(choice, times) : ONE_OF(choice, endless);
  note(choice, "%d", time);
  return time;
}

/* `bad`: where libc passes the pointer on to the kernel without looking there itself. */
static long time_of(struct choice *choice, bool bad, bool micros, bool left) {
  static const struct timespec times[] = {{0, 0}, {0, 0}, {0, 1}, {0, 1000}, {0, 300000}, {0, 1000000}, {0, -1}, {-1, 0}, {0, 1000000000}, {0, LONG_MAX}, {LONG_MIN, 0}, {-5, -5}};
  static const struct timespec endless[] = {{LONG_MAX, 0}, {LONG_MAX, 999999999}, {INT_MAX, 5}};
  bool good;
  if (!bad && pick(choice, 200) == 0) {
    note(choice, "NULL");
    return 0;
  }
  struct timespec *place = room(choice, sizeof *place, bad ? &good : NULL);
  if (bad && !good) return (long)place;
  choice->timed = pick(choice, 300) != 0;
  *place = choice->timed ? ONE_OF(choice, times) : ONE_OF(choice, endless);
  /* How many messages come in how little time is chance of another sort. */
  if (left && !micros && place->tv_sec == 0 && place->tv_nsec > 0 && place->tv_nsec < 1000000000) place->tv_sec = 5;
  /* A million microseconds are a second and more to select, and it adds them up. */
  if (micros && place->tv_nsec > 1000000) place->tv_nsec = 3000;
  note(choice, "{%ld, %ld}", (long)place->tv_sec, place->tv_nsec);
  /* What is left of it depends on the time. */
  if (left) ignore(choice, place, sizeof *place);
  return (long)place;
}

static long rest_of_time(struct choice *choice) {
  bool good;
  return (long)room(choice, sizeof(struct timespec), &good);
}

static long bit_set(struct choice *choice) {
  bool good;
  if (pick(choice, 3) == 0) {
    note(choice, "NULL");
    return 0;
  }
  /* As large as the numbers of both worlds reach. */
  uint64_t *place = room(choice, 5 * sizeof *place, &good);
  if (!good) return (long)place;
  memset(place, 0, 5 * sizeof *place);
  for (unsigned i = pick(choice, 4); i > 0; i--) {
    enum slot slot = (enum slot)(pick(choice, 12) ? 2 + pick(choice, OPEN_SLOTS - 2) : pick(choice, OPEN_SLOTS));
    if (slot == PIPE_ENDED) slot = PIPE_IN_N;
    if (is_fickle(slot)) choice->fickle = true;
    note(choice, " %s", slot_names[slot]);
    place[3 + choice->world] |= 1UL << slot;
  }
  if (choice->set_count < 3) choice->set_at[choice->set_count++] = (char *)place;
  return (long)place;
}

static long bit_count(struct choice *choice) {
  static const int counts[] = {BASE + SLOTS * WORLDS, BASE + SLOTS * WORLDS, BASE + SLOTS * WORLDS, BASE + SLOTS * WORLDS, 0, 1, BASE, -1, INT_MIN};
  int n = ONE_OF(choice, counts);
  note(choice, "%d", n);
  return n;
}

static long signal_mask(struct choice *choice) {
  if (pick(choice, 2)) {
    note(choice, "NULL");
    return 0;
  }
  uint64_t *place = room(choice, sizeof(sigset_t), NULL);
  memset(place, 0, sizeof(sigset_t));
  *place = 1 << (SIGUSR2 - 1);
  return (long)place;
}

static long small_of(struct choice *choice, const long *list, size_t size) {
  long value = pick(choice, 15) ? list[pick(choice, (unsigned)size)] : (long)(int)roll(&choice->dice);
  note(choice, "%ld", value);
  return value;
}
#define SMALL_OF(choice, ...) small_of(choice, (const long[]){__VA_ARGS__}, sizeof((const long[]){__VA_ARGS__}) / sizeof(long))

static long command(struct choice *choice) {
  long value = SMALL_OF(choice, F_GETFD, F_GETFL, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_GET_SEALS, 9999, -1);
  /* Not those that send signals, lock, or make descriptors blocking. */
  bool harmless = value == F_GETFD || value == F_GETFL || value == F_SETFD || value == F_DUPFD || value == F_DUPFD_CLOEXEC ||
                  value == F_GETPIPE_SZ || value == F_GET_SEALS || value == -1;
  choice->size = 0;
  return harmless ? value : 9999;
}

static long offset(struct choice *choice) {
  bool good;
  if (pick(choice, 2)) {
    note(choice, "NULL");
    return 0;
  }
  long *place = room(choice, sizeof *place, &good);
  if (good) note(choice, "{%ld}", *place = (long)pick(choice, 40) - 4);
  return (long)place;
}

static long path(struct choice *choice) {
  static const char *const paths[] = {"/dev/null", "/", "/tmp", "", "/not/there", "/dev/null/below", "/proc/self/status", "..", "/dev/zero"};
  const char *text = ONE_OF(choice, paths);
  bool good;
  char *place = room(choice, strlen(text) + 1, &good);
  if (good) strcpy(place, text);
  if (good) note(choice, "\"%s\"", text);
  return (long)place;
}

long argument(struct choice *choice, char kind) {
  switch (kind) {
    case 'f': return descriptor(choice);
    case 'e': return own_file(choice);
    case 'b': return buffer(choice);
    case 'n': return count(choice);
    case 'v': return vector(choice);
    case 'k': return vector_count(choice);
    case 'm': return message(choice, false);
    case 'M': return message(choice, true);
    case 'j': return messages(choice, false);
    case 'J': return messages(choice, true);
    case 'F': return transfer_flags(choice);
    case 'o': return open_flags(choice);
    case 'a': return address_room(choice);
    case 'l': return address_length(choice);
    case 'A': return address(choice);
    case 'p': return poll_array(choice);
    case 'q': return poll_count(choice);
    case 'i': return milliseconds(choice);
    case 'T': return time_of(choice, false, false, false);
    case 'B': return time_of(choice, true, false, false);
    case 'D': return time_of(choice, true, false, true);
    case 'U': return time_of(choice, false, true, true);
    case 'w': return rest_of_time(choice);
    case 's': return bit_set(choice);
    case 'S': return bit_count(choice);
    case 'g': return signal_mask(choice);
    case 'C': return SMALL_OF(choice, CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_MONOTONIC_RAW, CLOCK_THREAD_CPUTIME_ID, 50, -1);
    case 'h': return SMALL_OF(choice, SHUT_RD, SHUT_WR, SHUT_RDWR, 3, -1);
    case 'd': return SMALL_OF(choice, AF_UNIX, AF_UNIX, AF_INET, AF_INET6, AF_UNSPEC, 99);
    case 'y': return SMALL_OF(choice, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM | SOCK_NONBLOCK, SOCK_DGRAM | SOCK_CLOEXEC, 0, 99);
    case 'L': return SMALL_OF(choice, SOL_SOCKET, SOL_SOCKET, SOL_SOCKET, IPPROTO_TCP, 999);
    case 'N': return SMALL_OF(choice, SO_TYPE, SO_ERROR, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_KEEPALIVE, SO_RCVLOWAT, SO_REUSEADDR, SO_RCVTIMEO, 999);
    case 'K': return SMALL_OF(choice, SO_KEEPALIVE, SO_OOBINLINE, SO_RCVLOWAT, SO_DONTROUTE, 999, SO_TYPE);
    case 'c': return command(choice);
    case 'O': return offset(choice);
    case 'P': return SMALL_OF(choice, 0, 0, 1, 5, 30, 31, 32, 5000, -1, -2, LONG_MAX, LONG_MIN);
    case 'R': return SMALL_OF(choice, 0, 0, 0, RWF_NOWAIT, RWF_HIPRI, RWF_DSYNC, RWF_APPEND, -1);
    case 'x': return SMALL_OF(choice, 0, 0, 1, 2, 3, 4, 8, 16);
    case 'z': return SMALL_OF(choice, LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN, 0, 99, -1);
    case 'Z': return path(choice);
    case 'W': return SMALL_OF(choice, -1, 0, 1, INT_MIN, INT_MAX, -2);
    case 'X': return SMALL_OF(choice, 0, WNOHANG, WEXITED, WEXITED | WNOHANG, WSTOPPED, WNOWAIT | WEXITED, 0x40000000);
    case 'I': return SMALL_OF(choice, -1, -5, INT_MAX, INT_MIN);
    case 'G': return SMALL_OF(choice, O_RDONLY, O_WRONLY, O_RDWR, O_DIRECTORY, O_PATH, O_NOFOLLOW, O_RDONLY | O_NONBLOCK | O_CLOEXEC, O_TMPFILE) & ~O_CREAT;
    /* Numbers of system calls. */
    case '1': return pick(choice, 2) ? SYS_read : SYS_write;
    case '2': return pick(choice, 2) ? SYS_readv : SYS_writev;
    case '3': return SYS_recvmsg;
    case '4': return SYS_poll;
    case 'u': return SMALL_OF(choice, 0, 1, 50, 700) & 0x3ff;
    default: return 0;
  }
}
