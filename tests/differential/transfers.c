/* transfers.c - reading and writing on every kind of pair: waiting, ends, many pieces, large amounts. */
#include "scenario.h"

static int ends[2], more[2];
static char small[64];
enum { LARGE = 3 << 20 };
static char large[LARGE], received[LARGE];

static void read_one(void *argument) {
  (void)argument;
  memset(small, 0, sizeof small);
  TRACE(read(ends[0], small, sizeof small));
  say("read: %s", small);
}

/* A reader waits; what is written wakes it; then come the ends, of the data or of the other side. */
static void a_read_waits(enum kind kind) {
  make_pair(kind, ends);
  start("reader", read_one, NULL);
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(write(ends[1], "hello", 5));
  join();
  TRACE(close(ends[1]));
  if (is_stream(kind) || kind == SEQPACKET) TRACE(read(ends[0], small, sizeof small));
  TRACE(close(ends[0]));
  TRACE(read(ends[0], small, sizeof small));
}

SCENARIO(tcp_read, "tcp: a read waits for data, then sees the end") { a_read_waits(TCP); }
SCENARIO(unix_read, "unix: a read waits for data, then sees the end") { a_read_waits(UNIX); }
SCENARIO(seqpacket_read, "seqpacket: a read waits for data, then sees the end") { a_read_waits(SEQPACKET); }
SCENARIO(datagram_read, "unix datagrams: a read waits for data") { a_read_waits(DGRAM); }
SCENARIO(udp_read, "udp: a read waits for data") { a_read_waits(UDP); }
SCENARIO(pipe_read, "pipe: a read waits for data, then sees the end") { a_read_waits(PIPE); }
SCENARIO(fifo_read, "fifo: a read waits for data, then sees the end") { a_read_waits(FIFO); }
SCENARIO(pty_read, "pty: a read waits for data, then sees the other side gone") { a_read_waits(PTY); }

/* An end that waits already is told when the other side goes. */
static void see_the_end(void *argument) {
  (void)argument;
  TRACE(read(ends[0], small, sizeof small));
}

SCENARIO(end_while_reading, "whoever waits in read sees the other side close") {
  static const enum kind kinds[] = {TCP, UNIX, SEQPACKET, PIPE, FIFO, PTY};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    start(kind_names[kinds[i]], see_the_end, NULL);
    settle();
    TRACE(close(ends[1]));
    join();
    TRACE(read(ends[0], small, sizeof small));
    MUST(close(ends[0]));
  }
}

/* ---- large amounts ---------------------------------------------------------------------------------- */

static size_t amount;

static void write_large(void *argument) {
  (void)argument;
  ssize_t n = write(ends[1], large, amount);
  say("write gave all: %d (%s)", n == (ssize_t)amount, n < 0 ? error_name(errno) : "0");
}

static void read_large(void *argument) {
  (void)argument;
  size_t n = read_all(ends[0], received, amount);
  say("read %zu, the same: %d", n, memcmp(large, received, n) == 0);
}

static void a_large_write(enum kind kind, size_t length, bool reader_first) {
  int size = 8192;
  amount = length;
  fill(large, length, kind);
  make_pair(kind, ends);
  if (is_socket(kind)) MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  if (kind == PIPE) MUST(fcntl(ends[1], F_SETPIPE_SZ, 4096));
  if (reader_first) start("reader", read_large, NULL);
  start("writer", write_large, NULL);
  settle();
  say("flags: %s %s", flag_names(fcntl(ends[0], F_GETFL)), flag_names(fcntl(ends[1], F_GETFL)));
  if (!reader_first) start("reader", read_large, NULL);
  join();
}

SCENARIO(tcp_large, "tcp: a write of megabytes returns when all is taken") { a_large_write(TCP, LARGE, false); }
SCENARIO(unix_large, "unix: a write of megabytes returns when all is taken") { a_large_write(UNIX, LARGE, false); }
SCENARIO(pipe_large, "pipe: a write of a megabyte returns when all is taken") { a_large_write(PIPE, 1 << 20, false); }
SCENARIO(fifo_large, "fifo: a write of a megabyte returns when all is taken") { a_large_write(FIFO, 1 << 20, false); }
SCENARIO(pty_large, "pty: a write of many kilobytes returns when all is taken") { a_large_write(PTY, 200000, false); }
SCENARIO(tcp_large_read, "tcp: megabytes to a reader that waits already") { a_large_write(TCP, LARGE, true); }
SCENARIO(pty_large_read, "pty: many kilobytes to a reader that waits already") { a_large_write(PTY, 200000, true); }

/* Many pieces of odd sizes, some of them empty. */
enum { PIECES = 700 };
static struct iovec pieces[PIECES + IOV_MAX];

static size_t cut(char *from, size_t length) {
  size_t done = 0;
  for (int i = 0; i < PIECES; i++) {
    size_t n = i == PIECES - 1 ? length - done : i % 7 == 3 ? 0 : (size_t)(i * 37 % 4001);
    if (n > length - done) n = length - done;
    pieces[i] = (struct iovec){from + done, n};
    done += n;
  }
  return done;
}

static void writev_large(void *argument) {
  (void)argument;
  ssize_t n = writev(ends[1], pieces, PIECES);
  say("writev gave all: %d (%s)", n == (ssize_t)amount, n < 0 ? error_name(errno) : "0");
}

static void sendmsg_large(void *argument) {
  (void)argument;
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = PIECES};
  ssize_t n = sendmsg(ends[1], &message, 0);
  say("sendmsg gave all: %d (%s)", n == (ssize_t)amount, n < 0 ? error_name(errno) : "0");
}

static void readv_large(void *argument) {
  static struct iovec into[3];
  size_t done = 0;
  (void)argument;
  while (done < amount) {
    size_t left = amount - done;
    into[0] = (struct iovec){received + done, left < 1000 ? left : 1000};
    into[1] = (struct iovec){NULL, 0};
    into[2] = (struct iovec){received + done + into[0].iov_len, left - into[0].iov_len};
    ssize_t n = readv(ends[0], into, 3);
    if (n <= 0) break;
    done += (size_t)n;
  }
  say("read %zu, the same: %d", done, memcmp(large, received, done) == 0);
}

SCENARIO(pieces_large, "writev and sendmsg of hundreds of pieces that need many partial writes") {
  static const enum kind kinds[] = {TCP, UNIX, PIPE, FIFO, PTY};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (int by_message = 0; by_message <= (int)is_socket(kinds[i]); by_message++) {
      enum kind kind = kinds[i];
      int size = 8192;
      amount = kind == PTY ? 100000 : 1 << 20;
      fill(large, amount, 3);
      say("%s: %d bytes in pieces", kind_names[kind], (int)cut(large, amount));
      memset(received, 0, sizeof received);
      make_pair(kind, ends);
      if (is_socket(kind)) MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
      start(by_message ? "sendmsg" : "writev", by_message ? sendmsg_large : writev_large, NULL);
      settle();
      start("readv", readv_large, NULL);
      join();
      for (int e = 0; e < 2; e++) MUST(close(ends[e]));
    }
}

/* Both sides send a lot and read a lot: neither may hold the thread. */
static void talk(void *argument) {
  int side = argument != NULL;
  static char got[2][1 << 20];
  ssize_t sent = send(ends[side], large, sizeof got[0], 0);
  say("sent %zd", sent);
  size_t n = read_all(ends[side], got[side], sizeof got[0]);
  say("got %zu, the same: %d", n, memcmp(large, got[side], n) == 0);
}

static void listen_too(void *argument) {
  int side = argument != NULL;
  static char got[2][1 << 20];
  ssize_t n = recv(ends[side], got[side], sizeof got[0], MSG_WAITALL);
  say("got %zd, the same: %d", n, memcmp(large, got[side], sizeof got[0]) == 0);
  say("then %zd", send(ends[side], large, sizeof got[0], 0));
}

SCENARIO(both_ways, "two actors that send and then receive a megabyte each") {
  fill(large, 1 << 20, 9);
  make_pair(TCP, ends);
  start("one", talk, NULL);
  start("other", listen_too, ends);
  join();
}

/* ---- non-blocking ----------------------------------------------------------------------------------- */

SCENARIO(nonblocking, "O_NONBLOCK: EAGAIN at once, partial writes") {
  for (enum kind kind = 0; kind < KINDS; kind++) {
    say("%s", kind_names[kind]);
    make_pair(kind, ends);
    set_nonblocking(ends[0], true);
    set_nonblocking(ends[1], true);
    TRACE(read(ends[0], small, 5));
    TRACE(readv(ends[0], &(struct iovec){small, 5}, 1));
    if (is_socket(kind)) {
      TRACE(recv(ends[0], small, 5, 0));
      TRACE(recv(ends[0], small, 5, MSG_WAITALL));
      TRACE(recvmsg(ends[0], &(struct msghdr){.msg_iov = &(struct iovec){small, 5}, .msg_iovlen = 1}, 0));
    }
    TRACE(write(ends[1], "abc", 3));
    TRACE(read(ends[0], small, 5));
    TRACE(write(ends[1], "abc", 3));
    TRACE(readv(ends[0], &(struct iovec){small, 5}, 1));
    if (is_stream(kind)) {
      ssize_t n = write(ends[1], large, LARGE);
      say("a part: %d", n > 0 && n < LARGE);
      while (write(ends[1], large, LARGE) > 0) continue;
      /* The kernel empties a terminal's buffer by and by. */
      if (kind == PTY) continue;
      TRACE(write(ends[1], large, LARGE));
      TRACE(writev(ends[1], &(struct iovec){large, LARGE}, 1));
      if (is_socket(kind)) TRACE(send(ends[1], large, LARGE, 0));
    }
    say("flags: %s %s", flag_names(fcntl(ends[0], F_GETFL)), flag_names(fcntl(ends[1], F_GETFL)));
    for (int e = 0; e < 2; e++) MUST(close(ends[e]));
  }
}

static void read_and_tell(void *argument) {
  (void)argument;
  TRACE(read(ends[0], small, 5));
}

static void send_all_of_it(void *argument) {
  (void)argument;
  ssize_t n = send(ends[1], large, LARGE, 0);
  say("send gave all: %d", n == LARGE);
}

SCENARIO(nonblocking_meanwhile, "a call that waits goes on waiting when the description becomes non-blocking") {
  int size = 8192;
  make_pair(UNIX, ends);
  start("reader", read_and_tell, NULL);
  settle();
  set_nonblocking(ends[0], true);
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(write(ends[1], "hello", 5));
  join();
  set_nonblocking(ends[0], false);
  MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  start("writer", send_all_of_it, NULL);
  settle();
  set_nonblocking(ends[1], true);
  say("read %zu", read_all(ends[0], received, LARGE / 2));
  settle();
  say("still waiting: %d", !has_ended("writer"));
  say("read %zu", read_all(ends[0], received, LARGE - LARGE / 2));
  join();
}

SCENARIO(flags_through_duplicates, "waiting does not show in the flags that a duplicate sees") {
  for (enum kind kind = 0; kind < KINDS; kind++) {
    make_pair(kind, ends);
    int copy = MUST(dup(ends[0])), other = MUST(dup(ends[1]));
    start(kind_names[kind], read_and_tell, NULL);
    settle();
    say("%s: %s %s", kind_names[kind], flag_names(fcntl(copy, F_GETFL)), flag_names(fcntl(other, F_GETFL)));
    TRACE(write(other, "12345", 5));
    join();
    int all[] = {ends[0], ends[1], copy, other};
    for (int i = 0; i < 4; i++) MUST(close(all[i]));
  }
}

/* ---- several on one descriptor ---------------------------------------------------------------------- */

static void read_a_byte(void *argument) {
  char byte = 0;
  (void)argument;
  TRACE(read(ends[0], &byte, 1));
  __atomic_fetch_add(&more[0], byte, __ATOMIC_SEQ_CST);
}

static void several_read(enum kind kind) {
  static const char *const names[] = {"one", "two", "three"};
  make_pair(kind, ends);
  for (int i = 0; i < 3; i++) start(names[i], read_a_byte, NULL);
  settle();
  for (int i = 0; i < 3; i++) TRACE(write(ends[1], &"abc"[i], 1));
  join();
  say("%d", more[0]);
}

SCENARIO(readers_of_tcp, "each of several readers of a tcp socket gets its share") { several_read(TCP); }
SCENARIO(readers_of_unix, "each of several readers of a unix socket gets its share") { several_read(UNIX); }
SCENARIO(readers_of_udp, "each of several readers of a udp socket gets its datagram") { several_read(UDP); }
SCENARIO(readers_of_pipe, "each of several readers of a pipe gets its share") { several_read(PIPE); }
SCENARIO(readers_of_fifo, "each of several readers of a fifo gets its share") { several_read(FIFO); }
SCENARIO(readers_of_pty, "each of several readers of a pty gets its share") { several_read(PTY); }

/* Writers of one stream: nothing is lost, and what is not larger than PIPE_BUF stays in one piece. */
static void write_records(void *argument) {
  char record[100];
  int bad = 0;
  memset(record, *(const char *)argument, sizeof record);
  for (int i = 0; i < 2000; i++) bad += write(ends[1], record, sizeof record) != sizeof record;
  say("bad: %d", bad);
}

static void writev_records(void *argument) {
  char record[100];
  struct iovec parts[4] = {{record, 1}, {record + 1, 60}, {record, 0}, {record + 61, 39}};
  int bad = 0;
  memset(record, *(const char *)argument, sizeof record);
  for (int i = 0; i < 2000; i++) bad += writev(ends[1], parts, 4) != sizeof record;
  say("bad: %d", bad);
}

static void several_write(enum kind kind, body *how) {
  int size = 4608, mixed = 0;
  char record[100];
  size_t records = 0;
  make_pair(kind, ends);
  if (is_socket(kind)) MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  start("a", how, "a");
  start("b", how, "b");
  start("c", how, "c");
  settle();
  while (records < 6000 && read_all(ends[0], record, sizeof record) == sizeof record) {
    records++;
    for (size_t i = 1; i < sizeof record; i++) mixed += record[i] != record[0];
  }
  say("%zu records, mixed: %d", records, mixed);
}

SCENARIO(writers_of_pipe, "writers of one pipe do not mix their records") { several_write(PIPE, write_records); }
SCENARIO(writers_of_fifo, "writers of one fifo do not mix their records") { several_write(FIFO, write_records); }
SCENARIO(writers_of_unix, "writers of one unix socket do not mix their records") { several_write(UNIX, write_records); }

SCENARIO(pieces_of_pipe, "writers of one pipe do not mix their records in pieces") { several_write(PIPE, writev_records); }
SCENARIO(pieces_of_fifo, "writers of one fifo do not mix their records in pieces") { several_write(FIFO, writev_records); }

/* A reader and a writer of the same socket at once. */
static void write_to_the_reader(void *argument) {
  (void)argument;
  ssize_t n = write(ends[0], large, LARGE);
  say("all: %d", n == LARGE);
}

SCENARIO(both_directions, "one descriptor is read and written by two actors at once") {
  int size = 8192;
  fill(large, LARGE, 5);
  make_pair(UNIX, ends);
  MUST(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  start("writer", write_to_the_reader, NULL);
  start("reader", read_and_tell, NULL);
  settle();
  TRACE(write(ends[1], "hello", 5));
  settle();
  say("reader ended: %d, writer ended: %d", has_ended("reader"), has_ended("writer"));
  say("%zu", read_all(ends[1], received, LARGE));
  join();
}
