// Plain threads on one CPU: what a program without coroutines does. A yield hands over to the next thread of a ring.
#include <pthread.h>
#include <semaphore.h>
#define TASKS_READ
#define TASKS_YIELD
struct task_cond_t {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int set;
};
struct thread_task {
    void (*body)(void *);
    void *argument;
    sem_t turn;
    struct thread_task *next;
};
static struct thread_task *ring_first, *ring_last;
static __thread struct thread_task *ring_self;
static void *task_entry(void *task) {
    ring_self = (struct thread_task *)task;
    ring_self->body(ring_self->argument);
    return NULL;
}
static int task_start(pthread_t *thread, void *(*entry)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    errno = pthread_create(thread, &attributes, entry, argument);
    pthread_attr_destroy(&attributes);
    return errno ? -1 : 0;
}
static int task_spawn(void (*body)(void *), void *argument) {
    struct thread_task *task = (struct thread_task *)calloc(1, sizeof *task);
    pthread_t thread;
    task->body = body, task->argument = argument, task->next = ring_first;
    sem_init(&task->turn, 0, 0);
    if (ring_last) ring_last->next = task;
    else ring_first = task->next = task;
    ring_last = task;
    return task_start(&thread, task_entry, task);
}
static void *task_entry_once(void *body) {
    ((void (*)(void *))body)(NULL);
    return NULL;
}
static inline void task_once(void (*body)(void *)) {
    pthread_t thread;
    if (task_start(&thread, task_entry_once, (void *)body)) give_up("no thread: %s", strerror(errno));
    pthread_join(thread, NULL);
}
static inline void task_yield(void) {
    sem_post(&ring_self->next->turn);
    sem_wait(&ring_self->turn);
}
static inline void task_sleep(long us) {
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}
static inline long task_read(int fd, void *buffer, size_t size) { return read(fd, buffer, size); }
static inline void task_cond_init(task_cond_t *c) {
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->cond, NULL);
    c->set = 0;
}
static inline void task_cond_signal(task_cond_t *c) {
    pthread_mutex_lock(&c->mutex);
    c->set = 1;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->mutex);
}
static inline void task_cond_wait(task_cond_t *c) {
    pthread_mutex_lock(&c->mutex);
    while (!c->set) pthread_cond_wait(&c->cond, &c->mutex);
    c->set = 0;
    pthread_mutex_unlock(&c->mutex);
}
static void tasks_begin(void) {}
static void tasks_run(void) {
    for (;;) pause();
}
