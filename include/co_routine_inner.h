/*
 * co_routine_inner.h - what lies a step below co_routine.h: the visible part of a coroutine, and a thread's
 * environment.
 *
 * Most programs include this header for one thing: to ask `co->cEnd` whether a coroutine's body has returned.
 */
#ifndef CO_ROUTINE_INNER_H
#define CO_ROUTINE_INNER_H

#include "co_routine.h"
#if defined(__x86_64__) && !defined(__ILP32__)
#include "coctx.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The first bytes of every coroutine, to be read through a pointer from co_create() or co_self(). This is a
 * prefix only: the object goes on behind it. Never allocate one, copy one, take its size or write to it. The
 * bytes belong to the coroutine's thread; another thread that reads them gets no defined answer.
 */
struct stCoRoutine_t {
  char cStart;         /* 1 once the coroutine has been resumed for the first time (since co_create or co_reset) */
  char cEnd;           /* 1 once its body has returned: resuming it again needs co_reset() */
  char cIsMain;        /* 1 for what a thread runs outside of all coroutines */
  char cEnableSysHook; /* 1 while its blocking calls are replaced by parking ones: see co_enable_hook_sys() */
  char cIsShareStack;  /* 1 if it was made with a shared stack */
#if defined(__cplusplus) && __cplusplus >= 201103L
  stCoRoutine_t() = delete;
  stCoRoutine_t(const stCoRoutine_t &) = delete;
  stCoRoutine_t &operator=(const stCoRoutine_t &) = delete;
#endif
};

/* What a thread has of its own: its call stack of coroutines and its event loop. Opaque. */
typedef struct stCoRoutineEnv_t stCoRoutineEnv_t;

/*
 * Gives the calling thread its environment. co_create() and co_get_epoll_ct() do so themselves when it is
 * missing, so a program needs this only to have co_self() answer before either. Calling it again changes
 * nothing.
 */
void co_init_curr_thread_env(void);

/*
 * The calling thread's environment, or NULL as long as it has none. It is freed when its thread ends.
 */
stCoRoutineEnv_t *co_get_curr_thread_env(void);

/*
 * The same as co_release().
 */
void co_free(stCoRoutine_t *co);

/*
 * Gives control back to whoever resumed the running coroutine: the same as co_yield_ct(). Only the calling
 * thread's own environment may be passed. Nothing happens outside of coroutines.
 */
void co_yield_env(stCoRoutineEnv_t *env);

/*
 * The coroutine that runs in the calling thread. Outside of all coroutines it is the thread's own entry
 * (whose cIsMain is 1), or NULL as long as the thread has no environment. The same as co_self().
 */
stCoRoutine_t *GetCurrThreadCo(void);

#ifdef __cplusplus
}
#endif

#endif /* CO_ROUTINE_INNER_H */
