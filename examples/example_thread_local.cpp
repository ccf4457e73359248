/*
 * Code that was written for threads: it keeps the request that it works on in a thread-local variable, and waits in the
 * middle of it. Ten coroutines of one thread call it, each with thread-local variables of its own.
 *
 * Usage: example_thread_local [MILLISECONDS]     (default: 100)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a library that knows nothing of coroutines ---- */

static __thread int current_request = -1;
static int g_wait_ms = 100;

static void ask_a_server()
{
    poll(NULL, 0, g_wait_ms);
}

static int handle(int request)
{
    current_request = request;
    ask_a_server();
    int answered = current_request;
    current_request = -1;
    return answered;
}

/* ---- the program ---- */

static const int g_requests = 10;

struct request_t {
    stCoRoutine_t *co;
    int number;
};

static void *work(void *args)
{
    co_enable_hook_sys();
    request_t *request = (request_t *)args;
    int answered = handle(request->number);
    printf("request %d: answer to %d\n", request->number, answered);
    return NULL;
}

static int stop_when_done(void *args)
{
    request_t *all = (request_t *)args;
    for (int i = 0; i < g_requests; i++) {
        if (!all[i].co->cEnd) {
            return 0;
        }
    }
    return -1;
}

int main(int argc, char *argv[])
{
    if (argc > 1) {
        g_wait_ms = atoi(argv[1]);
    }

    request_t requests[g_requests];
    for (int i = 0; i < g_requests; i++) {
        requests[i].number = i;
        co_create(&requests[i].co, NULL, work, &requests[i]);
        if (co_own_thread_locals(requests[i].co) != 0) {
            perror("co_own_thread_locals"); /* then all would find what the last one left */
            return 1;
        }
        co_resume(requests[i].co);
    }
    co_eventloop(co_get_epoll_ct(), stop_when_done, requests);

    for (int i = 0; i < g_requests; i++) {
        co_release(requests[i].co);
    }
    return 0;
}
