// Look-ups: `numeric` one after another, `localhost` with COUNT in flight; by coroutines or by threads, one a look-up.
#include "bench.h"
#include <co_routine.h>
#include <netdb.h>

static long count, left, most;
static double start;
static int look_up(const char *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int error = getaddrinfo(name, "80", &hints, &found);
    if (!error) freeaddrinfo(found);
    return error;
}
static void numeric(void) {
    double looked = 0;
    start = cpu_ns();
    while (cpu_ns() - start < budget_ns())
        for (int i = 0; i < 1000; i++, looked++)
            if (look_up("127.0.0.1")) give_up("127.0.0.1 is not found");
    figure("ns", (cpu_ns() - start) / looked);
    finish();
}
static void see_threads(void) {
    long now = status_of("/proc/self/status", "Threads");
    if (now > most) most = now;
}
static void end(void) {
    figure("ns", (cpu_ns() - start) / count);
    figure("threads", most - 1);
    finish();
}
static void *one(void *hooks) {
    if (hooks) co_enable_hook_sys();
    if (look_up("localhost")) give_up("localhost is not found");
    if (left % 100 == 0) see_threads();
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED) == 0) end();
    return NULL;
}
static void *numeric_one(void *unused) {
    co_enable_hook_sys();
    numeric();
    return unused;
}
int main(int argc, char **argv) {
    if (argc < 4) give_up("usage: resolver coroutines|threads numeric|localhost COUNT");
    int coroutines = !strcmp(argv[1], "coroutines");
    stCoRoutine_t *made;
    count = left = atol(argv[3]);
    if (!strcmp(argv[2], "numeric")) {
        if (!coroutines) numeric();
        co_create(&made, NULL, numeric_one, NULL);
        co_resume(made);
        co_eventloop(co_get_epoll_ct(), NULL, NULL);
    }
    start = cpu_ns();
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        if (coroutines) {
            if (co_create(&made, NULL, one, &made)) give_up("coroutines end at %ld", i);
            co_resume(made);
        } else if ((errno = pthread_create(&thread, NULL, one, NULL))) {
            give_up("threads end at %ld: %s", i, strerror(errno));
        }
    }
    see_threads();
    if (coroutines) co_eventloop(co_get_epoll_ct(), NULL, NULL);
    for (;;) pause();
}
