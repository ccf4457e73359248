/* accept where the kernel allows no io_uring: what it refuses, it refuses at once. */
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

TEST(without_a_ring_accept_waits_and_refuses_what_the_kernel_refuses) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  refuse(SYS_io_uring_setup, EPERM);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  stCoRoutine_t *one = spawn_on(NULL, 128 * 1024, accepts, NULL), *other = spawn_on(NULL, 128 * 1024, connects, &address);
  co_resume(one);
  co_resume(other);
  loop_until(&ended, 2);
  co_release(one);
  co_release(other);
}

RUN_TESTS
