/*
 * coctx.h - bare execution contexts: a stack, a function, and a switch from one to another.
 *
 * This is the layer under coroutines, for programs that bring their own scheduler. Nothing here knows of
 * descriptors, time-outs or hooks; a context is not a coroutine, and co_self() does not change by a switch.
 * A coroutine must not be switched away from with these functions: use co_yield_ct() there.
 */
#ifndef CO_CTX_H
#define CO_CTX_H

#include <stddef.h>

#if !defined(__x86_64__) || defined(__ILP32__)
#error "coctx.h: contexts are laid out for 64-bit x86 alone"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The function a context begins with. It is called with the two pointers given to coctx_make().
 * It must never return: there is nothing under it to return to, so the process is aborted with a message.
 * End a context by switching away from it for good. No C++ exception may leave it either.
 */
typedef void *(*coctx_pfn_t)(void *s, void *s2);

/* The two pointers of coctx_pfn_t, for programs that want to keep them together. */
typedef struct coctx_param_t {
  const void *s1;
  const void *s2;
} coctx_param_t;

/*
 * A context. While it does not run, `regs` holds what its next switch needs; programs leave it alone.
 * A context must stay at its address from coctx_make() to its last switch.
 */
typedef struct coctx_t {
  void *regs[14];
  size_t ss_size; /* bytes from ss_sp on, set by the program */
  char *ss_sp;    /* lowest byte of the stack, set by the program */
} coctx_t;

/*
 * Sets every field of `ctx` to zero. That is all a context needs which is only switched away from,
 * such as the thread's own.
 * Returns 0. Any thread may call it, on a context that no other uses meanwhile.
 */
int coctx_init(coctx_t *ctx);

/*
 * Prepares `ctx` so that the first switch to it calls pfn(s, s1) on its stack.
 *
 * The caller has called coctx_init() and then set ss_sp and ss_size to memory it owns, which stays valid as
 * long as the context may run. The top is aligned here: any address and size will do that leave room for what
 * `pfn` and all it calls put on the stack. Nothing guards the stack's end against overflow; a program that
 * wants a guard maps a page without access below ss_sp. The floating-point control words begin as the caller's.
 *
 * Returns 0, or -1 with errno EINVAL if `pfn` or ss_sp is NULL or ss_size is below 256. Any thread may call it,
 * on a context that no other uses meanwhile.
 */
int coctx_make(coctx_t *ctx, coctx_pfn_t pfn, const void *s, const void *s1);

/*
 * Saves the running context in `cur` and goes on in `pending`; returns when something switches to `cur`
 * again.
 *
 * Kept over the switch: all that a function call keeps, which includes the floating-point control words
 * (rounding, exception masks). Not part of a context: the signal mask, errno, and the C++ runtime's list of
 * exceptions being handled. So do not switch out of a catch block to another one's.
 *
 * `pending` must not be running, neither in this thread nor in another. `cur` and `pending` may be the same:
 * nothing happens.
 */
void coctx_swap(coctx_t *cur, coctx_t *pending);

#ifdef __cplusplus
}
#endif

#endif /* CO_CTX_H */
