// I/O time-outs: two coroutines hand a byte to and fro over each of N pairs of sockets, `without` or `with` SO_RCVTIMEO of a minute.
#include "bench.h"
#include <co_routine.h>
#include <sys/socket.h>
#include <sys/time.h>

static double end, start, hand_overs;
static void *partner(void *socket) {
    int fd = (int)(long)socket;
    char byte = 0;
    co_enable_hook_sys();
    while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1) continue;
    return NULL;
}
static void *leader(void *socket) {
    int fd = (int)(long)socket;
    char byte = 0;
    co_enable_hook_sys();
    for (long i = 1;; i++) {
        if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) give_up("no answer: %s", strerror(errno));
        hand_overs += 2;
        if (i % 64 == 0 && cpu_ns() > end) {
            figure("ns", (cpu_ns() - start) / hand_overs);
            finish();
        }
    }
    return NULL;
}
int main(int argc, char **argv) {
    if (argc < 3) give_up("usage: timeouts with|without PAIRS");
    struct timeval minute = {60, 0};
    stCoRoutine_t *made;
    pin(0);
    start = cpu_ns(), end = start + budget_ns();
    for (long k = atol(argv[2]); k-- > 0;) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) give_up("socketpair: %s", strerror(errno));
        for (int i = 2; i-- > 0;) {
            if (!strcmp(argv[1], "with")) setsockopt(pair[i], SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
            co_create(&made, NULL, i ? partner : leader, (void *)(long)pair[i]);
            co_resume(made);
        }
    }
    co_eventloop(co_get_epoll_ct(), NULL, NULL);
}
