/* An allocator with a pthread mutex, as jemalloc has them: preloaded. hold_allocator() keeps the mutex for a while. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void __libc_free(void *memory);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int allocator_held;

void *malloc(size_t size) {
  pthread_mutex_lock(&lock);
  void *memory = __libc_malloc(size);
  pthread_mutex_unlock(&lock);
  return memory;
}

void free(void *memory) {
  pthread_mutex_lock(&lock);
  __libc_free(memory);
  pthread_mutex_unlock(&lock);
}

void hold_allocator(unsigned us) {
  pthread_mutex_lock(&lock);
  __atomic_store_n(&allocator_held, 1, __ATOMIC_SEQ_CST);
  usleep(us);
  __atomic_store_n(&allocator_held, 0, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&lock);
}
