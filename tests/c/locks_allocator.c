/* An allocator with one lock, of the kind that `allocator_lock` says: preloaded. hold_allocator() keeps it for a while. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void __libc_free(void *memory);

/* jemalloc has mutexes; tcmalloc has words, and waits for them in these ways. */
enum { MUTEX, SPIN_LOCK, FUTEX, YIELD, NANOSLEEP, USLEEP };
int allocator_lock, allocator_held;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin_lock;
static int word;

__attribute__((constructor)) static void begin(void) { pthread_spin_init(&spin_lock, PTHREAD_PROCESS_PRIVATE); }

static void wait_for_word(void) {
  const struct timespec moment = {0, 1000};
  switch (allocator_lock) {
    case FUTEX: syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0); break;
    case YIELD: sched_yield(); break;
    case NANOSLEEP: nanosleep(&moment, NULL); break;
    case USLEEP: usleep(1); break;
  }
}

static void lock(void) {
  if (allocator_lock == MUTEX) pthread_mutex_lock(&mutex);
  else if (allocator_lock == SPIN_LOCK) pthread_spin_lock(&spin_lock);
  else
    while (__atomic_exchange_n(&word, 1, __ATOMIC_ACQUIRE)) wait_for_word();
}

static void unlock(void) {
  if (allocator_lock == MUTEX) pthread_mutex_unlock(&mutex);
  else if (allocator_lock == SPIN_LOCK) pthread_spin_unlock(&spin_lock);
  else {
    __atomic_store_n(&word, 0, __ATOMIC_RELEASE);
    if (allocator_lock == FUTEX) syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
}

void *malloc(size_t size) {
  lock();
  void *memory = __libc_malloc(size);
  unlock();
  return memory;
}

void free(void *memory) {
  lock();
  __libc_free(memory);
  unlock();
}

void hold_allocator(unsigned us) {
  lock();
  __atomic_store_n(&allocator_held, 1, __ATOMIC_SEQ_CST);
  usleep(us);
  __atomic_store_n(&allocator_held, 0, __ATOMIC_SEQ_CST);
  unlock();
}
