/*
 * A preloaded malloc of the kind that reads its settings and the machine's state from files: every allocation asks for a
 * variable, opens, reads and closes. It takes from one arena and gives nothing back but the last block.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA = 512 << 20, HEADER = 16 };
static _Alignas(16) char arena[ARENA];
static _Atomic size_t used;
static atomic_int calls;

static void look_around(void) {
  char text[16];
  int kept = errno, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text) != 0 || close(fd) != 0) abort();
  if (getenv("ALLOCATOR") == NULL || secure_getenv("ALLOCATOR") == NULL) abort();
  if (atomic_fetch_add(&calls, 1) == 0 && write(2, "allocator used\n", 15) != 15) abort();
  errno = kept;
}

static void *take(size_t alignment, size_t size) {
  look_around();
  if (alignment < HEADER) alignment = HEADER;
  size_t room = size + alignment + HEADER, at = atomic_fetch_add(&used, (room + 15) & ~(size_t)15);
  if (size > ARENA || at + room > ARENA) {
    errno = ENOMEM;
    return NULL;
  }
  uintptr_t start = ((uintptr_t)arena + at + HEADER + alignment - 1) & ~(alignment - 1);
  ((size_t *)start)[-1] = size;
  return (void *)start;
}

void *malloc(size_t size) { return take(HEADER, size); }
void free(void *block) {
  if (block) look_around();
}
void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  /* The arena was never used before: it is zero. */
  return take(HEADER, bytes);
}
void *realloc(void *old, size_t size) {
  void *block = take(HEADER, size);
  if (old && block) {
    size_t before = ((size_t *)old)[-1];
    memcpy(block, old, before < size ? before : size);
  }
  return block;
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  *block = take(alignment, size);
  return *block ? 0 : ENOMEM;
}
void *aligned_alloc(size_t alignment, size_t size) { return take(alignment, size); }
void *memalign(size_t alignment, size_t size) { return take(alignment, size); }
