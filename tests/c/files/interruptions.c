/* interruptions.c - signal handlers end calls that helpers wait in as they end them in a thread: locks, opens, children, queues. */
#include "../all_at_once.h"

#include <mqueue.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>

static int handled, descriptors[3], queue, semaphore;
static pid_t child;

static void count(int signal) { handled += signal == SIGUSR1; }

static void install(int flags) {
  struct sigaction action = {.sa_handler = count, .sa_flags = flags};
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
}

/* Who has what the calls wait for: the file's locks, both kinds, by another process; and a child that stays. */
static void set_up(void) {
  int ends[2];
  char byte;
  enter_directory();
  for (int i = 0; i < 2; i++) NEED((descriptors[i] = open("file", O_CREAT | O_RDWR, 0600)) >= 0);
  NEED(pipe(ends) == 0 && mkfifo("fifo", 0600) == 0);
  if ((child = fork()) == 0) {
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (flock(descriptors[0], LOCK_EX) != 0 || fcntl(descriptors[0], F_SETLK, &all) != 0 || write(ends[1], "x", 1) != 1)
      _exit(1);
    for (;;) pause();
  }
  NEED(read(ends[0], &byte, 1) == 1);
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0 && (semaphore = semget(IPC_PRIVATE, 1, 0600)) >= 0);
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  char name[64];
  snprintf(name, sizeof name, "/colib-interrupted-%d", getpid());
  descriptors[2] = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
  mq_unlink(name);
}

static void tear_down(void) {
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  msgctl(queue, IPC_RMID, NULL);
  semctl(semaphore, 0, IPC_RMID);
  remove_directory();
}

enum call { FLOCK, RECORD, LOCKF, OPEN, WAITPID, WAITANY, WAITID, MQ, RESTARTED, MSGRCV = RESTARTED, SEMOP, CALLS };

static int make_call(enum call call) {
  struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  struct sembuf down = {0, -1, 0};
  struct { long type; char text[8]; } message;
  switch (call) {
    case FLOCK: return flock(open("file", O_RDWR), LOCK_SH);
    case RECORD: return fcntl(descriptors[1], F_SETLKW, &all);
    case LOCKF: return lockf(descriptors[1], F_LOCK, 10);
    case OPEN: return open("fifo", O_RDONLY);
    case WAITPID: return waitpid(child, NULL, 0);
    case WAITANY: return waitpid(-1, NULL, 0);
    case WAITID: return waitid(P_PID, (id_t)child, NULL, WEXITED);
    case MQ: return descriptors[2] < 0 ? (errno = EINTR, -1) : (int)mq_receive(descriptors[2], message.text, 8, NULL);
    case MSGRCV: return (int)msgrcv(queue, &message, 8, 0, 0);
    case SEMOP: return semop(semaphore, &down, 1);
    default: return 0;
  }
}

static int results[CALLS], errors[CALLS];

static void *interrupted(void *call) {
  co_enable_hook_sys();
  errno = 0;
  results[(intptr_t)call] = make_call((enum call)(intptr_t)call);
  errors[(intptr_t)call] = errno;
  finished++;
  return NULL;
}

TEST(a_handler_ends_each_of_these_calls_with_eintr) {
  set_up();
  install(0);
  for (intptr_t call = 0; call < CALLS; call++) {
    finished = 0;
    start(interrupted, (void *)call);
    loop_for(30);
    CHECK_IS(finished, 0);
    raise(SIGUSR1);
    loop_until(&finished, 1);
    if (!CHECK(results[call] == -1 && errors[call] == EINTR)) fprintf(stderr, "# call %d gave %d, %d\n", (int)call, results[call], errors[call]);
  }
  CHECK_IS(handled, CALLS);
  tear_down();
}

TEST(calls_that_are_restarted_go_on_after_a_handler) {
  set_up();
  install(SA_RESTART);
  for (intptr_t call = 0; call < CALLS; call++) {
    finished = 0;
    if (call == MQ && descriptors[2] < 0) continue;
    stCoRoutine_t *co = start(interrupted, (void *)call);
    loop_for(20);
    raise(SIGUSR1);
    if (call < RESTARTED) {
      loop_for(20);
      CHECK_IS(finished, 0);
      co_release(co);
    } else {
      loop_until(&finished, 1);
      CHECK(results[call] == -1 && errors[call] == EINTR);
    }
  }
  tear_down();
}

static void *pop(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(WEXITSTATUS(system("sleep 0.2; exit 3")), 3);
  FILE *stream = popen("sleep 0.2; exit 4", "r");
  CHECK_IS(WEXITSTATUS(pclose(stream)), 4);
  finished++;
  return nothing;
}

TEST(commands_are_waited_for_whatever_handlers_run) {
  install(0);
  start(pop, NULL);
  for (int i = 0; i < 8; i++) {
    loop_for(40);
    raise(SIGUSR1);
  }
  loop_until(&finished, 1);
}

/* The lock of a released coroutine would be nobody's to give up. */
TEST(a_released_coroutine_gets_no_lock) {
  set_up();
  start(tick, NULL);
  stCoRoutine_t *co = start(interrupted, (void *)FLOCK);
  loop_for(30);
  co_release(co);
  loop_for(30);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(descriptors[0]);
  CHECK_IS(flock(descriptors[1], LOCK_EX | LOCK_NB), 0);
  remove_directory();
}

static void *send_soon(void *nothing) {
  struct { long type; char text[8]; } message = {.type = 1};
  co_enable_hook_sys();
  usleep(20000);
  CHECK_IS(msgsnd(queue, &message, 8, 0), 0);
  usleep(20000);
  CHECK_IS(msgrcv(queue, &message, 8, 0, IPC_NOWAIT), 8);
  finished++;
  return nothing;
}

TEST(a_released_coroutine_takes_no_message_away) {
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0);
  stCoRoutine_t *co = start(interrupted, (void *)MSGRCV);
  loop_for(30);
  co_release(co);
  start(send_soon, NULL);
  loop_until(&finished, 1);
  msgctl(queue, IPC_RMID, NULL);
}

/* The parent's helper goes on in the call; the child does not make it a second time. */
TEST(in_a_child_of_fork_a_call_with_effects_that_was_begun_is_interrupted) {
  struct { long type; char text[8]; } message = {.type = 1};
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0);
  start(interrupted, (void *)MSGRCV);
  while (threads_in_call(SYS_msgrcv) == 0) loop_for(1);
  pid_t forked = fork();
  if (forked == 0) {
    alarm(20);
    loop_until(&finished, 1);
    CHECK(results[MSGRCV] == -1 && errors[MSGRCV] == EINTR);
    _exit(check_failures ? 1 : 0);
  }
  int status = -1;
  CHECK(waitpid(forked, &status, 0) == forked && status == 0);
  CHECK_IS(msgsnd(queue, &message, 8, 0), 0);
  loop_until(&finished, 1);
  CHECK_IS(results[MSGRCV], 8);
  msgctl(queue, IPC_RMID, NULL);
}

RUN_TESTS
