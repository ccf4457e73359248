/* Threads that are cancelled while they wait in calls on streams: they end, and the stream is free for others. */
#include "threads_mode.h"

static FILE *input, *output;
static int in[2], out[2];
static sem_t ready;

static void wait_by(long way) {
  static char big[1 << 18];
  char text[16], *line = NULL;
  size_t size = 0;
  int number;
  memset(big, 'x', sizeof big - 1);
  switch (way) {
    case 0: fgets(text, sizeof text, input); break;
    case 1: getc(input); break;
    case 2: size = fread(text, 1, sizeof text, input); break;
    case 3: number = fscanf(input, "%d", &number); break;
    case 4: number = (int)getline(&line, &size, input); break;
    case 5: fputs(big, output); break;
    case 6: fprintf(output, "%s", big); break;
    case 7: size = fwrite(big, 1, sizeof big, output); break;
  }
}
/* Not dprintf: libc leaves its stream on the stack of a thread that is cancelled in it, and falls over it later. */
enum { WRITES = 5, WAYS = 8 };

static int left;
static void count_left(void *unused) {
  (void)unused;
  left++;
}

static sem_t cancelled;
static void *waits(void *way) {
  pthread_cleanup_push(count_left, NULL);
  sem_post(&ready);
  wait_by((long)way);
  printf("way %ld ends by itself: %d\n", (long)way, errno);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *waits_later(void *way) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  sem_post(&ready);
  sem_wait(&cancelled);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  pthread_cleanup_push(count_left, NULL);
  wait_by((long)way);
  printf("way %ld ends by itself: %d\n", (long)way, errno);
  pthread_cleanup_pop(0);
  return NULL;
}

static void open_streams(void) {
  static char filling[1 << 16];
  if (pipe(in) || pipe2(out, O_NONBLOCK)) puts("no pipes");
  while (write(out[1], filling, sizeof filling) > 0) continue;
  fcntl(out[1], F_SETFL, 0);
  input = fdopen(in[0], "r");
  output = fdopen(out[1], "w");
  setvbuf(output, NULL, _IONBF, 0);
}

/* A new pair of pipes each time: what was under way is lost, on threads as well. */
static void cancel_all(void *(*body)(void *)) {
  sem_init(&ready, 0, 0);
  sem_init(&cancelled, 0, 0);
  for (long way = 0; way < WAYS; way++) {
    pthread_t thread;
    open_streams();
    pthread_create(&thread, NULL, body, (void *)way);
    sem_wait(&ready);
    usleep(20000);
    SAY(way);
    SAY(pthread_cancel(thread));
    sem_post(&cancelled);
    end_of(thread);
    SAY(left);
    FILE *stream = way < WRITES ? input : output;
    SAY(ftrylockfile(stream));
    funlockfile(stream);
    SAY(ferror(stream));
    if (way < WRITES) {
      if (write(in[1], "7\n", 2) != 2) puts("no writing");
      SAY(getc(stream));
    }
    close(in[0]), close(in[1]), close(out[0]), close(out[1]);
  }
}
static void who_waits_in_a_stream_can_be_cancelled(void) { cancel_all(waits); }
static void who_was_cancelled_before_ends_where_a_stream_would_wait(void) { cancel_all(waits_later); }

CASES(CASE(who_waits_in_a_stream_can_be_cancelled), CASE(who_was_cancelled_before_ends_where_a_stream_would_wait))
