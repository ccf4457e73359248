/*
 * What a program or a library of it calls before any constructor of another library has run, and after the last
 * destructor. Built as a program (PROGRAM) it does so in .preinit_array and its constructors; built as a library,
 * in a constructor and a destructor. Everything it observes goes to standard error, by write alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef WHO
#define WHO "program"
#endif

static void say(const char *when, const char *what, long value) {
  char line[200];
  int length = snprintf(line, sizeof line, "%s %s: %s %ld\n", WHO, when, what, value);
  if (write(2, line, (size_t)length) != length) abort();
}

static void on_signal(int signal) { (void)signal; }

static void call_everything(const char *when) {
  const char *variable = getenv("EARLY"), *secure = secure_getenv("EARLY");
  say(when, "getenv", variable ? atol(variable) : -1);
  say(when, "secure_getenv", secure ? atol(secure) : -1);
  say(when, "setenv", setenv("EARLY_" WHO, "5", 1) == 0 ? atol(getenv("EARLY_" WHO)) : -1);
  say(when, "unsetenv", unsetenv("EARLY_" WHO));
  static char own[] = "EARLY_OWN=6";
  say(when, "putenv", putenv(own) == 0 ? atol(getenv("EARLY_OWN")) : -1);
  pthread_key_t key;
  say(when, "pthread_key_create", pthread_key_create(&key, NULL));
  say(when, "pthread_setspecific", pthread_setspecific(key, "value"));
  say(when, "pthread_key_delete", pthread_key_delete(key));

  char bytes[4];
  int fd = open("/dev/zero", O_RDONLY), pair[2];
  say(when, "open", fd >= 0);
  say(when, "read", read(fd, bytes, sizeof bytes));
  say(when, "fcntl", fcntl(fd, F_GETFL) & O_ACCMODE);
  int copy = dup(fd);
  say(when, "dup", copy >= 0);
  say(when, "dup2", dup2(fd, copy) == copy);
  say(when, "close", close(fd) | close(copy));
  say(when, "close again", close(fd) == -1 ? errno : 0);
  say(when, "socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  say(when, "send", send(pair[0], "abc", 3, 0));
  struct pollfd wait = {.fd = pair[1], .events = POLLIN};
  say(when, "poll", poll(&wait, 1, 1000));
  say(when, "recv", recv(pair[1], bytes, 3, 0));
  say(when, "shutdown", shutdown(pair[0], SHUT_WR));
  say(when, "end of input", read(pair[1], bytes, 1));
  say(when, "close pair", close(pair[0]) | close(pair[1]));
  say(when, "usleep", usleep(100));
  FILE *file = fopen("/dev/null", "r");
  say(when, "fopen", file ? fgetc(file) : 0);
  if (file) fclose(file);
  struct sigaction action = {.sa_handler = on_signal}, old;
  say(when, "sigaction", sigaction(SIGUSR1, &action, NULL));
  say(when, "sigaction reports", sigaction(SIGUSR1, NULL, &old) | (old.sa_handler != on_signal));
  raise(SIGUSR1);
  signal(SIGUSR1, SIG_DFL);
  jmp_buf there;
  volatile int jumped = 0;
  if (setjmp(there) == 0) {
    jumped = 1;
    longjmp(there, 1);
  }
  say(when, "longjmp", ++jumped);
}

#ifdef PROGRAM
static void preinit(int count, char **arguments, char **environment) {
  (void)count, (void)arguments, (void)environment;
  call_everything("preinit");
}
__attribute__((section(".preinit_array"), used)) static void (*const before)(int, char **, char **) = preinit;

static void at_end(void) { call_everything("atexit"); }

int main(void) {
  atexit(at_end);
  call_everything("main");
  return 0;
}
#endif

__attribute__((constructor)) static void begin(void) { call_everything("constructor"); }
__attribute__((destructor)) static void end(void) { call_everything("destructor"); }
