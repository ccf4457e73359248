// Echo by blocking reads and writes through the hooks; with the argument `poll`, as libco's programs do: co_poll, then read and write.
#include "echo.h"
#include <co_routine.h>
#include <poll.h>

static int by_poll;

static void *connection(void *fd) {
    int peer = (int)(long)fd;
    char message[MESSAGE];
    co_enable_hook_sys();
    for (;;) {
        struct pollfd wanted = {peer, POLLIN, 0};
        if (by_poll) co_poll(co_get_epoll_ct(), &wanted, 1, -1);
        ssize_t got = read(peer, message, MESSAGE);
        if (got < 0 && errno == EAGAIN) continue;
        if (got <= 0 || write(peer, message, got) != got) break;
    }
    close(peer);
    return NULL;
}
static void *listener(void *unused) {
    co_enable_hook_sys();
    for (;;) {
        stCoRoutineAttr_t attributes = {32 * 1024, NULL};
        stCoRoutine_t *made;
        int peer = accept(LISTENER, NULL, NULL);
        if (peer < 0) continue;
        if (by_poll) fcntl(peer, F_SETFL, O_NONBLOCK);
        if (co_create(&made, &attributes, connection, (void *)(long)peer)) abort();
        co_resume(made);
    }
    return unused;
}
int main(int argc, char **argv) {
    stCoRoutine_t *made;
    by_poll = argc > 1 && !strcmp(argv[1], "poll");
    co_create(&made, NULL, listener, NULL);
    co_resume(made);
    co_eventloop(co_get_epoll_ct(), NULL, NULL);
}
