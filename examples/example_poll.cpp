/*
 * One poll over several connections that are being made: first by the thread itself, which blocks in it, then
 * by ten coroutines, which wait side by side.
 *
 * Usage: example_poll IP PORT [IP PORT]... [-n COROUTINES]     (default 10)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace std;

struct worker_t {
    int id; /* -1: not a coroutine */
    stCoRoutine_t *co;
    vector<struct sockaddr_in> peers;
};

static int begin_to_connect(const struct sockaddr_in &addr)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
    return fd;
}

static void *connect_all(void *arg)
{
    co_enable_hook_sys();
    worker_t *worker = (worker_t *)arg;

    vector<struct pollfd> waits;
    for (size_t i = 0; i < worker->peers.size(); i++) {
        struct pollfd one;
        memset(&one, 0, sizeof(one));
        one.fd = begin_to_connect(worker->peers[i]);
        one.events = POLLOUT | POLLERR | POLLHUP;
        waits.push_back(one);
    }

    int connected = 0, failed = 0;
    while (connected + failed < (int)waits.size()) {
        if (poll(&waits[0], waits.size(), 1000) <= 0) {
            break; /* nothing more within a second */
        }
        for (size_t i = 0; i < waits.size(); i++) {
            if (waits[i].fd < 0 || !waits[i].revents) {
                continue;
            }
            int error = 0;
            socklen_t len = sizeof(error);
            getsockopt(waits[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
            error == 0 ? connected++ : failed++;
            close(waits[i].fd);
            waits[i].fd = -1; /* poll skips it */
        }
    }
    for (size_t i = 0; i < waits.size(); i++) {
        if (waits[i].fd >= 0) {
            close(waits[i].fd);
        }
    }

    if (worker->id < 0) {
        printf("thread: connected %d of %d\n", connected, (int)waits.size());
    } else {
        printf("routine %d: connected %d of %d\n", worker->id, connected, (int)waits.size());
    }
    return NULL;
}

static int stop_when_done(void *arg)
{
    vector<worker_t> *workers = (vector<worker_t> *)arg;
    for (size_t i = 0; i < workers->size(); i++) {
        if (!(*workers)[i].co->cEnd) {
            return 0;
        }
    }
    return -1;
}

int main(int argc, char *argv[])
{
    int routines = 10;
    worker_t thread;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-n") == 0) {
            routines = atoi(argv[i + 1]);
            continue;
        }
        struct sockaddr_in peer;
        memset(&peer, 0, sizeof(peer));
        peer.sin_family = AF_INET;
        peer.sin_port = htons(atoi(argv[i + 1]));
        if (inet_pton(AF_INET, argv[i], &peer.sin_addr) != 1) {
            fprintf(stderr, "%s is no IPv4 address\n", argv[i]);
            return 2;
        }
        thread.peers.push_back(peer);
    }
    if (thread.peers.empty()) {
        fprintf(stderr, "usage: %s IP PORT [IP PORT]... [-n COROUTINES]\n", argv[0]);
        return 2;
    }

    /* Outside of coroutines the same function makes ordinary calls. */
    thread.id = -1;
    thread.co = NULL;
    connect_all(&thread);

    vector<worker_t> workers(routines, thread);
    for (int i = 0; i < routines; i++) {
        workers[i].id = i;
        co_create(&workers[i].co, NULL, connect_all, &workers[i]);
        co_resume(workers[i].co);
    }
    co_eventloop(co_get_epoll_ct(), stop_when_done, &workers);
    for (int i = 0; i < routines; i++) {
        co_release(workers[i].co);
    }
    return 0;
}
