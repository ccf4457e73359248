/* One thread waits for what comes on a socket, and another for room to write on the same one. */
#include "threads_mode.h"

enum { MORE_THAN_FITS = 300000 };
static int ends[2];
static char text[MORE_THAN_FITS];

static void *reads_a_byte(void *nothing) {
  char byte = 0;
  SAY(read(ends[0], &byte, 1));
  SAY(byte);
  return nothing;
}
static void *writes_much(void *nothing) {
  SAY(write(ends[0], text, sizeof text));
  return nothing;
}
static void *takes_it(void *nothing) {
  static char got[MORE_THAN_FITS];
  long all = 0;
  while (all < MORE_THAN_FITS) all += read(ends[1], got, sizeof got);
  return nothing;
}

static void a_reader_is_told_though_a_writer_came_by(void) {
  pthread_t reader, writer, taker;
  MAKE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  MAKE(pthread_create(&reader, NULL, reads_a_byte, NULL));
  usleep(20000); /* it waits, and nobody else has anything to do */
  MAKE(pthread_create(&writer, NULL, writes_much, NULL));
  MAKE(pthread_create(&taker, NULL, takes_it, NULL));
  pthread_join(writer, NULL);
  pthread_join(taker, NULL);
  MAKE(write(ends[1], "x", 1) != 1);
  pthread_join(reader, NULL);
}

CASES(CASE(a_reader_is_told_though_a_writer_came_by))
