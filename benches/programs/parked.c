// COUNT coroutines that each wait for a descriptor, which a hundred share, and for a time: what it costs to park them, their memory,
// and what it costs to wake one in a hundred.
#include "bench.h"
#include <co_routine.h>
#include <poll.h>
#include <sys/eventfd.h>

enum { GROUP = 100, MOST_GROUPS = 10000 };
static long count, parked, awake, waking;
static int *events;
static double start;

static void *wait_for(void *number) {
    struct pollfd wanted = {events[(long)number / GROUP % MOST_GROUPS], POLLIN, 0};
    USE_STACK();
    parked++;
    int ready = co_poll(co_get_epoll_ct(), &wanted, 1, 3600 * 1000 + (int)(chance() % 3600000));
    if (ready != 1) give_up("a wait ended with %d", ready);
    if (++awake == waking) {
        figure("wake_ns", (cpu_ns() - start) / waking);
        finish();
    }
    return NULL;
}
static int begin(void *unused) {
    (void)unused;
    if (start) return 0;
    start = cpu_ns();
    long groups = count / GROUP < MOST_GROUPS ? count / GROUP : MOST_GROUPS, woken = groups / 100 ? groups / 100 : 1;
    waking = woken * (count / groups);
    for (long i = 0; i < woken; i++)
        if (eventfd_write(events[i * (groups / woken)], 1)) give_up("eventfd_write: %s", strerror(errno));
    return 0;
}
int main(int argc, char **argv) {
    if (argc < 2) give_up("usage: parked COUNT");
    stCoRoutineAttr_t attributes = {16 * 1024, NULL};
    count = atol(argv[1]);
    pin(0);
    events = calloc(MOST_GROUPS, sizeof *events);
    for (long i = 0; i < MOST_GROUPS && i * GROUP < count; i++)
        if ((events[i] = eventfd(0, EFD_NONBLOCK)) < 0) give_up("descriptors end at %ld", i);
    double before = resident(), made_at = cpu_ns();
    for (long i = 0; i < count; i++) {
        stCoRoutine_t *made;
        if (co_create(&made, &attributes, wait_for, (void *)i)) give_up("coroutines end at %ld: %s", i, strerror(errno));
        co_resume(made);
    }
    figure("create_ns", (cpu_ns() - made_at) / count);
    figure("bytes", (resident() - before) / count);
    co_eventloop(co_get_epoll_ct(), begin, NULL);
}
