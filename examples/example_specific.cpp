/*
 * A global name with one value for each coroutine: ten coroutines keep their number in it over waits.
 *
 * Usage: example_specific [ROUNDS [MILLISECONDS]]     (default: for ever, one a second)
 */
#include "co_routine.h"
#include "co_routine_inner.h"
#include "co_routine_specific.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct worker_t {
    stCoRoutine_t *co;
    int number;
};

struct state_t {
    int number;
    int rounds;
};

CO_ROUTINE_SPECIFIC(state_t, g_state);

static const int g_workers = 10;
static int g_rounds = 0;
static int g_interval_ms = 1000;

static void *work(void *args)
{
    co_enable_hook_sys();
    worker_t *worker = (worker_t *)args;
    g_state->number = worker->number;
    while (g_rounds == 0 || g_state->rounds < g_rounds) {
        printf("routine %d: specific %d, round %d\n", worker->number, g_state->number, g_state->rounds);
        g_state->rounds++;
        poll(NULL, 0, g_interval_ms);
    }
    return NULL;
}

static int stop_when_done(void *args)
{
    worker_t *all = (worker_t *)args;
    for (int i = 0; i < g_workers; i++) {
        if (!all[i].co->cEnd) {
            return 0;
        }
    }
    return -1;
}

int main(int argc, char *argv[])
{
    if (argc > 1) {
        g_rounds = atoi(argv[1]);
    }
    if (argc > 2) {
        g_interval_ms = atoi(argv[2]);
    }

    worker_t workers[g_workers];
    for (int i = 0; i < g_workers; i++) {
        workers[i].number = i;
        co_create(&workers[i].co, NULL, work, &workers[i]);
        co_resume(workers[i].co);
    }
    co_eventloop(co_get_epoll_ct(), stop_when_done, workers);

    for (int i = 0; i < g_workers; i++) {
        co_release(workers[i].co);
    }
    return 0;
}
