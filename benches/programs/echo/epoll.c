// Echo by a raw epoll loop: edge-triggered (reads on while the buffer comes back full, as it must), or level-triggered with `level`.
// With `greedy` (level-triggered), a pair of sockets on which a message goes to and fro without end is served beside the connections.
#include "echo.h"
#include <sys/epoll.h>

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "edge";
    int greedy = !strcmp(mode, "greedy"), level = greedy || !strcmp(mode, "level"), epoll = epoll_create1(0);
    int listener = open_listener(argv[argc - 1]);
    struct epoll_event event = {EPOLLIN, {.fd = listener}}, events[256];
    fcntl(listener, F_SETFL, O_NONBLOCK);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (int i = 0, pair[2]; greedy && i < 2; i++) {
        if (i == 0 && (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || send(pair[0], "", 1, 0) != 1)) abort();
        event.data.fd = pair[i];
        epoll_ctl(epoll, EPOLL_CTL_ADD, pair[i], &event);
    }
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (peer < 0) continue;
                event.events = EPOLLIN | EPOLLRDHUP | (level ? 0 : EPOLLET), event.data.fd = peer;
                epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &event);
                continue;
            }
            for (;;) {
                char message[BUFFER];
                ssize_t got = recv(fd, message, BUFFER, 0);
                if (got > 0 && send(fd, message, got, MSG_NOSIGNAL) == got && got == BUFFER && !level) continue;
                if (got == 0 || (got < 0 && errno != EAGAIN)) close(fd);
                break;
            }
        }
    }
}
