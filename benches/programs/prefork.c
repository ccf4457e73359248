// PROCESSES processes accept short connections on one blocking listener, by `coroutines` or as `processes` that block in accept: how
// often they wake for each connection, and how evenly they share. A server closes at once, so that nothing but accepting wakes it.
#include "bench.h"
#include <arpa/inet.h>
#include <co_routine.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { MOST = 64, CLIENTS = 4 };
static long *accepted;
static int listener, worker;
static struct sockaddr_in address;

static void *serve(void *hooks) {
    if (hooks) co_enable_hook_sys();
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0) continue;
        accepted[worker]++;
        close(peer);
    }
    return NULL;
}
static void *client(void *times) {
    struct linger reset = {1, 0};
    char byte;
    for (long i = 0; i < (long)times; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (void *)&address, sizeof address)) give_up("connect: %s", strerror(errno));
        (void)!read(fd, &byte, 1);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    return NULL;
}
int main(int argc, char **argv) {
    if (argc < 3 || atoi(argv[2]) > MOST) give_up("usage: prefork coroutines|processes PROCESSES (at most %d)", MOST);
    int coroutines = !strcmp(argv[1], "coroutines"), count = atoi(argv[2]);
    long times = (long)(budget_ns() / 3e8 * 4000) + 500, all = 0, least = times * CLIENTS, most = 0;
    socklen_t size = sizeof address;
    pid_t workers[MOST];
    pthread_t clients[CLIENTS];
    double wakes = 0;
    accepted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&address, size) || listen(listener, 4096)) give_up("listen: %s", strerror(errno));
    getsockname(listener, (void *)&address, &size);
    for (worker = 0; worker < count; worker++) {
        if ((workers[worker] = fork())) continue;
        if (!coroutines) serve(NULL);
        stCoRoutine_t *made;
        co_create(&made, NULL, serve, &made);
        co_resume(made);
        co_eventloop(co_get_epoll_ct(), NULL, NULL);
    }
    usleep(200000);
    for (int i = 0; i < CLIENTS; i++) pthread_create(&clients[i], NULL, client, (void *)times);
    for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
    for (int i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/status", workers[i]);
        wakes += status_of(path, "voluntary_ctxt_switches");
        all += accepted[i];
        if (accepted[i] < least) least = accepted[i];
        if (accepted[i] > most) most = accepted[i];
        kill(workers[i], SIGKILL);
    }
    while (wait(NULL) > 0) continue;
    if (all != times * CLIENTS) give_up("%ld of %ld connections were accepted", all, times * CLIENTS);
    figure("wakes", wakes / all);
    figure("share", (double)most / (least ? least : 1));
    finish();
}
