// State Threads: its threads, sleeps, conditions and descriptors. Debian builds it with select and poll; select ends at 1,023.
#include <st.h>
#define TASKS_READ
#define TASKS_YIELD
typedef st_cond_t task_cond_t;
struct st_task {
    void (*body)(void *);
    void *argument;
};
static void *task_entry(void *task) {
    struct st_task mine = *(struct st_task *)task;
    free(task);
    mine.body(mine.argument);
    return NULL;
}
static st_thread_t task_make(void (*body)(void *), void *argument, int joinable) {
    struct st_task *task = (struct st_task *)malloc(sizeof *task);
    task->body = body, task->argument = argument;
    return st_thread_create(task_entry, task, joinable, 64 * 1024);
}
static int task_spawn(void (*body)(void *), void *argument) { return task_make(body, argument, 0) ? 0 : -1; }
static inline void task_once(void (*body)(void *)) { st_thread_join(task_make(body, NULL, 1), NULL); }
static inline void task_yield(void) { st_sleep(0); }
static inline void task_sleep(long us) { st_usleep(us); }
static inline long task_read(int fd, void *buffer, size_t size) {
    return st_read(st_netfd_open(fd), buffer, size, ST_UTIME_NO_TIMEOUT);
}
static inline void task_cond_init(task_cond_t *cond) { *cond = st_cond_new(); }
static inline void task_cond_signal(task_cond_t *cond) { st_cond_signal(*cond); }
static inline void task_cond_wait(task_cond_t *cond) { st_cond_wait(*cond); }
static void tasks_begin(void) {
    st_set_eventsys(ST_EVENTSYS_POLL);
    if (st_init()) give_up("st_init: %s", strerror(errno));
}
static void tasks_run(void) { st_thread_exit(NULL); }
