/*
 * Several threads, each with a loop and coroutines of its own. A coroutine never leaves the thread
 * that made it.
 *
 * Usage: example_thread [THREADS [ROUNDS [MILLISECONDS]]]     (default: 2 threads, for ever, one a second)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <vector>

using namespace std;

static int g_rounds = 0;
static int g_interval_ms = 1000;

struct thread_t {
    pthread_t id;
    int number;
    bool moved;
    stCoRoutine_t *co;
};

static void *count_rounds(void *args)
{
    co_enable_hook_sys();
    thread_t *thread = (thread_t *)args;
    for (int round = 0; g_rounds == 0 || round < g_rounds; round++) {
        printf("thread %d: round %d\n", thread->number, round);
        thread->moved = thread->moved || !pthread_equal(thread->id, pthread_self());
        poll(NULL, 0, g_interval_ms);
    }
    return NULL;
}

static int stop_when_done(void *args)
{
    thread_t *thread = (thread_t *)args;
    return thread->co->cEnd ? -1 : 0;
}

static void *run_loop(void *args)
{
    thread_t *thread = (thread_t *)args;
    thread->id = pthread_self();
    co_create(&thread->co, NULL, count_rounds, thread);
    co_resume(thread->co);
    co_eventloop(co_get_epoll_ct(), stop_when_done, thread);
    co_release(thread->co);
    printf("thread %d: done, its coroutine %s\n", thread->number, thread->moved ? "moved" : "stayed");
    return NULL;
}

int main(int argc, char *argv[])
{
    int count = argc > 1 ? atoi(argv[1]) : 2;
    if (argc > 2) {
        g_rounds = atoi(argv[2]);
    }
    if (argc > 3) {
        g_interval_ms = atoi(argv[3]);
    }

    vector<thread_t> threads(count);
    vector<pthread_t> ids(count);
    for (int i = 0; i < count; i++) {
        threads[i].number = i;
        pthread_create(&ids[i], NULL, run_loop, &threads[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(ids[i], NULL);
    }
    return 0;
}
