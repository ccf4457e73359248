/* What reaches a thread from others that may be on another kernel thread: printed. */
#include "threads_mode.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/wait.h>

static int ends[4][2];
static sem_t begun;
static void *reads(void *number) {
  char byte;
  sem_post(&begun);
  ssize_t got = read(ends[(long)number][0], &byte, 1);
  return (void *)(got < 0 ? (long)errno : (long)byte);
}
static void handle(int signal) { (void)signal; }
static void begin_reading(pthread_t *threads) {
  sem_init(&begun, 0, 0);
  for (long i = 0; i < 4; i++) {
    if (pipe(ends[i])) exit(9);
    pthread_create(&threads[i], NULL, reads, (void *)i);
  }
  for (int i = 0; i < 4; i++) sem_wait(&begun);
}
static void end_reading(pthread_t *threads) {
  for (int i = 0; i < 4; i++) {
    char byte = (char)('a' + i);
    void *result = NULL;
    if (write(ends[i][1], &byte, 1) != 1) exit(8);
    if (threads[i] && pthread_join(threads[i], &result) == 0) SAY((long)result);
  }
}

/* Each of four threads is sent one in turn; the others read on. */
static void a_signal_ends_one_call_wherever_that_is(void) {
  for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
    for (int way = 0; way < 2; way++) {
      pthread_t threads[4];
      install(SIGUSR1, handle, flags);
      begin_reading(threads);
      for (int i = 1; i < 4; i += 2) {
        void *result = NULL;
        int sent = 0;
        while (pthread_tryjoin_np(threads[i], &result) == EBUSY && (flags == 0 || sent++ < 5)) {
          if (way) pthread_kill(threads[i], SIGUSR1);
          else pthread_sigqueue(threads[i], SIGUSR1, (union sigval){.sival_int = 7});
          usleep(5000); /* it may not read yet */
        }
        SAY((long)result == (flags ? 0 : EINTR));
        if (flags == 0) threads[i] = 0;
      }
      end_reading(threads);
    }
  }
}

/* What a thread sends itself ends nobody's call. */
static void *raises(void *unused) {
  for (int i = 0; i < 20; i++) {
    raise(SIGUSR1);
    usleep(200);
  }
  return unused;
}
static void raising_ends_nobodys_call(void) {
  pthread_t threads[4], others[2];
  install(SIGUSR1, handle, 0);
  begin_reading(threads);
  for (int i = 0; i < 2; i++) pthread_create(&others[i], NULL, raises, NULL);
  for (int i = 0; i < 2; i++) SAY(pthread_join(others[i], NULL));
  end_reading(threads);
}

/* A signal for the process comes through to the one thread that lets it, whichever that is. */
static volatile sig_atomic_t came;
static void note(int signal) { came = signal; }
static void *lets_it(void *number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sem_post(&begun);
  if (number) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  for (int i = 0; i < 1000 && !came; i++) usleep(1000);
  return NULL;
}
static void one_thread_lets_a_signal_through(void) {
  for (int which = 0; which < 4; which++) {
    pthread_t threads[4];
    sigset_t set;
    came = 0;
    signal(SIGUSR2, note);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sem_init(&begun, 0, 0);
    kill(getpid(), SIGUSR2);
    usleep(2000);
    SAY(came);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, lets_it, i == which ? &set : NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    SAY(came == SIGUSR2);
  }
}

/* libc has every kernel thread change its user, by a signal, and waits for each. */
static volatile int over;
static void *runs(void *unused) {
  while (!over) {
    for (int i = 0; i < 10000; i++) __asm__ volatile("");
    usleep(100);
  }
  return unused;
}
static void *changes(void *unused) {
  for (int i = 0; i < 50; i++) {
    if (setresgid(-1, getegid(), -1) || setresuid(-1, geteuid(), -1)) return "refused";
    usleep(100);
  }
  return unused;
}
static void all_change_the_user(void) {
  pthread_t threads[4], others[4];
  struct addrinfo *found = NULL;
  getaddrinfo("localhost", NULL, NULL, &found); /* by a helper thread */
  if (found) freeaddrinfo(found);
  for (int i = 0; i < 4; i++) pthread_create(&others[i], NULL, runs, NULL);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, changes, NULL);
  for (int i = 0; i < 4; i++) {
    void *result = "";
    SAY(pthread_join(threads[i], &result));
    SAY(result == NULL);
  }
  over = 1;
  for (int i = 0; i < 4; i++) pthread_join(others[i], NULL);
}

/* Libraries are loaded while threads are made: each thread finds the variables of all that are there. */
static void *comes(void *unused) {
  usleep(50);
  return unused;
}
static int (*value_of)(void);
static void *asks(void *unused) {
  (void)unused;
  return (void *)(long)value_of();
}
static void *keeps_making(void *unused) {
  while (!over) {
    pthread_t threads[20];
    for (int i = 0; i < 20; i++) pthread_create(&threads[i], NULL, comes, NULL);
    for (int i = 0; i < 20; i++) pthread_join(threads[i], NULL);
  }
  return unused;
}
static void libraries_are_loaded_meanwhile(void) {
  char path[4096];
  pthread_t makers[2], threads[50];
  long wrong = 0;
  over = 0;
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 20);
  if (length < 0) return;
  strcpy(path + length, "_library.so");
  for (int i = 0; i < 2; i++) pthread_create(&makers[i], NULL, keeps_making, NULL);
  for (int i = 0; i < 200; i++) {
    void *library = dlopen(path, RTLD_NOW);
    if (!library) {
      puts("no library");
      break;
    }
    value_of = (int (*)(void))dlsym(library, "value_of");
    for (int k = 0; k < 4; k++) pthread_create(&threads[k], NULL, asks, NULL);
    for (int k = 0; k < 4; k++) {
      void *value = NULL;
      pthread_join(threads[k], &value);
      wrong += (long)value != 42;
    }
    wrong += value_of() != 42;
    dlclose(library);
    usleep(500);
  }
  over = 1;
  for (int i = 0; i < 2; i++) pthread_join(makers[i], NULL);
  SAY(wrong);
}

/* Whoever forks goes on alone, can make threads, and end the child. */
static void *forks(void *number) {
  pid_t child = fork();
  if (child == 0) {
    pthread_t threads[3];
    void *result;
    long sum = 0;
    for (long i = 0; i < 3; i++) pthread_create(&threads[i], NULL, comes, (void *)i);
    for (long i = 0; i < 3; i++) {
      pthread_join(threads[i], &result);
      sum += (long)result;
    }
    if (setresuid(-1, geteuid(), -1)) _exit(1);
    if ((long)number % 2) pthread_exit(NULL); /* the last thread ends the process with 0 */
    _exit(sum == 3 ? 0 : 2);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return (void *)(long)status;
}
static void all_fork(void) {
  pthread_t threads[6], others[4];
  over = 0;
  for (int i = 0; i < 4; i++) pthread_create(&others[i], NULL, i % 2 ? runs : keeps_making, NULL);
  for (long i = 0; i < 6; i++) pthread_create(&threads[i], NULL, forks, (void *)i);
  /* Nothing is said while others fork: a child would say again what it finds in the buffer. */
  void *statuses[6];
  for (int i = 0; i < 6; i++) pthread_join(threads[i], &statuses[i]);
  for (int i = 0; i < 6; i++) SAY((long)statuses[i]);
  SAY((long)forks((void *)2));
  over = 1;
  for (int i = 0; i < 4; i++) pthread_join(others[i], NULL);
}

static void *asks_the_kernel(void *unused) {
  cpu_set_t set;
  pthread_attr_t attributes;
  void *low;
  size_t size;
  (void)unused;
  SAY(pthread_getaffinity_np(pthread_self(), sizeof set, &set));
  CPU_ZERO(&set);
  SAY(sched_getaffinity((pid_t)syscall(SYS_gettid), sizeof set, &set));
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  SAY(pthread_setaffinity_np(pthread_self(), sizeof set, &set));
  CPU_ZERO(&set);
  SAY(sched_getaffinity((pid_t)syscall(SYS_gettid), sizeof set, &set));
  SAY(CPU_COUNT(&set));
  SAY(pthread_getattr_np(pthread_self(), &attributes));
  CPU_ZERO(&set);
  SAY(pthread_attr_getaffinity_np(&attributes, sizeof set, &set));
  SAY(CPU_COUNT(&set));
  SAY(pthread_attr_getstack(&attributes, &low, &size));
  SAY((char *)&set > (char *)low && (char *)&set < (char *)low + size);
  pthread_attr_destroy(&attributes);
  return NULL;
}
static void the_kernel_is_asked_about_the_right_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, asks_the_kernel, NULL);
  pthread_join(thread, NULL);
}

CASES(CASE(a_signal_ends_one_call_wherever_that_is), CASE(raising_ends_nobodys_call), CASE(one_thread_lets_a_signal_through),
      CASE(all_change_the_user), CASE(libraries_are_loaded_meanwhile), CASE(all_fork), CASE(the_kernel_is_asked_about_the_right_thread))
