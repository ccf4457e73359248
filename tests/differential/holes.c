/* holes.c - writes from memory that ends before the length does: what comes before the end goes out as far as the kernel
 * takes it, which depends on the file. */
#include "scenario.h"

static int ends[2];
static char received[1 << 14];
static const size_t readable[] = {0, 1, 7, 8, 389, 2047, 2048, 3000, 4096, 5000},
                    // The last is beyond all addresses, wherever the memory is.
                    beyond[] = {0, 1, 100, 5000, (size_t)1 << 32, (size_t)1 << 46};
enum { READABLE = sizeof readable / sizeof *readable, BEYOND = sizeof beyond / sizeof *beyond };

static char *before_the_hole(size_t length) {
  char *memory = before_a_hole(length);
  fill(memory, length, (unsigned)length);
  return memory;
}

/* Tells the result, and whether just that arrived. */
static void tell(const char *call, size_t ready, size_t length, long written, int from) {
  say("%s, %zu of %zu: %ld %s", call, ready, length, written, written < 0 ? error_name(errno) : "");
  if (written <= 0 || from < 0) return;
  MUST(read_all(from, received, (size_t)written));
  size_t own = (size_t)written < ready ? (size_t)written : ready;
  say("%d", memcmp(received, before_the_hole(ready), own));
}

static void write_to(int fd, int from) {
  for (int i = 0; i < READABLE; i++) {
    for (int j = 0; j < BEYOND; j++) {
      size_t ready = readable[i], length = ready + beyond[j];
      char *memory = before_the_hole(ready);
      tell("write", ready, length, write(fd, memory, length), from);
      for (size_t first = 1; first < ready; first = first * 5 + 3) {
        struct iovec pieces[3] = {{memory, first}, {NULL, 0}, {memory + first, length - first}};
        tell("writev", ready, length, writev(fd, pieces, 3), from);
      }
      struct iovec pieces[3] = {{memory, length}, {received, 10}, {nowhere, 10}};
      tell("more", ready, length, writev(fd, pieces, beyond[j] == 0 ? 3 : 2), from);
    }
  }
}

static void write_both_ways(enum kind kind) {
  make_pair(kind, ends);
  write_to(ends[1], ends[0]);
  if (kind == PTY) write_to(ends[0], ends[1]);
}
SCENARIO(holes_terminal, "writes to both sides of a terminal, from memory that ends") { write_both_ways(PTY); }
SCENARIO(holes_pipe, "writes to a pipe, from memory that ends") { write_both_ways(PIPE); }
SCENARIO(holes_unix, "writes to a unix socket, from memory that ends") { write_both_ways(UNIX); }
SCENARIO(holes_tcp, "writes to a TCP socket, from memory that ends") { write_both_ways(TCP); }

SCENARIO(holes_others, "writes to a counter, to devices and a file, from memory that ends") {
  static const char *const devices[] = {"/dev/null", "/dev/full", "/dev/random"};
  for (int i = 0; i < 3; i++) {
    say("%s", devices[i]);
    write_to(MUST(open(devices[i], O_WRONLY)), -1);
  }
  int counter = MUST(eventfd(0, 0));
  say("counter");
  write_to(counter, counter);
  say("timer");
  write_to(MUST(timerfd_create(CLOCK_MONOTONIC, 0)), -1);
  say("file");
  write_to(MUST(open("file", O_CREAT | O_WRONLY, 0600)), -1);
}
