/* ipc.c - queues and semaphores between processes: coroutines wait, their thread does not. */
#include "all_at_once.h"

#include <aio.h>
#include <mqueue.h>
#include <netdb.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

struct message {
  long type;
  char text[64];
};

static int queue, semaphores;
static mqd_t queues[MANY];

/* ---- System V --------------------------------------------------------------------------------------- */

static void *send_all(void *nothing) {
  static struct message message;
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) {
    message.type = i + 1;
    snprintf(message.text, sizeof message.text, "message %d", i);
    CHECK_IS(msgsnd(queue, &message, strlen(message.text) + 1, 0), 0);
  }
  return nothing;
}

static void *receive_mine(void *number) {
  struct message message = {0};
  char expected[64];
  intptr_t i = (intptr_t)number;
  co_enable_hook_sys();
  snprintf(expected, sizeof expected, "message %d", (int)i);
  CHECK(msgrcv(queue, &message, sizeof message.text, i + 1, IPC_NOWAIT) == -1 && errno == ENOMSG);
  begun++;
  CHECK_IS(msgrcv(queue, &message, sizeof message.text, i + 1, 0), (long)strlen(expected) + 1);
  CHECK_IS(message.type, i + 1);
  CHECK_TEXT(message.text, expected);
  finished++;
  return NULL;
}

TEST(msgrcv_waits_for_its_type_of_message) {
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0);
  all_at_once(receive_mine, send_all);
  msgctl(queue, IPC_RMID, NULL);
}

static struct message large;
static int sent;

static void fill_queue(void) {
  struct msqid_ds info;
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0 && msgctl(queue, IPC_STAT, &info) == 0);
  info.msg_qbytes = 256;
  NEED(msgctl(queue, IPC_SET, &info) == 0);
  large.type = 1;
  while (msgsnd(queue, &large, 64, IPC_NOWAIT) == 0) sent++;
  CHECK(errno == EAGAIN);
}

static void *take_all(void *nothing) {
  static struct message message;
  co_enable_hook_sys();
  for (int i = 0; i < MANY + sent; i++) CHECK_IS(msgrcv(queue, &message, 64, 0, 0), 64);
  return nothing;
}

static void *send_one(void *number) {
  struct message message = {.type = 1 + (intptr_t)number};
  co_enable_hook_sys();
  begun++;
  CHECK_IS(msgsnd(queue, &message, 64, 0), 0);
  finished++;
  return NULL;
}

TEST(msgsnd_waits_for_room) {
  fill_queue();
  all_at_once(send_one, take_all);
  msgctl(queue, IPC_RMID, NULL);
}

static void *meet_removal(void *number) {
  struct message message = {.type = 1};
  struct sembuf down = {0, -1, 0};
  co_enable_hook_sys();
  begun++;
  if ((intptr_t)number % 2)
    CHECK(msgrcv(queue, &message, 64, 77, 0) == -1 && errno == EIDRM);
  else
    CHECK(semop(semaphores, &down, 1) == -1 && errno == EIDRM);
  finished++;
  return NULL;
}

/* To who comes later the identifiers would be wrong. */
static void *remove_both(void *nothing) {
  co_enable_hook_sys();
  while (threads_in_call(SYS_msgrcv) < MANY / 2 || semctl(semaphores, 0, GETNCNT) < MANY / 2) usleep(1000);
  CHECK_IS(msgctl(queue, IPC_RMID, NULL), 0);
  CHECK_IS(semctl(semaphores, 0, IPC_RMID), 0);
  return nothing;
}

TEST(a_queue_or_semaphore_that_is_removed_ends_the_wait) {
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0 && (semaphores = semget(IPC_PRIVATE, 1, 0600)) >= 0);
  all_at_once(meet_removal, remove_both);
}

static void *wrong_messages(void *nothing) {
  struct message message = {.type = 0};
  co_enable_hook_sys();
  CHECK(msgsnd(queue, &message, 1, 0) == -1 && errno == EINVAL);
  message.type = 1;
  CHECK(msgsnd(queue, &message, (size_t)-1, 0) == -1 && errno == EINVAL);
  CHECK(msgsnd(queue, (void *)8, 1, 0) == -1 && errno == EFAULT);
  CHECK(msgsnd(-1, &message, 1, 0) == -1 && errno == EINVAL);
  CHECK(msgrcv(queue, &message, (size_t)-1, 0, 0) == -1 && errno == EINVAL);
  CHECK_IS(msgsnd(queue, &message, 60, 0), 0);
  CHECK(msgrcv(queue, &message, 10, 0, 0) == -1 && errno == E2BIG);
  CHECK_IS(msgrcv(queue, &message, 10, 0, MSG_NOERROR), 10);
  CHECK(msgrcv(queue, &message, 10, 0, 040000 /* MSG_COPY */) == -1 && errno == EINVAL);
  finished++;
  return nothing;
}

TEST(errors_of_messages) {
  NEED((queue = msgget(IPC_PRIVATE, 0600)) >= 0);
  start(wrong_messages, NULL);
  loop_until(&finished, 1);
  msgctl(queue, IPC_RMID, NULL);
}

static void *raise_all(void *nothing) {
  struct sembuf up = {0, 1, 0};
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) CHECK_IS(semop(semaphores, &up, 1), 0);
  return nothing;
}

static void *lower_one(void *number) {
  struct sembuf both[2] = {{0, -1, 0}, {1, 0, 0}};
  struct timespec time = {1000, 0};
  co_enable_hook_sys();
  begun++;
  if ((intptr_t)number % 2)
    CHECK_IS(semop(semaphores, both, 2), 0);
  else
    CHECK_IS(semtimedop(semaphores, both, 2, &time), 0);
  CHECK_IS(semctl(semaphores, 0, GETPID), getpid());
  finished++;
  return NULL;
}

TEST(semop_waits_for_semaphores) {
  NEED((semaphores = semget(IPC_PRIVATE, 2, 0600)) >= 0);
  all_at_once(lower_one, raise_all);
  semctl(semaphores, 0, IPC_RMID);
}

static void *times_of_semaphores(void *nothing) {
  struct sembuf down = {0, -1, 0}, at_once = {0, -1, IPC_NOWAIT}, mixed[2] = {{1, 0, 0}, {0, -1, IPC_NOWAIT}};
  struct timespec time = {0, 60000000}, wrong = {0, 2000000000}, zero = {0, 0};
  co_enable_hook_sys();
  long long before = now_ns();
  CHECK(semtimedop(semaphores, &down, 1, &time) == -1 && errno == EAGAIN);
  CHECK(since_ms(before) >= 60);
  CHECK(semtimedop(semaphores, &down, 1, &zero) == -1 && errno == EAGAIN);
  CHECK(semtimedop(semaphores, &down, 1, &wrong) == -1 && errno == EINVAL);
  CHECK(semtimedop(semaphores, &down, 1, (struct timespec *)8) == -1 && errno == EFAULT);
  CHECK(semop(semaphores, (struct sembuf *)8, 1) == -1 && errno == EFAULT);
  CHECK(semop(semaphores, &at_once, 1) == -1 && errno == EAGAIN);
  CHECK(semop(semaphores, mixed, 2) == -1 && errno == EAGAIN);
  CHECK(semop(semaphores, &down, 0) == -1 && errno == EINVAL);
  CHECK(semop(semaphores, &down, 1000000) == -1 && errno == E2BIG);
  CHECK(semop(-1, &down, 1) == -1 && errno == EINVAL);
  down.sem_num = 9;
  CHECK(semop(semaphores, &down, 1) == -1 && errno == EFBIG);
  finished++;
  return nothing;
}

TEST(time_outs_and_errors_of_semaphores) {
  NEED((semaphores = semget(IPC_PRIVATE, 2, 0600)) >= 0);
  start(times_of_semaphores, NULL);
  loop_until(&finished, 1);
  semctl(semaphores, 0, IPC_RMID);
}

/* ---- POSIX queues ----------------------------------------------------------------------------------- */

static mqd_t open_queue(int number) {
  char name[64];
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 32};
  snprintf(name, sizeof name, "/colib-%d-%d", getpid(), number);
  mqd_t made = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  if (made < 0) SKIP("no POSIX message queues here");
  mq_unlink(name);
  return made;
}

static void *feed_queues(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) CHECK_IS(mq_send(queues[i], "some text", 10, (unsigned)i), 0);
  return nothing;
}

static void *receive(void *number) {
  char text[32] = "";
  unsigned priority = 99;
  struct timespec until;
  intptr_t i = (intptr_t)number;
  co_enable_hook_sys();
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 1000;
  begun++;
  if (i % 2)
    CHECK_IS(mq_receive(queues[i], text, sizeof text, &priority), 10);
  else
    CHECK_IS(mq_timedreceive(queues[i], text, sizeof text, &priority, &until), 10);
  CHECK_TEXT(text, "some text");
  CHECK_IS(priority, i);
  finished++;
  return NULL;
}

TEST(mq_receive_waits_for_a_message) {
  for (int i = 0; i < MANY; i++) queues[i] = open_queue(i);
  all_at_once(receive, feed_queues);
}

static void *drain_queues(void *nothing) {
  static char text[32];
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) CHECK_IS(mq_receive(queues[i], text, sizeof text, NULL), 10);
  return nothing;
}

static void *send_more(void *number) {
  co_enable_hook_sys();
  begun++;
  CHECK_IS(mq_send(queues[(intptr_t)number], "more text", 10, 0), 0);
  finished++;
  return NULL;
}

TEST(mq_send_waits_for_room) {
  for (int i = 0; i < MANY; i++) {
    queues[i] = open_queue(i);
    for (int k = 0; k < 2; k++) NEED(mq_send(queues[i], "some text", 10, 0) == 0);
  }
  all_at_once(send_more, drain_queues);
}

static void *times_of_queues(void *nothing) {
  char text[32];
  struct timespec until, past = {1, 0}, wrong = {1, -1};
  struct mq_attr attributes;
  co_enable_hook_sys();
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 70000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  long long before = now_ns();
  CHECK(mq_timedreceive(queues[0], text, sizeof text, NULL, &until) == -1 && errno == ETIMEDOUT);
  CHECK(since_ms(before) >= 69);
  CHECK(mq_timedreceive(queues[0], text, sizeof text, NULL, &past) == -1 && errno == ETIMEDOUT);
  CHECK(mq_timedreceive(queues[0], text, sizeof text, NULL, &wrong) == -1 && errno == EINVAL);
  CHECK(mq_receive(queues[0], text, 5, NULL) == -1 && errno == EMSGSIZE);
  CHECK(mq_receive(-1, text, sizeof text, NULL) == -1 && errno == EBADF);
  CHECK(mq_send(queues[0], text, 33, 0) == -1 && errno == EMSGSIZE);
  CHECK(mq_send(queues[0], text, 3, 1u << 20) == -1 && errno == EINVAL);
  CHECK_IS(mq_getattr(queues[0], &attributes), 0);
  CHECK_IS(attributes.mq_flags, 0);
  attributes.mq_flags = O_NONBLOCK;
  CHECK_IS(mq_setattr(queues[0], &attributes, NULL), 0);
  CHECK(mq_receive(queues[0], text, sizeof text, NULL) == -1 && errno == EAGAIN);
  finished++;
  return nothing;
}

TEST(time_outs_and_errors_of_queues) {
  queues[0] = open_queue(0);
  start(times_of_queues, NULL);
  loop_until(&finished, 1);
}

static void *receive_from_closed(void *nothing) {
  char text[32];
  co_enable_hook_sys();
  CHECK(mq_receive(queues[0], text, sizeof text, NULL) == -1 && errno == EBADF);
  finished++;
  return nothing;
}

TEST(a_queue_that_is_closed_ends_the_wait) {
  queues[0] = open_queue(0);
  start(receive_from_closed, NULL);
  loop_for(20);
  CHECK_IS(mq_close(queues[0]), 0);
  loop_until(&finished, 1);
}

/* ---- background work -------------------------------------------------------------------------------- */

static struct aiocb requests[MANY];

static void *await_request(void *number) {
  struct aiocb *request = &requests[(intptr_t)number];
  const struct aiocb *list[2] = {NULL, request};
  struct timespec soon = {0, 5000000};
  co_enable_hook_sys();
  CHECK_IS(aio_read(request), 0);
  CHECK(aio_suspend(list, 2, &soon) == -1 && errno == EAGAIN);
  begun++;
  CHECK_IS(aio_suspend(list, 2, NULL), 0);
  CHECK_IS(aio_error(request), 0);
  CHECK_IS(aio_return(request), 3);
  finished++;
  return NULL;
}

static int pipes[MANY][2];

static void *feed_pipes(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < MANY; i++) CHECK_IS(write(pipes[i][1], "abc", 3), 3);
  return nothing;
}

TEST(aio_suspend_waits_for_a_request) {
  static char buffers[MANY][8];
  for (int i = 0; i < MANY; i++) {
    NEED(pipe(pipes[i]) == 0);
    requests[i] = (struct aiocb){.aio_fildes = pipes[i][0], .aio_buf = buffers[i], .aio_nbytes = 3};
  }
  all_at_once(await_request, feed_pipes);
}

static void *look_up_both_ways(void *nothing) {
  static struct gaicb one = {.ar_name = "localhost"}, two = {.ar_name = "127.0.0.1"};
  struct gaicb *list[2] = {&one, &two};
  co_enable_hook_sys();
  CHECK_IS(getaddrinfo_a(GAI_WAIT, list, 2, NULL), 0);
  CHECK(gai_error(&one) == 0 && gai_error(&two) == 0);
  CHECK_IS(getaddrinfo_a(GAI_NOWAIT, list, 2, NULL), 0);
  int code;
  while ((code = gai_suspend((const struct gaicb *const *)list, 2, NULL)) == 0)
    for (int i = 0; i < 2; i++)
      if (list[i] && gai_error(list[i]) != EAI_INPROGRESS) list[i] = NULL;
  CHECK_IS(code, EAI_ALLDONE);
  finished++;
  return nothing;
}

TEST(look_ups_in_the_background) {
  start(look_up_both_ways, NULL);
  loop_until(&finished, 1);
}

/* glibc leaves a waiter's note on the stack of a gai_suspend whose time is up just as the look-up ends. */
static void *look_up_again_and_again(void *nothing) {
  struct gaicb one = {.ar_name = "127.0.0.1"}, *list[1] = {&one};
  struct timespec ample = {20, 0};
  co_enable_hook_sys();
  for (int i = 0; i < 200; i++) {
    CHECK_IS(getaddrinfo_a(GAI_NOWAIT, list, 1, NULL), 0);
    while (gai_error(&one) == EAI_INPROGRESS) gai_suspend((const struct gaicb *const *)list, 1, &ample);
    CHECK_IS(gai_error(&one), 0);
    freeaddrinfo(one.ar_result);
  }
  finished++;
  return nothing;
}

TEST(look_ups_that_end_at_once) {
  for (int i = 0; i < MANY; i++) start(look_up_again_and_again, NULL);
  loop_until(&finished, MANY);
}

RUN_TESTS
