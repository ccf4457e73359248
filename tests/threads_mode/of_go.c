/* Threads that wait for each other by instructions of their own, not by libc's functions, as Go's do: coroutines would hang.
 * Built with the note that Go leaves (OF_GO) and without, as a program and as a library, it says of a thread of its own, and
 * then of one of the library's, whether the kernel knows it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef OF_GO
__asm__(".section .note.go.buildid,\"a\",@note\n\t.balign 4\n\t.long 4, 3, 4\n\t.ascii \"Go\\0\\0a/b\\0\"\n\t.previous");

static void wait_while_zero(int *word) {
  while (!__atomic_load_n(word, __ATOMIC_ACQUIRE)) {
    register long none __asm__("r10") = 0;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(SYS_futex), "D"(word), "S"(FUTEX_WAIT), "d"(0), "r"(none) : "rcx", "r11", "memory");
  }
}
#else
static void wait_while_zero(int *word) {
  while (!__atomic_load_n(word, __ATOMIC_ACQUIRE)) syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL);
}
#endif

static int done;

static void *look(void *known) {
  char name[60];
  snprintf(name, sizeof name, "/proc/self/task/%d", gettid());
  *(int *)known = access(name, F_OK) == 0;
  __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &done, FUTEX_WAKE, 1);
  return known;
}

int is_real(void) {
  pthread_t thread;
  int known = -1;
  pthread_create(&thread, NULL, look, &known);
  wait_while_zero(&done);
  pthread_join(thread, NULL);
  return known;
}

int main(int argc, char **argv) {
  void *library = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW | RTLD_LOCAL);
  int (*is_real_there)(void) = library ? (int (*)(void))dlsym(library, "is_real") : NULL;
  printf("%d and ", is_real());
  printf("%d\n", is_real_there ? is_real_there() : -1);
  return 0;
}
