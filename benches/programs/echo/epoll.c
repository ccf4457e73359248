// Echo by a raw epoll loop: edge-triggered (reads until there is nothing left, as it must), or level-triggered with `level`.
#include "echo.h"
#include <sys/epoll.h>

int main(int argc, char **argv) {
    int level = argc > 1 && !strcmp(argv[1], "level"), epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.fd = LISTENER}}, events[256];
    fcntl(LISTENER, F_SETFL, O_NONBLOCK);
    epoll_ctl(epoll, EPOLL_CTL_ADD, LISTENER, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == LISTENER) {
                int peer = accept4(LISTENER, NULL, NULL, SOCK_NONBLOCK);
                if (peer < 0) continue;
                event.events = EPOLLIN | EPOLLRDHUP | (level ? 0 : EPOLLET), event.data.fd = peer;
                epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &event);
                continue;
            }
            for (;;) {
                char message[MESSAGE];
                ssize_t got = recv(fd, message, MESSAGE, 0);
                if (got > 0 && send(fd, message, got, MSG_NOSIGNAL) == got && !level) continue;
                if (got == 0 || (got < 0 && errno != EAGAIN)) close(fd);
                break;
            }
        }
    }
}
