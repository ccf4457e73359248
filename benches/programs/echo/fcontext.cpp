// Echo by the least that a coroutine with a stack of its own can be: the raw edge-triggered loop, where each connection is a context of
// Boost's that the loop resumes. Nobody asks for time-outs or flags, nothing is looked up by descriptor, no signal ends a wait.
#include "echo.h"
#include "../contexts/fcontext.h"
#include <sys/epoll.h>

static int accepted;

static void connection() {
    int peer = accepted;
    char message[BUFFER];
    for (;;) {
        context_yield();
        ssize_t got;
        do {
            got = recv(peer, message, BUFFER, 0);
            if (got == 0 || (got < 0 && errno != EAGAIN) || (got > 0 && send(peer, message, got, MSG_NOSIGNAL) != got)) {
                close(peer);
                return;
            }
        } while (got == BUFFER);
    }
}

int main() {
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}}, events[256];
    fcntl(LISTENER, F_SETFL, O_NONBLOCK);
    epoll_ctl(epoll, EPOLL_CTL_ADD, LISTENER, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                context_resume((context_t)events[i].data.ptr);
            } else if ((accepted = accept4(LISTENER, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                context_t made;
                if (context_create(&made, connection)) abort();
                context_resume(made);
                event.events = EPOLLIN | EPOLLRDHUP | EPOLLET, event.data.ptr = made;
                epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
            }
        }
    }
}
