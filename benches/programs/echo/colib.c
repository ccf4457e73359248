// Echo by blocking reads and writes through the hooks; with the argument `poll`, as libco's programs do: co_poll, then read and write.
// With `greedy`, one more coroutine talks to itself over a pair of sockets, and never has to wait.
#include "echo.h"
#include <co_routine.h>
#include <poll.h>

static int by_poll, accepting;
// Who served a connection that is over. There are never more than connections at once.
static stCoRoutine_t *over[1 << 15];
static long count_over;

static void *connection(void *fd) {
    int peer = (int)(long)fd;
    char message[BUFFER];
    co_enable_hook_sys();
    for (;;) {
        struct pollfd wanted = {peer, POLLIN, 0};
        if (by_poll) co_poll(co_get_epoll_ct(), &wanted, 1, -1);
        ssize_t got = read(peer, message, BUFFER);
        if (got < 0 && errno == EAGAIN) continue;
        if (got <= 0 || write(peer, message, got) != got) break;
    }
    close(peer);
    over[count_over++] = co_self();
    return NULL;
}
static void *greedy(void *unused) {
    char message[MESSAGE] = {0};
    int pair[2];
    co_enable_hook_sys();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) abort();
    while (write(pair[0], message, MESSAGE) > 0 && read(pair[1], message, MESSAGE) > 0) continue;
    return unused;
}
static void *listener(void *unused) {
    co_enable_hook_sys();
    for (;;) {
        stCoRoutineAttr_t attributes = {32 * 1024, NULL};
        stCoRoutine_t *made;
        int peer = accept(accepting, NULL, NULL);
        if (peer < 0) continue;
        while (count_over) co_release(over[--count_over]);
        if (by_poll) fcntl(peer, F_SETFL, O_NONBLOCK);
        if (co_create(&made, &attributes, connection, (void *)(long)peer)) abort();
        co_resume(made);
    }
    return unused;
}
int main(int argc, char **argv) {
    stCoRoutine_t *made;
    by_poll = argc > 1 && !strcmp(argv[1], "poll");
    accepting = open_listener(argv[argc - 1]);
    co_create(&made, NULL, listener, NULL);
    co_resume(made);
    if (argc > 1 && !strcmp(argv[1], "greedy")) {
        co_create(&made, NULL, greedy, NULL);
        co_resume(made);
    }
    co_eventloop(co_get_epoll_ct(), NULL, NULL);
}
