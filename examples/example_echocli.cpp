/*
 * The client of example_echosvr: in a number of processes, a number of coroutines each keep a connection on
 * which they send a message, read its echo and compare the two. Each process tells once a second how it went.
 *
 * Usage: example_echocli IP PORT TASKS PROCESSES [-n ROUNDS]     (default: for ever)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

using namespace std;

struct counts_t {
    int echoed;
    int failed;
};

static struct sockaddr_in g_server;
static int g_rounds = 0;
static int g_running = 0;
static counts_t g_total;

static void count(bool success)
{
    static counts_t this_second;
    static time_t second = time(NULL);

    if (success) {
        g_total.echoed++;
        this_second.echoed++;
    } else {
        g_total.failed++;
        this_second.failed++;
    }
    time_t now = time(NULL);
    if (now != second) {
        printf("pid %d: %d echoed, %d failed\n", (int)getpid(), this_second.echoed, this_second.failed);
        fflush(stdout);
        second = now;
        this_second = counts_t();
    }
}

static int connect_to_server()
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&g_server, sizeof(g_server)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* One message there and back. TCP may bring the echo in pieces. */
static bool echo(int fd, const char *message, size_t size)
{
    if (write(fd, message, size) != (ssize_t)size) {
        return false;
    }
    char buf[64];
    size_t have = 0;
    while (have < size) {
        ssize_t ret = read(fd, buf + have, size - have);
        if (ret <= 0) {
            return false;
        }
        have += ret;
    }
    return memcmp(buf, message, size) == 0;
}

static void *exchange_messages(void *)
{
    co_enable_hook_sys();
    int fd = -1;

    for (int round = 0; g_rounds == 0 || round < g_rounds; round++) {
        if (fd < 0) {
            fd = connect_to_server();
        }
        char message[32];
        int size = snprintf(message, sizeof(message), "round %d", round);
        bool success = fd >= 0 && echo(fd, message, size);
        count(success);
        if (!success) {
            if (fd >= 0) {
                close(fd);
            }
            fd = -1;
            poll(NULL, 0, 10); /* do not hammer a server that is not there */
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    g_running--;
    return NULL;
}

static int stop_when_done(void *)
{
    return g_running == 0 ? -1 : 0;
}

static int run(int tasks)
{
    vector<stCoRoutine_t *> co(tasks);
    g_running = tasks;
    for (int i = 0; i < tasks; i++) {
        co_create(&co[i], NULL, exchange_messages, NULL);
        co_resume(co[i]);
    }
    co_eventloop(co_get_epoll_ct(), stop_when_done, NULL);

    for (int i = 0; i < tasks; i++) {
        co_release(co[i]);
    }
    printf("in all: %d echoed, %d failed\n", g_total.echoed, g_total.failed);
    return g_total.failed == 0 ? 0 : 1;
}

int main(int argc, char *argv[])
{
    if (argc < 5) {
        fprintf(stderr, "usage: %s IP PORT TASKS PROCESSES [-n ROUNDS]\n", argv[0]);
        return 2;
    }
    g_server.sin_family = AF_INET;
    g_server.sin_addr.s_addr = inet_addr(argv[1]);
    g_server.sin_port = htons(atoi(argv[2]));
    int tasks = atoi(argv[3]);
    int processes = atoi(argv[4]);
    if (argc > 6 && strcmp(argv[5], "-n") == 0) {
        g_rounds = atoi(argv[6]);
    }
    signal(SIGPIPE, SIG_IGN);

    for (int i = 0; i < processes; i++) {
        if (fork() == 0) {
            exit(run(tasks));
        }
    }
    int failed = 0, status = 0;
    while (wait(&status) > 0) {
        failed |= status != 0;
    }
    return failed;
}
