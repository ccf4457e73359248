/* Processes that go into the background, before or after their first thread; and programs that are run: printed. */
#include "threads_mode.h"

#include <grp.h>
#include <netdb.h>
#include <spawn.h>
#include <sys/resource.h>

static int report[2];
static void *answers(void *unused) {
  char question = 0;
  usleep(1000);
  if (read(report[0], &question, 1) != 1) question = '-';
  return (void *)(long)(question + 1 + (unused != NULL));
}

/* Closes all, as daemons do, but for the pipe it reports by. */
static void become_daemon(int pipe_end) {
  if (fork()) _exit(0);
  setsid();
  if (fork()) _exit(0);
  if (chdir("/")) _exit(1);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = 0; fd < (int)limit.rlim_cur && fd < 65536; fd++)
    if (fd != pipe_end) close(fd);
  for (int i = 0; i < 3; i++)
    if (open("/dev/null", O_RDWR) < 0) _exit(2);
}

static void serve(int answer) {
  pthread_t threads[3];
  char said[4] = "";
  if (pipe(report)) _exit(3);
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, answers, NULL);
  usleep(5000);
  if (write(report[1], "abc", 3) != 3) _exit(4);
  int sum = 0;
  for (int i = 0; i < 3; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (int)(long)result;
  }
  snprintf(said, sizeof said, "%d", sum);
  if (write(answer, said, 3) != 3) _exit(5);
}

static void as_a_daemon(int has_threads_before) {
  int answer[2];
  char said[4] = "";
  fflush(stdout);
  if (pipe(answer)) return;
  pid_t child = fork();
  if (child == 0) {
    if (has_threads_before) serve(answer[1]);
    become_daemon(answer[1]);
    serve(answer[1]);
    _exit(0);
  }
  close(answer[1]);
  waitpid(child, NULL, 0);
  for (int i = 0; i <= has_threads_before; i++) {
    SAY(read(answer[0], said, 3));
    puts(said);
  }
  SAY(read(answer[0], said, 3));
}
static void a_daemon_makes_threads(void) { as_a_daemon(0); }
static void threads_become_a_daemon(void) { as_a_daemon(1); }

static int status_of(pid_t child) {
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}
static void *runs_programs(void *unused) {
  FILE *program;
  char line[100] = "";
  SAY(system("exit 7") >> 8);
  program = popen("echo a line", "r");
  if (program && fgets(line, sizeof line, program)) printf("%s", line);
  if (program) SAY(pclose(program));
  pid_t child;
  char *arguments[] = {"sh", "-c", "exit 9", NULL}, *environment[] = {NULL};
  SAY(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environment));
  int status;
  SAY(waitpid(child, &status, 0) == child);
  SAY(WEXITSTATUS(status));
  child = vfork();
  if (child == 0) _exit(11);
  SAY(waitpid(child, &status, 0) == child);
  SAY(WEXITSTATUS(status));
  SAY(wait(NULL));
  SAY(errno == ECHILD);
  return unused;
}
/* As programs do that run others by vfork: nothing is handled in the child. */
static volatile sig_atomic_t handled;
static void handle(int signal) { handled = signal; }
static void a_child_of_vfork_changes_no_mask(void) {
  sigset_t all, before, now;
  sigfillset(&all);
  signal(SIGUSR1, handle);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t child = vfork();
  if (child == 0) {
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    _exit(0);
  }
  SAY(status_of(child));
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  SAY(sigismember(&now, SIGUSR1));
  SAY(raise(SIGUSR1));
  SAY(handled);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  SAY(handled);
}
static void threads_run_programs(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, runs_programs, NULL);
  pthread_join(thread, NULL);
}

static void *changes_user(void *with_a_name) {
  struct addrinfo *found;
  gid_t group = getgid();
  /* A look-up may have threads of its own. */
  if (with_a_name) SAY(getaddrinfo("localhost", NULL, NULL, &found));
  SAY(setgroups(0, NULL));
  SAY(setregid(group, group));
  SAY(setresgid(group, group, group));
  SAY(setegid(group));
  SAY(setgid(group));
  SAY(setreuid(getuid(), getuid()));
  SAY(setresuid(getuid(), getuid(), getuid()));
  SAY(seteuid(getuid()));
  SAY(setuid(getuid()));
  SAY(getuid() == geteuid());
  return NULL;
}
static void the_user_changes(void) {
  pthread_t thread;
  for (int i = 0; i < 2; i++) {
    pthread_create(&thread, NULL, changes_user, i ? &thread : NULL);
    SAY(pthread_join(thread, NULL));
  }
  changes_user(&thread);
}

CASES(CASE(a_daemon_makes_threads), CASE(threads_become_a_daemon), CASE(threads_run_programs), CASE(a_child_of_vfork_changes_no_mask), CASE(the_user_changes))
