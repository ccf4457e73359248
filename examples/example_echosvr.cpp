/*
 * An echo server: a number of processes share the port, and in each a fixed number of coroutines serve a
 * connection at a time. One more coroutine accepts and hands each connection to an idle one.
 *
 * Usage: example_echosvr IP PORT TASKS PROCESSES [-d] [-n CONNECTIONS]
 *   PORT 0     the kernel chooses; the port is printed
 *   -d         go to the background
 *   -n         each process ends when it has served so many (default: never)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stack>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace std;

struct server_t {
    stCoRoutine_t *co;
    int fd;
};

static stack<server_t *> g_idle;
static int g_listener = -1;
static int g_served = 0;
static int g_limit = 0;

static int set_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}

/* Serves connection after connection; without one it is in g_idle. */
static void *serve_connections(void *arg)
{
    co_enable_hook_sys();
    server_t *server = (server_t *)arg;
    char buf[1024 * 16];

    for (;;) {
        if (server->fd == -1) {
            g_idle.push(server);
            co_yield_ct();
            continue;
        }
        int fd = server->fd;
        server->fd = -1;

        for (;;) {
            struct pollfd wait_for;
            memset(&wait_for, 0, sizeof(wait_for));
            wait_for.fd = fd;
            wait_for.events = POLLIN | POLLERR | POLLHUP;
            co_poll(co_get_epoll_ct(), &wait_for, 1, 1000);

            ssize_t ret = read(fd, buf, sizeof(buf));
            if (ret > 0) {
                ret = write(fd, buf, ret);
            }
            if (ret > 0 || (ret == -1 && errno == EAGAIN)) {
                continue; /* EAGAIN: a second went by without data */
            }
            break;
        }
        close(fd);
        g_served++;
    }
    return NULL;
}

static void *acceptornnections(void *)
{
    co_enable_hook_sys();
    for (;;) {
        if (g_idle.empty()) {
            poll(NULL, 0, 10); /* all are busy: connections wait in the backlog */
            continue;
        }
        struct sockaddr_in addr;
        memset(&addr, 0, sizeof(addr));
        socklen_t len = sizeof(addr);

        int fd = co_accept(g_listener, (struct sockaddr *)&addr, &len);
        if (fd < 0) {
            struct pollfd wait_for;
            memset(&wait_for, 0, sizeof(wait_for));
            wait_for.fd = g_listener;
            wait_for.events = POLLIN | POLLERR | POLLHUP;
            co_poll(co_get_epoll_ct(), &wait_for, 1, 1000);
            continue;
        }
        if (g_idle.empty()) {
            close(fd);
            continue;
        }
        set_nonblocking(fd);
        server_t *server = g_idle.top();
        g_idle.pop();
        server->fd = fd;
        co_resume(server->co);
    }
    return NULL;
}

static int open_listener(const char *ip, unsigned short *port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    struct sockaddr_in addr;
    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_port = htons(*port);
    addr.sin_addr.s_addr = strcmp(ip, "*") == 0 ? htonl(INADDR_ANY) : inet_addr(ip);

    socklen_t len = sizeof(addr);
    if (bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(addr.sin_port);
    return fd;
}

static int stop_when_done(void *)
{
    return g_limit != 0 && g_served >= g_limit ? -1 : 0;
}

static void serve(int tasks)
{
    for (int i = 0; i < tasks; i++) {
        server_t *server = (server_t *)calloc(1, sizeof(server_t));
        server->fd = -1;
        co_create(&server->co, NULL, serve_connections, server);
        co_resume(server->co);
    }
    stCoRoutine_t *acceptor = NULL;
    co_create(&acceptor, NULL, acceptornnections, NULL);
    co_resume(acceptor);

    co_eventloop(co_get_epoll_ct(), stop_when_done, NULL);
}

int main(int argc, char *argv[])
{
    if (argc < 5) {
        fprintf(stderr, "usage: %s IP PORT TASKS PROCESSES [-d] [-n CONNECTIONS]\n", argv[0]);
        return 2;
    }
    const char *ip = argv[1];
    unsigned short port = (unsigned short)atoi(argv[2]);
    int tasks = atoi(argv[3]);
    int processes = atoi(argv[4]);
    bool background = false;
    for (int i = 5; i < argc; i++) {
        if (strcmp(argv[i], "-d") == 0) {
            background = true;
        } else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc) {
            g_limit = atoi(argv[++i]);
        }
    }

    g_listener = open_listener(ip, &port);
    if (g_listener < 0) {
        fprintf(stderr, "cannot listen on %s port %s: %s\n", ip, argv[2], strerror(errno));
        return 1;
    }
    set_nonblocking(g_listener);
    printf("listening on %s port %d\n", ip, port);
    fflush(stdout); /* before the forks: else each process prints it */

    /* The processes come first, the coroutines after: each process makes its own. */
    vector<pid_t> children;
    for (int i = 0; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            break;
        }
        if (pid == 0) {
            serve(tasks);
            printf("process %d: served %d connections\n", i, g_served);
            exit(0);
        }
        children.push_back(pid);
    }
    if (!background) {
        for (size_t i = 0; i < children.size(); i++) {
            waitpid(children[i], NULL, 0);
        }
    }
    return 0;
}
