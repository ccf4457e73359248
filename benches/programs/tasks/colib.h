// colib: a coroutine a task, blocking calls through the hooks, one event loop without a callback.
#include <co_routine.h>
#define TASKS_READ
typedef stCoCond_t *task_cond_t;
struct colib_task {
    void (*body)(void *);
    void *argument;
};
static void *task_entry(void *task) {
    struct colib_task mine = *(struct colib_task *)task;
    free(task);
    co_enable_hook_sys();
    mine.body(mine.argument);
    return NULL;
}
static int task_spawn(void (*body)(void *), void *argument) {
    stCoRoutine_t *made;
    stCoRoutineAttr_t attributes;
    attributes.stack_size = 64 * 1024;
    struct colib_task *task = (struct colib_task *)malloc(sizeof *task);
    task->body = body, task->argument = argument;
    if (co_create(&made, &attributes, task_entry, task)) return -1;
    co_resume(made);
    return 0;
}
static inline void task_sleep(long us) {
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}
static inline long task_read(int fd, void *buffer, size_t size) { return read(fd, buffer, size); }
static inline void task_cond_init(task_cond_t *cond) { *cond = co_cond_alloc(); }
static inline void task_cond_signal(task_cond_t *cond) { co_cond_signal(*cond); }
static inline void task_cond_wait(task_cond_t *cond) { co_cond_timedwait(*cond, -1); }
static void tasks_begin(void) {}
static void tasks_run(void) { co_eventloop(co_get_epoll_ct(), NULL, NULL); }
