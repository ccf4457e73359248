/*
 * fuzz.h - hooks against the system calls they stand for, with arguments by chance.
 *
 * There are two worlds of equal descriptors. A call is made in the first as the bare system call, on the thread, and in the
 * second as the hook, in a coroutine; result, errno and memory must be the same. Both have the same memory one after the
 * other, at the same addresses, and the same choices of chance. A system call that blocks is interrupted after a while: then
 * the hook must park.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "../c/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>

/* ---- descriptors (world.c) -------------------------------------------------------------------------- */

/* The numbers of a world begin at BASE and are the same in the other, SLOTS higher: a word of an fd_set. */
enum { BASE = 192, SLOTS = 64, WORLDS = 2 };

enum slot {
  /* Never open; room for what dup2 makes. */
  CLOSED, SCRATCH,
  /* Those that end in N are non-blocking; sockets that end in T have time-outs. */
  PIPE_IN_N, PIPE_OUT_N, PIPE_IN, PIPE_OUT, PIPE_ENDED, PIPE_BROKEN,
  UNIX_N, UNIX_PEER_N, UNIX_T, UNIX_PEER_T, DATAGRAM_N, DATAGRAM_PEER_N, DATAGRAM_T, DATAGRAM_PEER_T, PACKET_N, PACKET_PEER_N,
  TCP_N, TCP_PEER_N, TCP_T, TCP_PEER_T, UDP_N, UDP_PEER_N, LISTENER_N, LISTENER_T, TCP_LISTENER_T,
  FRESH_TCP, FRESH_UNIX, FRESH_DATAGRAM,
  EVENT_N, EVENT, TIMER_N, TIMER, FILE_BOTH, FILE_IN, FILE_OUT, DIRECTORY, NOTHING, ZEROES, PATH_ONLY, EPOLL,
  MASTER_N, TERMINAL_N, MEMORY, FIFO_N, WATCH_N,
  OPEN_SLOTS
};

extern const char *const slot_names[OPEN_SLOTS];

void make_worlds(void);
/* The address that listeners of the world are bound to. */
socklen_t listener_address(int world, bool tcp, struct sockaddr_storage *address);
static inline int number_of(int world, enum slot slot) { return BASE + SLOTS * world + (int)slot; }
/* Whether answers of the descriptor depend on more than the calls before: how far TCP has got, say. */
bool is_fickle(enum slot slot);
/* Whether calls on it give up after a time, which a busy machine prolongs. */
bool is_timed(enum slot slot);

/* ---- memory (memory.c) ------------------------------------------------------------------------------ */

/* Pages that can be written, then one that is not there, then one that can only be read, then again none. */
enum { PAGE = 4096, GOOD = 9 * PAGE, ARENA = GOOD + 3 * PAGE };
extern char *arena;
/* What is read before a call, and compared after it: all that can be written. */
void fill_arena(struct dice *dice);

/* Chance for one call in one world. */
struct choice {
  struct dice dice;
  int world;
  size_t used;
  /* Whether something lies before the hole already: only one can. */
  bool at_the_end;
  /* Bytes that may differ between the worlds, and numbers of descriptors. */
  struct range {
    size_t from, size;
  } ignored[16];
  size_t ignored_count;
  char *set_at[3];
  size_t set_count;
  enum slot slot;
  bool fickle;
  /* Whether the call itself gives up after a time. */
  bool timed;
  /* The last buffer, for the count that follows. */
  size_t size;
  void *buffer;
  char text[2000];
};

void note(struct choice *choice, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `size` bytes, good or bad; `*good` tells whether the program may write there. NULL for "any" means good only. */
void *room(struct choice *choice, size_t size, bool *good);
void ignore(struct choice *choice, const void *from, size_t size);
bool same_memory(const struct choice *choice, const char *before, const char *after, size_t *where);

/* ---- arguments and calls (arguments.c, calls.c) ------------------------------------------------------ */

typedef long oracle_fn(const long *arguments);

struct row {
  const char *name;
  /* The kinds of its arguments, a letter each (arguments.c). */
  const char *kinds;
  long number;
  /* Where the system call takes other arguments than the function. */
  oracle_fn *oracle;
  /* How often it is chosen; what it gives. */
  int weight;
  enum { LONG, INT, CODE } gives;
  bool makes_descriptor, makes_pair;
  /* The hook, when the library has one. */
  long (*hook)(long, long, long, long, long, long);
};

extern struct row rows[];
extern const size_t row_count;
long argument(struct choice *choice, char kind);

static inline long bare(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

#endif
