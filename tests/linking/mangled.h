/* libco's functions as a C++ program of the original declares them: C++ names, C++ linkage. */
#ifndef LINKING_MANGLED_H
#define LINKING_MANGLED_H
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

struct stCoRoutine_t;
struct stCoEpoll_t;
struct stCoCond_t;
struct stCoRoutineEnv_t;
struct stShareStack_t;

struct stCoRoutineAttr_t {
  int stack_size;
  stShareStack_t *share_stack;
  stCoRoutineAttr_t() : stack_size(128 * 1024), share_stack(NULL) {}
} __attribute__((packed));

typedef void *(*pfn_co_routine_t)(void *);
typedef int (*pfn_co_eventloop_t)(void *);

int co_create(stCoRoutine_t **co, const stCoRoutineAttr_t *attr, void *(*routine)(void *), void *arg);
void co_resume(stCoRoutine_t *co);
void co_yield(stCoRoutine_t *co);
void co_yield_ct();
void co_release(stCoRoutine_t *co);
void co_reset(stCoRoutine_t *co);
void co_free(stCoRoutine_t *co);
stCoRoutine_t *co_self();
int co_poll(stCoEpoll_t *ctx, struct pollfd fds[], nfds_t nfds, int timeout_ms);
void co_eventloop(stCoEpoll_t *ctx, pfn_co_eventloop_t pfn, void *arg);
stCoEpoll_t *co_get_epoll_ct();
int co_setspecific(pthread_key_t key, const void *value);
void *co_getspecific(pthread_key_t key);
void co_enable_hook_sys();
void co_disable_hook_sys();
bool co_is_enable_sys_hook();
stCoCond_t *co_cond_alloc();
int co_cond_free(stCoCond_t *cond);
int co_cond_signal(stCoCond_t *cond);
int co_cond_broadcast(stCoCond_t *cond);
int co_cond_timedwait(stCoCond_t *cond, int ms);
stShareStack_t *co_alloc_sharestack(int count, int stack_size);
void co_set_env_list(const char *name[], size_t cnt);
void co_log_err(const char *fmt, ...);
int co_accept(int fd, struct sockaddr *addr, socklen_t *len);
struct hostent *co_gethostbyname(const char *name);
int co_gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t buflen, struct hostent **result,
                       int *h_errnop);
void co_init_curr_thread_env();
stCoRoutineEnv_t *co_get_curr_thread_env();
void co_yield_env(stCoRoutineEnv_t *env);
stCoRoutine_t *GetCurrThreadCo();

struct coctx_t {
  void *regs[14];
  size_t ss_size;
  char *ss_sp;
};
typedef void *(*coctx_pfn_t)(void *s, void *s2);
int coctx_init(coctx_t *ctx);
int coctx_make(coctx_t *ctx, coctx_pfn_t pfn, const void *s, const void *s1);
/* libco names its assembly function without mangling. */
extern "C" {
void coctx_swap(coctx_t *, coctx_t *);
}
#endif
