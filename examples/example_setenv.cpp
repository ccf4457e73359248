/*
 * Environment variables that each coroutine has for itself: a CGI program's QUERY_STRING, one for each
 * request. A name that is not listed stays the process's.
 *
 * Usage: example_setenv [MILLISECONDS]     (time between setting and asking; default 500)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static const char *g_listed[] = {"QUERY_STRING", "REMOTE_USER"};
static const int g_requests = 3;
static int g_interval_ms = 500;

struct request_t {
    int id;
    stCoRoutine_t *co;
};

static void *answer_request(void *args)
{
    co_enable_hook_sys();
    request_t *request = (request_t *)args;

    char value[32];
    snprintf(value, sizeof(value), "id=%d", request->id);
    setenv("QUERY_STRING", value, 1);
    poll(NULL, 0, g_interval_ms); /* the others set theirs meanwhile */

    const char *user = getenv("REMOTE_USER");
    printf("routine %d: QUERY_STRING %s, REMOTE_USER %s\n", request->id, getenv("QUERY_STRING"), user ? user : "(unset)");
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
        g_interval_ms = atoi(argv[1]);
    }
    setenv("QUERY_STRING", "process", 1);
    co_set_env_list(g_listed, sizeof(g_listed) / sizeof(g_listed[0]));

    request_t requests[g_requests];
    for (int i = 0; i < g_requests; i++) {
        requests[i].id = i;
        co_create(&requests[i].co, NULL, answer_request, &requests[i]);
        co_resume(requests[i].co);
    }
    co_eventloop(co_get_epoll_ct(), stop_when_done, requests);

    printf("process: QUERY_STRING %s\n", getenv("QUERY_STRING"));
    for (int i = 0; i < g_requests; i++) {
        co_release(requests[i].co);
    }
    return 0;
}
