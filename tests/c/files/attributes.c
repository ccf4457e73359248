/* attributes.c - what a thread has changed for itself alone, rights or directories, holds for calls that others make for
 * it: whatever threads there were before. */
#include "../all_at_once.h"
#include "../namespaces.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#define NOBODY 65534

static int expected;

/* Helpers are made for this, and stay for some seconds. */
static void *look_up(void *nothing) {
  co_enable_hook_sys();
  CHECK(getpwnam("root") != NULL);
  begun++;
  return nothing;
}

static void *open_expected(void *flags) {
  co_enable_hook_sys();
  begun++;
  errno = 0;
  int fd = open("fifo", (int)(intptr_t)flags);
  CHECK_IS(fd >= 0 ? 0 : errno, expected);
  if (fd >= 0) close(fd);
  finished++;
  return NULL;
}

static void *open_other_end(void *nothing) {
  int fd = open("fifo", O_RDWR);
  CHECK(fd >= 0);
  loop_until(&finished, 1);
  close(fd);
  return nothing;
}

static void fifo_of_roots(void) {
  if (geteuid() != 0) SKIP("only root changes rights");
  enter_directory();
  NEED(chmod(".", 0755) == 0 && mkfifo("fifo", 0600) == 0);
}

static void made_before(void) {
  begun = 0;
  co_resume(spawn(look_up, NULL));
  loop_until(&begun, 1);
}

static void opens(int flags, int error) {
  expected = error;
  finished = 0;
  co_resume(spawn(open_expected, (void *)(intptr_t)flags));
  if (error == 0) open_other_end(NULL);
  else loop_until(&finished, 1);
}

TEST(rights_that_are_given_up_are_given_up_where_others_open) {
  fifo_of_roots();
  made_before();
  setfsuid(NOBODY);
  opens(O_RDONLY, EACCES);
  setfsuid(0);
  opens(O_RDONLY, 0);
  remove_directory();
}

TEST(rights_that_come_back_do_where_others_open) {
  fifo_of_roots();
  setfsuid(NOBODY);
  made_before();
  setfsuid(0);
  opens(O_RDONLY, 0);
  opens(O_WRONLY, 0);
  remove_directory();
}

TEST(rights_of_groups_are_told_apart) {
  fifo_of_roots();
  NEED(chown("fifo", 1, 1) == 0 && chmod("fifo", 0060) == 0);
  made_before();
  gid_t groups[] = {1};
  NEED(syscall(SYS_setgroups, 0, NULL) == 0);
  setfsuid(NOBODY);
  opens(O_RDONLY, EACCES);
  setfsgid(1);
  opens(O_RDONLY, 0);
  setfsgid(0);
  opens(O_RDONLY, EACCES);
  setfsuid(0);
  NEED(syscall(SYS_setgroups, 1, groups) == 0);
  setfsuid(NOBODY);
  opens(O_RDONLY, 0);
  setfsuid(0);
  remove_directory();
}

static void *rest_of_life(void *ready) {
  co_enable_hook_sys();
  made_before();
  /* This thread alone: libc's function is for all of them. */
  NEED(syscall(SYS_setresuid, -1, NOBODY, -1) == 0);
  opens(O_RDONLY, EACCES);
  return ready;
}

TEST(a_thread_that_gives_up_rights_by_number_has_none) {
  fifo_of_roots();
  elsewhere(rest_of_life, NULL);
  CHECK_IS(geteuid(), 0);
  opens(O_RDONLY, 0);
  remove_directory();
}

static void *made_elsewhere(void *nothing) {
  made_before();
  return nothing;
}

TEST(rights_that_change_before_there_are_coroutines_count) {
  fifo_of_roots();
  NEED(syscall(SYS_setfsuid, NOBODY) == 0);
  elsewhere(made_elsewhere, NULL);
  syscall(SYS_setfsuid, 0);
  opens(O_RDONLY, 0);
  remove_directory();
}

static void *with_a_directory(void *path) {
  NEED(unshare(CLONE_FS) == 0 && chdir(path) == 0 && mkfifo("fifo", 0600) == 0);
  opens(O_RDONLY, 0);
  return NULL;
}

TEST(a_directory_of_the_threads_own_is_where_others_open) {
  enter_directory();
  NEED(mkfifo("fifo", 0600) == 0 && mkdir("directory", 0700) == 0);
  made_before();
  elsewhere(with_a_directory, "directory");
  opens(O_RDONLY, 0);
  remove_directory();
}

static void *look_up_host(void *is_there) {
  struct hostent entry, *found = NULL;
  char room[1000];
  int error;
  co_enable_hook_sys();
  CHECK_IS(gethostbyname_r("only.there", &entry, room, sizeof room, &found, &error) == 0 && found, is_there != NULL);
  begun++;
  return NULL;
}

static void looks_up_host(int is_there) {
  begun = 0;
  co_resume(spawn(look_up_host, is_there ? "" : NULL));
  loop_until(&begun, 1);
}

static void *with_hosts(void *nothing) {
  enter_own_namespaces();
  replace_file("/etc/hosts", "127.0.0.9 only.there\n");
  looks_up_host(1);
  return nothing;
}

TEST(files_of_the_threads_own_are_those_that_others_read) {
  enter_directory();
  looks_up_host(0);
  elsewhere(with_hosts, NULL);
  looks_up_host(0);
  remove_directory();
}

/* ---- each job with a helper of its own ------------------------------------------------------------- */

static void *open_to_read(void *nothing) {
  open_expected((void *)O_RDONLY);
  return nothing;
}

static void *open_other_ends(void *nothing) {
  for (int i = 0; i < MANY; i++) CHECK(open("fifo", O_RDWR) >= 0);
  return nothing;
}

TEST(many_calls_wait_at_once_with_a_helper_each) {
  enter_directory();
  NEED(mkfifo("fifo", 0600) == 0);
  NEED(unshare(CLONE_FS) == 0);
  all_at_once(open_to_read, open_other_ends);
  for (int i = 0; i < 2000 && threads_in_call(SYS_openat) > 0; i++) loop_for(1);
  CHECK_IS(threads_in_call(SYS_openat), 0);
  remove_directory();
}

TEST(a_helper_of_a_released_coroutine_ends) {
  enter_directory();
  NEED(mkfifo("fifo", 0600) == 0);
  NEED(unshare(CLONE_FS) == 0);
  for (int i = 0; i < MANY; i++) {
    stCoRoutine_t *co = start(open_expected, O_RDONLY);
    if (i % 2) loop_for(5);
    co_release(co);
  }
  for (int i = 0; i < 2000 && threads_in_call(SYS_openat) > 0; i++) loop_for(1);
  CHECK_IS(threads_in_call(SYS_openat), 0);
  CHECK_IS(finished, 0);
  remove_directory();
}

TEST(a_child_of_fork_opens_with_a_helper_of_its_own) {
  int status;
  enter_directory();
  NEED(mkfifo("fifo", 0600) == 0);
  NEED(unshare(CLONE_FS) == 0);
  start(open_expected, O_RDONLY);
  for (int i = 0; i < 2000 && threads_in_call(SYS_openat) == 0; i++) loop_for(1);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    for (int i = 0; i < 2000 && threads_in_call(SYS_openat) == 0; i++) loop_for(1);
    open_other_end(NULL);
    _exit(check_failures);
  }
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  open_other_end(NULL);
  CHECK_IS(finished, 1);
  remove_directory();
}

static void *look_up_in_vain(void *nothing) {
  struct rlimit none, before;
  struct passwd entry, *found;
  char room[1000];
  co_enable_hook_sys();
  NEED(getrlimit(RLIMIT_AS, &before) == 0);
  none = before;
  none.rlim_cur = 1;
  NEED(setrlimit(RLIMIT_AS, &none) == 0);
  int error = getpwnam_r("root", &entry, room, sizeof room, &found);
  NEED(setrlimit(RLIMIT_AS, &before) == 0);
  CHECK(error == EAGAIN || error == ENOMEM);
  CHECK_IS(getpwnam_r("root", &entry, room, sizeof room, &found), 0);
  CHECK(found == &entry && entry.pw_uid == 0);
  finished++;
  return nothing;
}

TEST(without_memory_for_a_helper_of_its_own_a_call_says_so) {
  made_before();
  NEED(unshare(CLONE_FS) == 0);
  co_resume(spawn(look_up_in_vain, NULL));
  loop_until(&finished, 1);
}

RUN_TESTS
