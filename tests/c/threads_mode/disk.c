/* Reads of files: while the disk takes its time, other threads go on, and what is read, and the position afterwards, is what it
   always is. */
#include "threads_mode.h"

#include "../fuse.h"

#include <sys/mount.h>

enum { SIZE = FILE_SIZE, READERS = 4 };

/* ---- a disk of a process of its own, which answers a read when it is told to ----------------------------------------- */

static char content(uint64_t node, size_t at) { return (char)(node * 31 + at * 7 + at / 256); }

static void serve(int orders) {
  static char request[FUSE_MIN_READ_BUFFER * 4];
  for (;;) {
    if (read(device, request, sizeof request) < (ssize_t)sizeof(struct fuse_in_header)) _exit(0);
    const struct fuse_in_header *in = (void *)request;
    const void *body = in + 1;
    if (in->opcode == FUSE_READ) {
      const struct fuse_read_in *what = (const void *)body;
      char data[SIZE], told;
      size_t from = what->offset < SIZE ? what->offset : SIZE;
      size_t size = what->size < SIZE - from ? what->size : SIZE - from;
      /* The end of the orders is the end of the case. */
      if (read(orders, &told, 1) != 1) _exit(0);
      for (size_t i = 0; i < size; i++) data[i] = content(in->nodeid, from + i);
      answer(in->unique, 0, data, size);
    } else {
      serve_as_any_disk(in, body, 0);
    }
  }
}

static char folder[] = "/tmp/colib-disk-XXXXXX";
static int begin_slow_disk(void) {
  char options[100];
  int ends[2];
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return -1;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (!mkdtemp(folder)) return -1;
  if (mount("colib", folder, "fuse", 0, options)) return rmdir(folder), -1;
  if (pipe2(ends, O_CLOEXEC)) return -1;
  if (fork() == 0) {
    close(ends[1]);
    serve(ends[0]);
  }
  close(ends[0]);
  close(device);
  return ends[1];
}

struct reader {
  int fd, way;
  ssize_t got;
  char data[SIZE];
};
static void *reads(void *argument) {
  struct reader *me = argument;
  struct iovec halves[2] = {{me->data, 1000}, {me->data + 1000, SIZE - 1000}};
  if (me->way == 0) me->got = pread(me->fd, me->data, SIZE, 0);
  if (me->way == 1) me->got = read(me->fd, me->data, SIZE);
  if (me->way == 2) me->got = readv(me->fd, halves, 2);
  if (me->way == 3) me->got = preadv(me->fd, halves, 2, 0);
  return NULL;
}

static void others_go_on_while_the_disk_works(void) {
  static struct reader readers[READERS];
  pthread_t threads[READERS];
  char name[60];
  int orders = begin_slow_disk();
  if (orders < 0) {
    puts("no file system of its own is permitted");
    return;
  }
  for (int i = 0; i < READERS; i++) {
    snprintf(name, sizeof name, "%s/%d", folder, i);
    readers[i] = (struct reader){.fd = open(name, O_RDONLY), .way = i};
  }
  umount2(folder, MNT_DETACH);
  rmdir(folder);
  for (int i = 0; i < READERS; i++) MAKE(pthread_create(&threads[i], NULL, reads, &readers[i]));
  usleep(20000);
  /* Whoever waits for the disk has this thread go on. */
  SAY(write(orders, "12345678", 8));
  for (int i = 0; i < READERS; i++) {
    int wrong = 0;
    pthread_join(threads[i], NULL);
    for (int k = 0; k < SIZE; k++) wrong += readers[i].data[k] != content((uint64_t)(FIRST_NODE + i), (size_t)k);
    SAY(readers[i].got);
    SAY(wrong);
    SAY(lseek(readers[i].fd, 0, SEEK_CUR));
  }
}

/* ---- a real file, whose pages the cache has given up --------------------------------------------------------------------- */

enum { LENGTH = 1000000 };
static int file;

static void make_file(int flags) {
  char name[] = "colib-disk-XXXXXX", *data = malloc(LENGTH);
  file = mkstemp(name);
  for (size_t i = 0; i < LENGTH; i++) data[i] = content(1, i);
  SAY(write(file, data, LENGTH));
  SAY(fsync(file));
  close(file);
  file = open(name, O_RDWR | flags);
  unlink(name);
  free(data);
}
static void forget_pages(void) { posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED); }
static void check(const char *what, ssize_t got, const char *data, size_t at) {
  long wrong = 0;
  for (ssize_t i = 0; i < got; i++) wrong += data[i] != content(1, at + (size_t)i);
  printf("%s at %zu: %zd, wrong %ld, position %ld\n", what, at, got, wrong, (long)lseek(file, 0, SEEK_CUR));
}

static char buffer[700000];
/* So that the compiler does not know. */
static void *volatile nowhere;
static volatile int too_many = 2000;
static void *reads_all(void *unused) {
  size_t at = 0, size = 1;
  ssize_t got;
  /* Sizes that no page knows, and the end. */
  do {
    if (size % 3 == 0) forget_pages();
    got = read(file, buffer, size);
    check("read", got, buffer, at);
    at += got > 0 ? (size_t)got : 0;
    size = size * 5 / 2 + 7;
    if (size > sizeof buffer) size = 4096;
  } while (got > 0);
  for (size_t place = 0; place <= LENGTH; place += 99991) {
    if (place % 2) forget_pages();
    check("pread", pread(file, buffer, sizeof buffer - place / 2, (off_t)place), buffer, place);
  }
  check("pread at the end", pread(file, buffer, 10, LENGTH), buffer, LENGTH);
  check("pread behind it", pread(file, buffer, 10, LENGTH + 10), buffer, LENGTH);
  struct iovec pieces[3] = {{buffer, 5}, {buffer + 5, 0}, {buffer + 5, 9000}};
  forget_pages();
  check("preadv", preadv(file, pieces, 3, 4000), buffer, 4000);
  forget_pages();
  lseek(file, 12345, SEEK_SET);
  check("readv", readv(file, pieces, 3), buffer, 12345);
  forget_pages();
  SAY(pread(file, nowhere, 10, 0));
  SAY(errno == EFAULT);
  SAY(read(file, nowhere, 10));
  SAY(errno == EFAULT);
  SAY(preadv(file, nowhere, 3, 0));
  SAY(pread(file, buffer, 10, -5));
  SAY(errno == EINVAL);
  SAY(preadv(file, pieces, too_many, 0));
  return unused;
}
static void positions_and_data_are_exact(void) {
  pthread_t thread;
  make_file(0);
  MAKE(pthread_create(&thread, NULL, reads_all, NULL));
  pthread_join(thread, NULL);
}

/* Threads that read records from one position never get parts of two, or one twice. */
enum { RECORD = 100, TAKERS = 4 };
static char taken[LENGTH / RECORD];
static void *takes(void *torn) {
  char record[RECORD];
  while (read(file, record, RECORD) == RECORD) {
    uint32_t number;
    memcpy(&number, record, sizeof number);
    for (int i = sizeof number; i < RECORD; i++) *(long *)torn += record[i] != (char)(number * 3 + (uint32_t)i);
    __atomic_add_fetch(&taken[number], 1, __ATOMIC_RELAXED);
    if (number % 64 == 0) forget_pages();
    if (number % 7 == 0) sched_yield();
  }
  return NULL;
}
static void records_are_taken_whole(void) {
  pthread_t threads[TAKERS];
  static long torn[TAKERS];
  long sum = 0, once = 0;
  make_file(0);
  for (uint32_t number = 0; number < LENGTH / RECORD; number++) {
    char record[RECORD];
    for (int i = 0; i < RECORD; i++) record[i] = (char)(number * 3 + (uint32_t)i);
    memcpy(record, &number, sizeof number);
    if (pwrite(file, record, RECORD, (off_t)number * RECORD) != RECORD) puts("no room");
  }
  fsync(file);
  for (int i = 0; i < TAKERS; i++) MAKE(pthread_create(&threads[i], NULL, takes, &torn[i]));
  for (int i = 0; i < TAKERS; i++) pthread_join(threads[i], NULL), sum += torn[i];
  for (int i = 0; i < LENGTH / RECORD; i++) once += taken[i] == 1;
  SAY(sum);
  SAY(once);
}

static void direct_reads_work(void) {
  char *data;
  make_file(O_DIRECT);
  if (file < 0) return;
  if (posix_memalign((void **)&data, 4096, 65536)) return;
  check("direct", pread(file, data, 65536, 8192), data, 8192);
  check("direct at the end", pread(file, data, 65536, 999424), data, 999424);
  check("direct, own position", read(file, data, 4096), data, 0);
  SAY(pread(file, data, 100, 3) < 0);
}

CASES(CASE(others_go_on_while_the_disk_works), CASE(positions_and_data_are_exact), CASE(records_are_taken_whole), CASE(direct_reads_work))
