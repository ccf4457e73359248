/* In what order threads that share a kernel thread run, and what they find when their turn comes. Threads of the kernel's have
 * no such order, so what is said is true of them whatever they do. */
#include "threads_mode.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>

enum { CONNECTIONS = 40 };

/* Whether there is one kernel thread for all. */
static int is_one(void) {
  const char *count = getenv("COLIB_THREADS");
  return count && !strcmp(count, "1");
}

static int alive, most;
static void *ends_at_once(void *connection) {
  close((int)(long)connection);
  __atomic_sub_fetch(&alive, 1, __ATOMIC_SEQ_CST);
  return NULL;
}
static void *accepts(void *listener) {
  for (int i = 0; i < CONNECTIONS; i++) {
    pthread_t thread;
    int fd = accept((int)(long)listener, NULL, NULL);
    int now = __atomic_add_fetch(&alive, 1, __ATOMIC_SEQ_CST);
    if (now > most) most = now;
    MAKE(pthread_create(&thread, NULL, ends_at_once, (void *)(long)fd));
    pthread_detach(thread);
  }
  return NULL;
}
/* All have connected before the first is accepted. */
static void an_accepting_thread_does_not_run_far_ahead_of_those_it_makes(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM, 0), failed = 0;
  pthread_t thread;
  SAY(bind(listener, (struct sockaddr *)&at, size) || listen(listener, CONNECTIONS));
  getsockname(listener, (struct sockaddr *)&at, &size);
  for (int i = 0; i < CONNECTIONS; i++) failed |= connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, size);
  SAY(failed);
  MAKE(pthread_create(&thread, NULL, accepts, (void *)(long)listener));
  pthread_join(thread, NULL);
  SAY(!is_one() || most <= CONNECTIONS / 2);
}

/* How many epoll instances of the process have the descriptor. */
static int registrations(int fd) {
  char path[300], line[200];
  int found = 0;
  DIR *all = opendir("/proc/self/fdinfo");
  for (struct dirent *each; (each = readdir(all));) {
    snprintf(path, sizeof path, "/proc/self/fdinfo/%s", each->d_name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
      if (!strncmp(line, "tfd:", 4)) found += atoi(line + 4) == fd;
    if (file) fclose(file);
  }
  closedir(all);
  return found;
}
static int pair[2], found_registered;
static void *reads_once(void *unused) {
  char byte = 0;
  if (read(pair[0], &byte, 1) != 1 || byte != 'w') puts("no byte");
  found_registered = registrations(pair[0]);
  return unused;
}
static void *writes_once(void *unused) {
  if (write(pair[1], "w", 1) != 1) puts("not written");
  return unused;
}
static void what_is_answered_while_others_run_is_never_registered(void) {
  pthread_t reader, writer;
  SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  MAKE(pthread_create(&reader, NULL, reads_once, NULL));
  MAKE(pthread_create(&writer, NULL, writes_once, NULL));
  pthread_join(reader, NULL);
  pthread_join(writer, NULL);
  SAY(is_one() ? found_registered : 0);
}

static sem_t begun;
static int old_result, old_error;
static void *reads_the_old_one(void *unused) {
  char byte;
  sem_post(&begun);
  old_result = (int)read(pair[0], &byte, 1);
  old_error = errno;
  return unused;
}
static void *puts_another_there(void *forks) {
  int other[2];
  char byte = 0;
  sem_wait(&begun);
  pid_t child = forks ? fork() : -1;
  if (child == 0) _exit(0);
  close(pair[0]);
  SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
  SAY(other[0] == pair[0]);
  SAY(write(other[1], "n", 1) == 1);
  /* The reader's turn. */
  sched_yield();
  SAY(recv(other[0], &byte, 1, MSG_DONTWAIT) == 1 && byte == 'n');
  close(other[0]);
  close(other[1]);
  if (forks) waitpid(child, NULL, 0);
  return NULL;
}
/* A thread that waits in the kernel keeps the old file: nothing to be seen there. */
static void a_number_that_changes_hands_before_a_readers_turn_is_not_read_from(void) {
  if (!is_one()) {
    for (int i = 0; i < 2; i++) {
      SAY(sem_init(&begun, 0, 0));
      SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
      puts("socketpair(AF_UNIX, SOCK_STREAM, 0, other) = 0\nother[0] == pair[0] = 1\nwrite(other[1], \"n\", 1) == 1 = 1");
      puts("recv(other[0], &byte, 1, MSG_DONTWAIT) == 1 && byte == 'n' = 1\nold_result == -1 && old_error == EBADF = 1");
    }
    return;
  }
  for (long forks = 0; forks < 2; forks++) {
    pthread_t reader, closer;
    SAY(sem_init(&begun, 0, 0));
    SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    MAKE(pthread_create(&closer, NULL, puts_another_there, (void *)forks));
    MAKE(pthread_create(&reader, NULL, reads_the_old_one, NULL));
    pthread_join(reader, NULL);
    pthread_join(closer, NULL);
    SAY(old_result == -1 && old_error == EBADF);
    close(pair[1]);
  }
}

CASES(CASE(an_accepting_thread_does_not_run_far_ahead_of_those_it_makes),
      CASE(what_is_answered_while_others_run_is_never_registered),
      CASE(a_number_that_changes_hands_before_a_readers_turn_is_not_read_from))
