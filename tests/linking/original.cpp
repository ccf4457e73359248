/* Stands for the original libcolib.so at the time the program was linked: the names, and a failure behind each. */
#include "mangled.h"

int co_create(stCoRoutine_t **, const stCoRoutineAttr_t *, void *(*)(void *), void *) { abort(); }
void co_resume(stCoRoutine_t *) { abort(); }
void co_yield(stCoRoutine_t *) { abort(); }
void co_yield_ct() { abort(); }
void co_release(stCoRoutine_t *) { abort(); }
void co_reset(stCoRoutine_t *) { abort(); }
void co_free(stCoRoutine_t *) { abort(); }
stCoRoutine_t *co_self() { abort(); }
int co_poll(stCoEpoll_t *, struct pollfd[], nfds_t, int) { abort(); }
void co_eventloop(stCoEpoll_t *, pfn_co_eventloop_t, void *) { abort(); }
stCoEpoll_t *co_get_epoll_ct() { abort(); }
int co_setspecific(pthread_key_t, const void *) { abort(); }
void *co_getspecific(pthread_key_t) { abort(); }
void co_enable_hook_sys() { abort(); }
void co_disable_hook_sys() { abort(); }
bool co_is_enable_sys_hook() { abort(); }
stCoCond_t *co_cond_alloc() { abort(); }
int co_cond_free(stCoCond_t *) { abort(); }
int co_cond_signal(stCoCond_t *) { abort(); }
int co_cond_broadcast(stCoCond_t *) { abort(); }
int co_cond_timedwait(stCoCond_t *, int) { abort(); }
stShareStack_t *co_alloc_sharestack(int, int) { abort(); }
void co_set_env_list(const char *[], size_t) { abort(); }
void co_log_err(const char *, ...) { abort(); }
int co_accept(int, struct sockaddr *, socklen_t *) { abort(); }
struct hostent *co_gethostbyname(const char *) { abort(); }
int co_gethostbyname_r(const char *, struct hostent *, char *, size_t, struct hostent **, int *) { abort(); }
void co_init_curr_thread_env() { abort(); }
stCoRoutineEnv_t *co_get_curr_thread_env() { abort(); }
void co_yield_env(stCoRoutineEnv_t *) { abort(); }
stCoRoutine_t *GetCurrThreadCo() { abort(); }
int coctx_init(coctx_t *) { abort(); }
int coctx_make(coctx_t *, coctx_pfn_t, const void *, const void *) { abort(); }
extern "C" void coctx_swap(coctx_t *, coctx_t *) { abort(); }
