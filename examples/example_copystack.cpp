/*
 * Two coroutines that run on one and the same stack: while one waits, its part of the stack is kept
 * elsewhere, so both see the same addresses and neither sees the other's values.
 *
 * Usage: example_copystack [ROUNDS [MILLISECONDS]]     (default: for ever, one a second)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static int g_rounds = 0;
static int g_interval_ms = 1000;

static void *show_address(void *args)
{
    co_enable_hook_sys();
    int *number = (int *)args;
    char text[128];
    for (int round = 0; g_rounds == 0 || round < g_rounds; round++) {
        snprintf(text, sizeof(text), "routine %d round %d stack address %p", *number, round, (void *)text);
        poll(NULL, 0, g_interval_ms);
        printf("%s\n", text); /* written before the wait, while the other used the stack */
    }
    return NULL;
}

static int stop_when_done(void *args)
{
    stCoRoutine_t **co = (stCoRoutine_t **)args;
    return co[0]->cEnd && co[1]->cEnd ? -1 : 0;
}

int main(int argc, char *argv[])
{
    if (argc > 1) {
        g_rounds = atoi(argv[1]);
    }
    if (argc > 2) {
        g_interval_ms = atoi(argv[2]);
    }

    stShareStack_t *stacks = co_alloc_sharestack(1, 1024 * 128);
    stCoRoutineAttr_t attr;
    attr.stack_size = 0;
    attr.share_stack = stacks;

    stCoRoutine_t *co[2];
    int numbers[2];
    for (int i = 0; i < 2; i++) {
        numbers[i] = i;
        co_create(&co[i], &attr, show_address, numbers + i);
        co_resume(co[i]);
    }
    co_eventloop(co_get_epoll_ct(), stop_when_done, co);

    for (int i = 0; i < 2; i++) {
        co_release(co[i]);
    }
    co_free_sharestack(stacks);
    return 0;
}
