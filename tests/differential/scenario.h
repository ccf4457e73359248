/*
 * scenario.h - blocking programs of a few actors that write down what every call gave.
 *
 * The same source is built twice: with PLAIN, where an actor is a thread and the library is not there, and
 * without, where all actors are coroutines of one thread with hooks on. Both must write the same.
 *
 *     SCENARIO(an_identifier, "a sentence of what happens") { TRACE(close(-1)); }
 *
 * Actors share static data only, never their stacks: the scenarios also run on shared stacks, whose contents
 * are elsewhere while an actor waits. Every scenario runs in a process and a directory of its own.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

typedef void body(void *argument);

void add_scenario(const char *name, const char *sentence, void (*run)(void));

#define SCENARIO(name, sentence)                                    \
  static void name(void);                                           \
  __attribute__((constructor)) static void add_##name(void) {       \
    add_scenario(#name, sentence, name);                            \
  }                                                                 \
  static void name(void)

/* ---- actors ----------------------------------------------------------------------------------------- */

/* Starts another actor. Its transcript stands under its name; the scenario's own is the first. */
void start(const char *name, body *run, void *argument);
/* Waits until all actors but the caller have ended; the scenario's end does it too. */
void join(void);
/* Waits until every other actor waits or has ended. */
void settle(void);
bool has_ended(const char *name);
/* Sends a signal to the actor's thread. */
void signal_actor(const char *name, int signal);

/* A flag to wait for. Static, zeroed. */
struct event {
  bool set;
};
void announce(struct event *event);
void await(struct event *event);

/* ---- the transcript --------------------------------------------------------------------------------- */

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes down a call, its result, and errno: of a failure, or when a success has changed it. */
long traced(const char *call, long result);
#define TRACE(call) traced(#call, (errno = 0, (long)(call)))
/* The same for functions that give the error's number. */
#define TRACE_CODE(call) traced_code(#call, (int)(call))
int traced_code(const char *call, int code);
/* Does a call for whoever does not want it in the transcript: it must succeed. */
#define MUST(call) must(#call, __FILE__, __LINE__, (long)(call))
long must(const char *call, const char *file, int line, long result);
/* Writes down whether a call that must wait did so. */
#define TRACE_WAIT(ms, call)                  \
  do {                                        \
    int64_t before = now_ms();                \
    TRACE(call);                              \
    said_wait(ms, now_ms() - before);         \
  } while (0)
void said_wait(int ms, int64_t took);
int64_t now_ms(void);

const char *error_name(int error);
/* The names of poll's bits, in static memory that four calls share in turn. */
const char *poll_names(int events);
const char *flag_names(int status_flags);
uint64_t checksum(const void *data, size_t length);
/* Fills memory with a pattern that depends on the place and the seed. */
void fill(void *data, size_t length, unsigned seed);

/* ---- pairs of descriptors --------------------------------------------------------------------------- */

enum kind { TCP, UNIX, SEQPACKET, DGRAM, UDP, PIPE, FIFO, PTY, KINDS };
extern const char *const kind_names[KINDS];
static inline bool is_socket(enum kind kind) { return kind <= UDP; }
static inline bool is_stream(enum kind kind) { return kind == TCP || kind == UNIX || kind >= PIPE; }
/* What is written to ends[1] is read from ends[0]; sockets go both ways. A pty is raw. */
void make_pair(enum kind kind, int ends[2]);

/* A TCP listener on a free port of 127.0.0.1, whose address it leaves. */
int listen_tcp(int backlog, struct sockaddr_in *address);
/* A unix listener at a path of the scenario's own directory. */
int listen_unix(int type, int backlog, const char *path, struct sockaddr_un *address);
struct sockaddr_un unix_address(const char *path);
static inline const struct sockaddr *plain(const void *address) { return (const struct sockaddr *)address; }

void set_time_out(int fd, int option, int ms);
/* Sends a reset when the descriptor is closed. */
void reset_on_close(int fd);
void set_nonblocking(int fd, bool on);
/* Counts SIGPIPE instead of dying of it. */
extern volatile sig_atomic_t sigpipes;
void count_sigpipes(void);
/* Reads until `length` bytes, the end or an error; gives the number. */
size_t read_all(int fd, void *data, size_t length);

/* A pointer into no memory, and memory that ends at a page without access. */
extern void *const volatile nowhere;
char *before_a_hole(size_t length);

#endif
