/* accept where the kernel allows no io_uring: what it refuses, it refuses at once, and who is too late for a connection
 * parks. */
#include "../refusal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static int listener, refused, ended;

static void *accepts(void *unused) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int fd;
  co_enable_hook_sys();
  CHECK(accept4(listener, NULL, NULL, 0x10) == -1 && errno == EINVAL);
  CHECK(accept4(listener, NULL, NULL, -1) == -1 && errno == EINVAL);
  CHECK(accept(-1, NULL, NULL) == -1 && errno == EBADF);
  refused = 1;
  fd = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
  CHECK(fd >= 0 && size == sizeof address && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  close(fd);
  ended++;
  return unused;
}

static void *connects(void *address) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  co_enable_hook_sys();
  for (int i = 0; i < 500 && !refused; i++) usleep(10000);
  CHECK(refused);
  CHECK(connect(fd, address, sizeof(struct sockaddr_in)) == 0);
  close(fd);
  ended++;
  return NULL;
}

/* Where the listener is, on the loopback interface. */
static struct sockaddr_in listen_without_a_ring(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  refuse(SYS_io_uring_setup, EPERM);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 128) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  return address;
}

TEST(without_a_ring_accept_waits_and_refuses_what_the_kernel_refuses) {
  struct sockaddr_in address = listen_without_a_ring();
  stCoRoutine_t *one = spawn_on(NULL, 128 * 1024, accepts, NULL), *other = spawn_on(NULL, 128 * 1024, connects, &address);
  co_resume(one);
  co_resume(other);
  loop_until(&ended, 2);
  co_release(one);
  co_release(other);
}

static int stolen, ticks;

/* Comes in the place of `ppoll`, by which the library looks: when it has told of the first connection, somebody else has that. */
static void steals_the_first(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  struct pollfd *fds = (struct pollfd *)registers[REG_RDI];
  (void)signal, (void)info;
  long ready = syscall(SYS_poll, fds, registers[REG_RSI], 0);
  registers[REG_RAX] = ready < 0 ? -errno : ready;
  if (ready == 1 && fds->fd == listener && !__atomic_exchange_n(&stolen, 1, __ATOMIC_ACQ_REL))
    close(syscall(SYS_accept, listener, NULL, NULL));
}

static void *accepts_one(void *unused) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  co_enable_hook_sys();
  int fd = accept(listener, (struct sockaddr *)&address, &size);
  CHECK(fd >= 0 && size == sizeof address && address.sin_family == AF_INET);
  CHECK_IS(close(fd), 0);
  ended++;
  return unused;
}

static void *ticks_meanwhile(void *unused) {
  co_enable_hook_sys();
  for (; !__atomic_load_n(&ended, __ATOMIC_ACQUIRE); usleep(1000)) __atomic_add_fetch(&ticks, 1, __ATOMIC_ACQ_REL);
  ended++;
  return unused;
}

static void connect_once(const struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  NEED(connect(fd, (const struct sockaddr *)address, sizeof *address) == 0);
  close(fd);
}

/* A second connection comes when the others have gone on, or plainly do not. */
static void *connects_twice(void *address) {
  connect_once(address);
  while (!__atomic_load_n(&stolen, __ATOMIC_ACQUIRE)) usleep(1000);
  int before = __atomic_load_n(&ticks, __ATOMIC_ACQUIRE), gone_on = 0;
  for (int i = 0; i < 5000 && !gone_on; i++) {
    usleep(1000);
    gone_on = __atomic_load_n(&ticks, __ATOMIC_ACQUIRE) > before + 10;
  }
  CHECK(gone_on);
  connect_once(address);
  return NULL;
}

TEST(without_a_ring_who_loses_a_connection_to_another_parks) {
  struct sigaction action = {.sa_sigaction = steals_the_first, .sa_flags = SA_SIGINFO | SA_NODEFER};
  struct sockaddr_in address = listen_without_a_ring();
  pthread_t client;
  NEED(sigaction(SIGSYS, &action, NULL) == 0);
  filter_calls(SYS_ppoll, SECCOMP_RET_TRAP);
  stCoRoutine_t *one = spawn_on(NULL, 128 * 1024, accepts_one, NULL), *other = spawn_on(NULL, 128 * 1024, ticks_meanwhile, NULL);
  NEED(pthread_create(&client, NULL, connects_twice, &address) == 0);
  co_resume(one);
  co_resume(other);
  loop_until(&ended, 2);
  pthread_join(client, NULL);
  co_release(one);
  co_release(other);
}

RUN_TESTS
