/* Named FIFOs, which cannot be told not to wait: behind a look at what there is to read, or at the room, somebody else is faster. */
#include "../refusal.h"

#include <sys/stat.h>

static int ends[2], looks, ended;
static char page[4096];

/* Comes in the place of `ppoll`: when it has told that there is a byte, or room for a page, somebody else has that. */
static void is_faster(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  struct pollfd *fds = (struct pollfd *)registers[REG_RDI];
  char byte;
  (void)signal, (void)info;
  long ready = syscall(SYS_poll, fds, registers[REG_RSI], 0);
  registers[REG_RAX] = ready < 0 ? -errno : ready;
  if (ready != 1 || looks++) return;
  if (fds->fd == ends[0]) CHECK(syscall(SYS_read, ends[0], &byte, 1) == 1);
  if (fds->fd == ends[1]) CHECK(syscall(SYS_write, ends[1], page, sizeof page) == sizeof page);
}

/* A FIFO without a name any more, open to be read, by blocking reads. */
static void make_readable(void) {
  char folder[] = "/tmp/colib-fifo-XXXXXX", name[64];
  NEED(mkdtemp(folder));
  snprintf(name, sizeof name, "%s/fifo", folder);
  NEED(mkfifo(name, 0600) == 0 && (ends[0] = open(name, O_RDONLY | O_NONBLOCK)) >= 0 && fcntl(ends[0], F_SETFL, 0) == 0);
  unlink(name);
  rmdir(folder);
}

static void make_fifo(void) {
  struct sigaction action = {.sa_sigaction = is_faster, .sa_flags = SA_SIGINFO | SA_NODEFER};
  char name[64];
  make_readable();
  snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
  NEED((ends[1] = open(name, O_WRONLY)) >= 0);
  NEED(sigaction(SIGSYS, &action, NULL) == 0);
  filter_calls(SYS_ppoll, SECCOMP_RET_TRAP);
}

static void run_both(void *(*one)(void *), void *(*other)(void *)) {
  stCoRoutine_t *both[2] = {spawn_on(NULL, 128 * 1024, one, NULL), spawn_on(NULL, 128 * 1024, other, NULL)};
  co_resume(both[0]);
  co_resume(both[1]);
  loop_until(&ended, 2);
  co_release(both[0]);
  co_release(both[1]);
}

static void *reads_twice(void *unused) {
  char byte = 0;
  co_enable_hook_sys();
  CHECK(read(ends[0], &byte, 1) == 1);
  if (byte == 'a') CHECK(read(ends[0], &byte, 1) == 1);
  CHECK(byte == 'b');
  CHECK(read(ends[0], &byte, 1) == 0);
  ended++;
  return unused;
}

static void *writes_later(void *unused) {
  co_enable_hook_sys();
  usleep(10000);
  CHECK(write(ends[1], "b", 1) == 1);
  usleep(10000);
  close(ends[1]);
  ended++;
  return unused;
}

TEST(a_read_of_a_fifo_takes_what_is_there_or_parks) {
  make_fifo();
  NEED(write(ends[1], "a", 1) == 1);
  run_both(reads_twice, writes_later);
}

static void *writes_a_page(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(write(ends[1], page, sizeof page), (int)sizeof page);
  CHECK_IS(write(ends[1], page, sizeof page), (int)sizeof page);
  ended++;
  return unused;
}

static void *reads_later(void *unused) {
  co_enable_hook_sys();
  usleep(10000);
  for (int i = 0; i < 2; i++) CHECK_IS(read(ends[0], page, sizeof page), (int)sizeof page);
  ended++;
  return unused;
}

static void write_to_one_that_is_nearly_full(void) {
  int room = fcntl(ends[1], F_GETPIPE_SZ) / (int)sizeof page;
  for (int i = 1; i < room; i++) NEED(write(ends[1], page, sizeof page) == sizeof page);
  run_both(writes_a_page, reads_later);
}

TEST(a_write_to_a_fifo_uses_what_room_there_is_and_parks) {
  make_fifo();
  write_to_one_that_is_nearly_full();
}

static void *reads_the_end(void *unused) {
  char byte;
  co_enable_hook_sys();
  CHECK_IS(read(ends[0], &byte, 1), 0);
  ended += 2;
  return unused;
}

TEST(a_fifo_that_nobody_has_written_to_yet_is_at_its_end) {
  make_readable();
  stCoRoutine_t *co = spawn_on(NULL, 128 * 1024, reads_the_end, NULL);
  co_resume(co);
  loop_until(&ended, 2);
  co_release(co);
}

/* From now on the library cannot open it for itself. */
static void make_it_somebody_elses(void) {
  make_fifo();
  looks = 1;
  NEED(fchmod(ends[0], 0) == 0);
  if (setuid(65534) != 0) SKIP("not permitted to become somebody else");
}

TEST(a_fifo_that_cannot_be_opened_is_read_behind_a_look) {
  make_it_somebody_elses();
  NEED(write(ends[1], "a", 1) == 1);
  run_both(reads_twice, writes_later);
}

TEST(a_fifo_that_cannot_be_opened_is_written_to_behind_a_look) {
  make_it_somebody_elses();
  write_to_one_that_is_nearly_full();
}

RUN_TESTS
