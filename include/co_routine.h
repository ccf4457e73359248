/*
 * colib: stackful coroutines for Linux. Generated from src/capi by `make header`; do not edit.
 *
 * A coroutine belongs to the thread that made it. Unless a function says otherwise, it may be called from
 * any thread, inside a coroutine or outside, and concerns the calling thread's coroutines only. None may be
 * called in a signal handler.
 */

#ifndef CO_ROUTINE_H
#define CO_ROUTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif
/**
 * Writes a message to standard error, formatted as by printf(3), with one system call; at most 1,023 bytes.
 */
void co_log_err(const char *fmt, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;

struct stCoRoutine_t;
#if !defined(__cplusplus) || (__cplusplus < 202002L && !defined(__cpp_impl_coroutine))
#if defined(__cplusplus) && defined(__GNUC__) && __GNUC__ >= 10
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wc++20-compat"
#endif
/**
 * co_yield_ct under another name; the argument is ignored. A keyword of C++20, hence not declared there.
 */
void co_yield(struct stCoRoutine_t *co);
#if defined(__cplusplus) && defined(__GNUC__) && __GNUC__ >= 10
#pragma GCC diagnostic pop
#endif
#endif
#ifdef __cplusplus
}
#endif

/**
 * A condition: a queue of coroutines that wait to be signalled.
 */
typedef struct stCoCond_t stCoCond_t;

/**
 * The event loop of a thread. Every function that takes one uses the calling thread's, whatever it is given.
 */
typedef struct stCoEpoll_t stCoEpoll_t;

/**
 * A coroutine. Opaque here; co_routine_inner.h shows the few members that programs read.
 */
typedef struct stCoRoutine_t stCoRoutine_t;

/**
 * Stacks that several coroutines use in turn; what is live of a waiting coroutine's is kept aside.
 */
typedef struct stShareStack_t stShareStack_t;

/**
 * What a new coroutine runs on. The C++ constructor sets the defaults; in C, zero-initialise it.
 */
typedef struct __attribute__((packed)) stCoRoutineAttr_t {
  /**
   * Bytes of stack: rounded up to whole pages of 4 KiB, at most 8 MiB; 128 KiB when not positive.
   * Ignored when share_stack is set.
   */
  int stack_size;
  /**
   * Stacks to share with other coroutines of the same thread, or NULL for a stack of its own.
   */
  struct stShareStack_t *share_stack;
#ifdef __cplusplus
  stCoRoutineAttr_t() : stack_size(128 * 1024), share_stack(NULL) {}
#endif
} stCoRoutineAttr_t;

/**
 * The body of a coroutine. Its result is ignored.
 */
typedef void *(*pfn_co_routine_t)(void*);

/**
 * Called by co_eventloop on each turn; -1 ends the loop.
 */
typedef int (*pfn_co_eventloop_t)(void*);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a coroutine of the calling thread. It runs when it is first resumed, in that thread only.
 *
 * co: where to store it; set to NULL on failure. attr: its stack, or NULL for 128 KiB of its own.
 * routine, arg: its body and the body's argument.
 *
 * Returns 0, or -1 with errno ENOMEM (no memory for the stack), EINVAL (co or routine is NULL, or the
 * shared stacks serve another thread's coroutines).
 *
 * The coroutine starts with hooks off (co_enable_hook_sys), errno 0 and the floating point control words
 * of the caller. It must be released with co_release, also after its body has returned.
 */
int co_create(struct stCoRoutine_t **co,
              const struct stCoRoutineAttr_t *attr,
              pfn_co_routine_t routine,
              void *arg);

/**
 * Runs a coroutine until it yields, waits or ends; then returns.
 *
 * Of a coroutine that waits: a wait in co_poll, poll, ppoll or co_cond_timedwait ends as a time-out does;
 * any other blocking call looks again and goes back to waiting, which returns control here.
 *
 * Does nothing to a coroutine whose body has returned. One that is running or has resumed the caller, that
 * belongs to another thread, or NULL, is reported to the log and not resumed. Calls may nest to any depth.
 */
void co_resume(struct stCoRoutine_t *co);

/**
 * Gives control back to whoever resumed the running coroutine, until somebody resumes it again. Nothing
 * happens outside any coroutine.
 */
void co_yield_ct(void);

/**
 * Frees a coroutine in any state. What it waits for forgets it; destructors of its values run
 * (co_setspecific); C++ objects on its stack are not destroyed.
 *
 * A running coroutine is freed when it next yields, waits or ends; another thread's in that thread's next
 * turn of the loop. NULL is ignored. A coroutine must not be used after.
 */
void co_release(struct stCoRoutine_t *co);

/**
 * Lets a coroutine begin its body anew at the next resume, whether it has ended or not. What it waits for
 * forgets it. Values whose keys have destructors are destroyed; other values, and its environment variables,
 * stay until it is released, as in libco. One that is running, another thread's, or NULL, is left as it is
 * and reported to the log.
 */
void co_reset(struct stCoRoutine_t *co);

/**
 * Gives a coroutine that has not begun thread-local storage of its own: the variables that C declares _Thread_local and
 * C++ thread_local, the values of pthread_setspecific, and what libc keeps for each thread. They begin as in a new thread,
 * and pthread_self differs. For code that leaves there what belongs to one call and waits in the middle of it, as
 * gRPC, Abseil's locks, TBB and GIO do: without, the next coroutine of the thread finds it.
 *
 * When the body has returned, destructors of the variables and values run in the coroutine; otherwise co_release
 * or co_reset runs them, with hooks off, and they must not resume or yield. co_reset takes the storage away.
 *
 * It takes some KiB, as the program's and its libraries' variables need, and a resume and a yield of such a coroutine
 * some 20 ns more.
 *
 * The kernel's thread stays the one on which the coroutine runs: gettid, signals and their masks, CPU affinity.
 * pthread_exit ends that thread, pthread_cancel cancels it. A mutex with priority inheritance must not be locked in
 * such a coroutine: the kernel does not know its owner.
 *
 * Returns 0, also when it has it already, or -1 with errno EBUSY (it has begun), EINVAL (NULL, another thread's,
 * or the one that stands for the thread), ENOMEM, or ENOTSUP: where threads could not be coroutines (README: a known glibc
 * on a CPU and kernel with FSGSBASE, no memory checker) or are, in static programs, and in a child of fork that a thread
 * other than the process's first made.
 */
int co_own_thread_locals(struct stCoRoutine_t *co);

/**
 * The running coroutine. Outside any: the one that stands for the thread, or NULL when the thread has made
 * no coroutine yet.
 */
struct stCoRoutine_t *co_self(void);

/**
 * Makes count stacks of stack_size bytes (rounded up to whole pages, at most 8 MiB; 128 KiB when not
 * positive) for any number of coroutines of one thread. Coroutines are dealt to the stacks in turn. While
 * another coroutine of the same stack runs, the live bytes of a waiting one are kept aside; so nothing but
 * the coroutine itself may use addresses of its stack while it waits. The hooks never do.
 *
 * Returns NULL with errno ENOMEM, or EINVAL when count is not positive.
 */
struct stShareStack_t *co_alloc_sharestack(int count, int stack_size);

/**
 * Frees shared stacks.
 *
 * Returns 0, or -1 with errno EBUSY when a coroutine that uses them was not released yet. NULL is ignored. Call
 * it on the thread whose coroutines use them.
 */
int co_free_sharestack(struct stShareStack_t *stacks);

/**
 * The calling thread's event loop; made when there is none yet. Never NULL. It lives as long as its thread.
 */
struct stCoEpoll_t *co_get_epoll_ct(void);

/**
 * Runs the calling thread's coroutines as what they wait for comes: descriptors, time, signals of
 * conditions, other threads. Sleeps until the next of these; nothing wakes it in between.
 *
 * pfn, when not NULL, is called with arg after each turn, at least about every millisecond, and ends the
 * loop by returning -1. Without it the loop never returns. ctx is ignored.
 *
 * May be called inside a coroutine: the coroutines it runs then yield to that one. The sleep is a
 * cancellation point: a thread in it can be cancelled with pthread_cancel.
 */
void co_eventloop(struct stCoEpoll_t *ctx, pfn_co_eventloop_t pfn, void *arg);

/**
 * poll(2) for coroutines, whether or not hooks are on: the calling coroutine waits, the thread goes on.
 * Outside any coroutine it is poll(2) itself. ctx is ignored.
 *
 * fds, nfds: as for poll(2). timeout_ms: milliseconds; negative waits without end; 0 does not wait.
 *
 * Returns what poll(2) returns: the number of descriptors with something to tell, 0 when the time is up or
 * somebody resumed the coroutine, or -1 with errno EFAULT, EINTR, EINVAL or ENOMEM. A descriptor that is closed
 * while it is waited for is reported as POLLNVAL.
 */
int co_poll(struct stCoEpoll_t *ctx,
            struct pollfd *fds,
            nfds_t nfds,
            int timeout_ms);

/**
 * accept(2) for coroutines, whether or not hooks are on. Outside any coroutine it is accept(2) itself.
 *
 * Returns the descriptor of the connection, or -1 with accept's errno. On a non-blocking listener it does not wait:
 * EAGAIN when there is no connection, as libco's programs expect.
 */
int co_accept(int fd,
              struct sockaddr *addr,
              socklen_t *len);

/**
 * Makes a condition. Coroutines of any thread may wait for it. Returns NULL with errno ENOMEM without memory.
 */
struct stCoCond_t *co_cond_alloc(void);

/**
 * Frees a condition.
 *
 * Returns 0, or -1 with errno EBUSY when a coroutine still waits for it; then it is not freed. NULL is
 * ignored.
 */
int co_cond_free(struct stCoCond_t *cond);

/**
 * Wakes the coroutine that has waited longest, if any. It runs in its own thread's next turn of the loop,
 * not before this returns. May be called from any thread, in a coroutine or not. Returns 0.
 */
int co_cond_signal(struct stCoCond_t *cond);

/**
 * Wakes every coroutine that waits now, as co_cond_signal does. Returns 0.
 */
int co_cond_broadcast(struct stCoCond_t *cond);

/**
 * Waits until the condition is signalled or timeout_ms milliseconds have passed; without end when
 * timeout_ms is not positive. Waiters are served first come, first served.
 *
 * Returns 0 when signalled; -1 with errno ETIMEDOUT when the time is up or somebody resumed the coroutine;
 * -1 with errno EPERM outside any coroutine.
 */
int co_cond_timedwait(struct stCoCond_t *cond, int timeout_ms);

/**
 * Sets the running coroutine's value of a pthread key. Outside any coroutine it is pthread_setspecific.
 *
 * When the coroutine ends or is released, the key's destructor gets the value, as at a thread's end (a key
 * made before the library was loaded has none here).
 *
 * Returns 0, EINVAL for an invalid key, or ENOMEM; errno is not used, as with pthread_setspecific.
 */
int co_setspecific(pthread_key_t key, const void *value);

/**
 * The running coroutine's value of a pthread key, NULL when it set none. Outside any coroutine it is
 * pthread_getspecific.
 */
void *co_getspecific(pthread_key_t key);

/**
 * Lists the environment variables that belong to each coroutine: in one with hooks on, setenv, putenv and
 * unsetenv of a listed name change the coroutine's own value, and getenv sees the process's until then.
 * Replaces the list of an earlier call, for the whole process; count names are copied, NULL ones skipped. Without
 * memory the list stays as it was.
 */
void co_set_env_list(const char **name,
                     size_t count);

/**
 * Turns hooks on for the running coroutine: from now on its blocking calls let the thread go on. Outside
 * any coroutine it is remembered for co_is_enable_sys_hook, once the thread has made one, and changes nothing else:
 * calls block.
 *
 * A coroutine that co_eventloop resumed and whose calls never have to wait lets the others run now and then, in a
 * call that could wait. One that co_resume went on with does so after some thousand calls in a row: co_resume returns
 * then, as when the coroutine waits. Calls on non-blocking descriptors, and co_poll without time, never do.
 */
void co_enable_hook_sys(void);

/**
 * Turns hooks off for the running coroutine: its calls are libc's own and block the thread.
 */
void co_disable_hook_sys(void);

/**
 * Whether hooks are on for the running coroutine; outside any, what was last asked for there, and false before the
 * thread has made a coroutine.
 */
bool co_is_enable_sys_hook(void);

/**
 * gethostbyname(3) for coroutines, whether or not hooks are on: the look-up runs on a helper thread. The
 * result belongs to the coroutine until its next look-up. Outside any coroutine it is gethostbyname itself.
 *
 * Returns NULL when there is no such host; why not, h_errno tells, which each coroutine with hooks on has for itself.
 */
struct hostent *co_gethostbyname(const char *name);

/**
 * gethostbyname_r(3) for coroutines, whether or not hooks are on: the look-up runs on a helper thread.
 * Outside any coroutine it is gethostbyname_r itself.
 *
 * Returns 0, or an error number, which errno has too: ERANGE when buf is too small. *result is NULL and *h_errnop tells why
 * when there is no such host.
 */
int co_gethostbyname_r(const char *name,
                       struct hostent *ret,
                       char *buf,
                       size_t buflen,
                       struct hostent **result,
                       int *h_errnop);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CO_ROUTINE_H */
