/* ipc.c - messages and semaphores of System V, message queues of POSIX, and the kernel's asynchronous input and output. */
#define _GNU_SOURCE
#include "park.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

struct letter {
  long type;
  char text[64];
};

/* Nobody finds them by a key, and what is left behind by a case that fails would stay: the ender takes them away. */
static void mailbox(struct waiter *me) {
  me->number = msgget(IPC_PRIVATE, 0600);
  if (me->number < 0) CANNOT("there are no System V message queues here");
}
static void mail(struct waiter *me) {
  struct letter letter = {.type = 3, .text = "x"};
  NEED(msgsnd(me->number, &letter, 1, 0) == 0);
}
PARKS(msgrcv, mailbox, mail) {
  struct letter letter = {0};
  bool good = msgrcv(me->number, &letter, sizeof letter.text, 3, 0) == 1 && letter.type == 3 && letter.text[0] == 'x';
  return msgctl(me->number, IPC_RMID, NULL) == 0 && good;
}

static void full_mailbox(struct waiter *me) {
  struct msqid_ds state;
  struct letter letter = {.type = 1};
  mailbox(me);
  NEED(msgctl(me->number, IPC_STAT, &state) == 0);
  state.msg_qbytes = 64;
  NEED(msgctl(me->number, IPC_SET, &state) == 0 && msgsnd(me->number, &letter, 64, 0) == 0);
}
static void take_mail(struct waiter *me) {
  struct letter letter;
  NEED(msgrcv(me->number, &letter, sizeof letter.text, 1, 0) == 64);
}
PARKS(msgsnd, full_mailbox, take_mail) {
  struct letter letter = {.type = 2, .text = "x"};
  bool good = msgsnd(me->number, &letter, 10, 0) == 0 && msgrcv(me->number, &letter, 64, 2, IPC_NOWAIT) == 10;
  return msgctl(me->number, IPC_RMID, NULL) == 0 && good;
}

static void semaphore(struct waiter *me) {
  me->number = semget(IPC_PRIVATE, 1, 0600);
  if (me->number < 0) CANNOT("there are no System V semaphores here");
}
static void raise_it(struct waiter *me) {
  struct sembuf up = {0, 2, 0};
  NEED(semop(me->number, &up, 1) == 0);
}
PARKS(semop, semaphore, raise_it) {
  struct sembuf down = {0, -2, 0};
  bool good = semop(me->number, &down, 1) == 0;
  return semctl(me->number, 0, IPC_RMID) == 0 && good;
}
PARKS(semtimedop, semaphore, raise_it) {
  struct sembuf down = {0, -2, 0};
  struct timespec time = {30, 0};
  bool good = semtimedop(me->number, &down, 1, &time) == 0;
  return semctl(me->number, 0, IPC_RMID) == 0 && good;
}

/* ---- POSIX ------------------------------------------------------------------------------------------ */

static void queue(struct waiter *me) {
  char name[64];
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  snprintf(name, sizeof name, "/colib-park-%d-%d", (int)getpid(), me->index);
  me->in = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  if (me->in < 0) CANNOT("there are no POSIX message queues here");
  mq_unlink(name);
}
static void send_one(struct waiter *me) { NEED(mq_send(me->in, "x", 1, 5) == 0); }
static void full_queue(struct waiter *me) {
  queue(me);
  send_one(me);
}
static void receive_one(struct waiter *me) {
  char data[8];
  NEED(mq_receive(me->in, data, sizeof data, NULL) == 1);
}
static struct timespec in_half_a_minute(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += 30;
  return t;
}

PARKS(mq_receive, queue, send_one) {
  char data[8] = "";
  unsigned priority = 0;
  return mq_receive(me->in, data, sizeof data, &priority) == 1 && data[0] == 'x' && priority == 5;
}
PARKS(mq_timedreceive, queue, send_one) {
  char data[8] = "";
  struct timespec until = in_half_a_minute();
  return mq_timedreceive(me->in, data, sizeof data, NULL, &until) == 1 && data[0] == 'x';
}
PARKS(mq_send, full_queue, receive_one) { return mq_send(me->in, "yz", 2, 0) == 0; }
PARKS(mq_timedsend, full_queue, receive_one) {
  struct timespec until = in_half_a_minute();
  return mq_timedsend(me->in, "yz", 2, 0, &until) == 0;
}

/* ---- the kernel's asynchronous input and output ----------------------------------------------------- */

int io_getevents(aio_context_t context, long least, long most, struct io_event *events, struct timespec *time);
int io_pgetevents(aio_context_t context, long least, long most, struct io_event *events, struct timespec *time, sigset_t *mask);

static aio_context_t contexts[CROWD];
static struct iocb polls[CROWD];

/* Two requests, of which one is completed at once. */
static void asked_for_input(struct waiter *me) {
  static struct iocb at_once[CROWD];
  empty_pipe(me);
  contexts[me->index] = 0;
  NEED(syscall(SYS_io_setup, 4, &contexts[me->index]) == 0);
  at_once[me->index] = (struct iocb){.aio_data = 1, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)me->far, .aio_buf = POLLOUT};
  polls[me->index] = (struct iocb){.aio_data = 2, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)me->in, .aio_buf = POLLIN};
  struct iocb *list[] = {&at_once[me->index], &polls[me->index]};
  NEED(syscall(SYS_io_submit, contexts[me->index], 2, list) == 2);
}
static bool both_completed(struct waiter *me, long count, struct io_event *events) {
  return syscall(SYS_io_destroy, contexts[me->index]) == 0 && count == 2 && events[0].data == 1 && (events[0].res & POLLOUT) &&
         events[1].data == 2 && (events[1].res & POLLIN);
}
PARKS(io_getevents, asked_for_input, write_a_byte) {
  struct io_event events[4];
  struct timespec time = {59, 1000000000};
  if (io_getevents(contexts[me->index], 1, 0, events, NULL) != -EINVAL) return false;
  return both_completed(me, io_getevents(contexts[me->index], 2, 4, events, &time), events);
}
PARKS(io_pgetevents, asked_for_input, write_a_byte) {
  struct io_event events[4];
  struct timespec time = {59, 1000000000};
  sigset_t all;
  sigfillset(&all);
  if (io_pgetevents(contexts[me->index], 1, 0, events, NULL, &all) != -EINVAL) return false;
  return both_completed(me, io_pgetevents(contexts[me->index], 2, 4, events, &time, &all), events);
}
PARKS_AS(syscall_io_pgetevents, "syscall", asked_for_input, write_a_byte, .again = false) {
  struct io_event events[4];
  enum { IO_PGETEVENTS = 333 };
  return both_completed(me, syscall(IO_PGETEVENTS, contexts[me->index], 2, 4, events, NULL, NULL), events);
}
PARKS_AS(syscall_io_getevents, "syscall", asked_for_input, write_a_byte, .again = false) {
  struct io_event events[4];
  if (syscall(SYS_io_getevents, contexts[me->index], 1, 0, events, NULL) != -1 || errno != EINVAL) return false;
  struct timespec less_than_none = {0, -1}; // which the kernel takes for ever
  return both_completed(me, syscall(SYS_io_getevents, contexts[me->index], 2, 4, events, &less_than_none), events);
}
