/* queues.c - System V queues and semaphores, POSIX queues. */
#include "scenario.h"

#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>

struct message {
  long type;
  char text[64];
};

static int queue, set;
static mqd_t posix;

static void receive(void *type) {
  struct message message = {0};
  TRACE(msgrcv(queue, &message, sizeof message.text, *(long *)type, 0));
  say("%ld %s", message.type, message.text);
}

static void put(const char *text, long type) {
  struct message message = {.type = type};
  strcpy(message.text, text);
  TRACE(msgsnd(queue, &message, strlen(text) + 1, 0));
}

SCENARIO(messages_between_processes, "msgsnd and msgrcv: types, room, removal") {
  static long two = 2, any = 0, below = -5;
  struct message message = {.type = 9};
  struct msqid_ds info;
  queue = MUST(msgget(IPC_PRIVATE, 0600));
  start("two", receive, &two);
  settle();
  put("one", 1);
  settle();
  say("still waiting: %d", !has_ended("two"));
  put("two", 2);
  join();
  put("seven", 7);
  start("below", receive, &below);
  join();
  start("any", receive, &any);
  join();
  TRACE(msgrcv(queue, &message, 64, 0, IPC_NOWAIT));
  TRACE(msgrcv(queue, &message, (size_t)-1, 0, 0));
  TRACE(msgrcv(-1, &message, 10, 0, 0));
  TRACE(msgsnd(queue, &(struct message){.type = 0}, 1, 0));
  TRACE(msgsnd(queue, nowhere, 1, 0));
  TRACE(msgsnd(queue, &message, 1 << 20, 0));
  MUST(msgctl(queue, IPC_STAT, &info));
  info.msg_qbytes = 100;
  TRACE(msgctl(queue, IPC_SET, &info));
  TRACE(msgsnd(queue, &message, 64, 0));
  TRACE(msgsnd(queue, &message, 64, IPC_NOWAIT));
  TRACE(msgrcv(queue, &message, 10, 0, 0));
  TRACE(msgrcv(queue, &message, 10, 0, MSG_NOERROR));
  start("removed", receive, &any);
  settle();
  TRACE(msgctl(queue, IPC_RMID, NULL));
  join();
}

static void operate(void *operation) { TRACE(semop(set, operation, 1)); }

SCENARIO(semaphores_of_processes, "semop: up, down, zero, undone, timed, removed") {
  static struct sembuf down = {0, -2, SEM_UNDO}, zero = {1, 0, 0};
  struct sembuf up = {0, 1, 0}, one = {1, 1, 0}, back = {1, -1, 0};
  struct timespec time = {0, 60000000};
  set = MUST(semget(IPC_PRIVATE, 2, 0600));
  start("down", operate, &down);
  settle();
  TRACE(semctl(set, 0, GETNCNT));
  TRACE(semop(set, &up, 1));
  settle();
  say("still waiting: %d", !has_ended("down"));
  TRACE(semop(set, &up, 1));
  join();
  TRACE(semctl(set, 0, GETVAL));
  TRACE(semop(set, &one, 1));
  start("zero", operate, &zero);
  settle();
  TRACE(semctl(set, 1, GETZCNT));
  TRACE(semop(set, &back, 1));
  join();
  TRACE_WAIT(60, semtimedop(set, &down, 1, &time));
  TRACE(semtimedop(set, &down, 1, &(struct timespec){-1, 0}));
  TRACE(semtimedop(set, &down, 1, nowhere));
  TRACE(semop(set, nowhere, 1));
  TRACE(semop(set, &down, 0));
  TRACE(semop(set, &(struct sembuf){5, 1, 0}, 1));
  TRACE(semop(set, &(struct sembuf){0, SHRT_MAX, 0}, 1));
  TRACE(semop(set, &(struct sembuf){0, 1, 0}, 1));
  TRACE(semop(-1, &up, 1));
  TRACE(semctl(set, 0, SETVAL, 0));
  start("removed", operate, &down);
  settle();
  TRACE(semctl(set, 0, IPC_RMID));
  join();
}

static void receive_posix(void *argument) {
  char text[32] = "";
  unsigned priority = 0;
  (void)argument;
  TRACE(mq_receive(posix, text, sizeof text, &priority));
  say("%s %u", text, priority);
}

static void send_posix(void *priority) { TRACE(mq_send(posix, "word", 5, *(unsigned *)priority)); }

SCENARIO(posix_queues, "mq_send and mq_receive: priorities, room, time-outs, errors") {
  static unsigned low = 1, high = 9;
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 32};
  struct timespec past = {1, 0}, wrong = {1, 1000000000}, soon;
  char name[64], text[32];
  snprintf(name, sizeof name, "/colib-differential-%d", getpid());
  posix = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  if (posix < 0) return say("no queues here");
  MUST(mq_unlink(name));
  start("receiver", receive_posix, NULL);
  settle();
  say("still waiting: %d", !has_ended("receiver"));
  send_posix(&low);
  join();
  send_posix(&low);
  send_posix(&high);
  start("sender", send_posix, &low);
  settle();
  say("still waiting: %d", !has_ended("sender"));
  receive_posix(NULL);
  join();
  receive_posix(NULL);
  receive_posix(NULL);
  TRACE(mq_timedreceive(posix, text, sizeof text, NULL, &past));
  TRACE(mq_timedreceive(posix, text, sizeof text, NULL, &wrong));
  TRACE(mq_timedreceive(posix, text, sizeof text, NULL, nowhere));
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 60000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  TRACE_WAIT(60, mq_timedreceive(posix, text, sizeof text, NULL, &soon));
  TRACE(mq_receive(posix, text, 5, NULL));
  TRACE(mq_receive(999, text, sizeof text, NULL));
  TRACE(mq_send(posix, text, 33, 0));
  TRACE(mq_send(posix, text, 3, 1u << 30));
  TRACE(mq_send(posix, nowhere, 3, 0));
  TRACE(mq_getattr(posix, &attributes));
  say("flags %ld, messages %ld", attributes.mq_flags, attributes.mq_curmsgs);
  attributes.mq_flags = O_NONBLOCK;
  TRACE(mq_setattr(posix, &attributes, NULL));
  TRACE(mq_receive(posix, text, sizeof text, NULL));
  TRACE(mq_timedreceive(posix, text, sizeof text, NULL, &past));
}

static const struct timespec ages = {INT64_MAX, 999999999};

static void receive_within_ages(void *unused) {
  char text[32] = "";
  (void)unused;
  TRACE(mq_timedreceive(posix, text, sizeof text, NULL, &ages));
  TRACE(mq_timedsend(posix, "one", 4, 0, &ages));
  TRACE(mq_timedsend(posix, "two", 4, 0, &ages));
  TRACE(mq_timedsend(posix, "three", 6, 0, &ages));
}

SCENARIO(posix_queues_with_far_limits, "mq_timedreceive and mq_timedsend until the end of time") {
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 32};
  char name[64], text[32];
  snprintf(name, sizeof name, "/colib-differential-%d", getpid());
  posix = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  if (posix < 0) return say("no queues here");
  MUST(mq_unlink(name));
  start("patient", receive_within_ages, NULL);
  settle();
  say("still waiting: %d", !has_ended("patient"));
  TRACE(mq_send(posix, "word", 5, 0));
  settle();
  say("still waiting: %d", !has_ended("patient"));
  TRACE(mq_receive(posix, text, sizeof text, NULL));
  join();
}
