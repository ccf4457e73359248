/* Several processes accept on one blocking listener. Each has a coroutine that ticks beside those that accept.
 * Connections come in bursts, which every process races for; in the quiet second after each burst nobody
 * connects, so a process that waits inside accept does not tick. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { PROCESSES = 4, ACCEPTORS = 3, BURSTS = 3, CONNECTIONS = 2000 };

static int listener, bell[2];
static int accepted, ticks, stop;
static int quiet_ticks[BURSTS];

static void *acceptor(void *unused) {
    (void)unused;
    co_enable_hook_sys();
    for (;;) {
        char byte;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        accepted++;
        if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
            perror("serve");
        close(fd);
    }
}

static void *ticker(void *unused) {
    (void)unused;
    co_enable_hook_sys();
    for (; !stop; ticks++)
        usleep(5000);
    return NULL;
}

/* The parent rings when a quiet second begins and when it ends, and hangs up when all is over. */
static void *listen_to_bell(void *unused) {
    (void)unused;
    co_enable_hook_sys();
    struct {
        int burst, begins;
    } ring;
    while (read(bell[0], &ring, sizeof ring) == (ssize_t)sizeof ring)
        quiet_ticks[ring.burst] += ring.begins ? -ticks : ticks;
    stop = 1;
    return NULL;
}

static int stopped(void *unused) {
    (void)unused;
    return stop ? -1 : 0;
}

static int serve(void) {
    for (int i = 0; i < ACCEPTORS; i++)
        start(acceptor, NULL);
    start(ticker, NULL);
    start(listen_to_bell, NULL);
    co_eventloop(co_get_epoll_ct(), stopped, NULL);
    printf("accepted %d ticks %d %d %d\n", accepted, quiet_ticks[0], quiet_ticks[1], quiet_ticks[2]);
    return 0;
}

static void request(const struct sockaddr_in *address) {
    char byte = 'x';
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 || write(fd, &byte, 1) != 1 ||
        read(fd, &byte, 1) != 1)
        perror("request");
    close(fd);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int bells[PROCESSES];
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        return perror("listener"), 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (pipe(bell) != 0)
            return perror("pipe"), 1;
        if (fork() == 0) {
            for (int j = 0; j < i; j++)
                close(bells[j]);
            close(bell[1]);
            exit(serve());
        }
        close(bell[0]);
        bells[i] = bell[1];
    }
    for (int burst = 0; burst < BURSTS; burst++) {
        for (int i = 0; i < CONNECTIONS; i++)
            request(&address);
        for (int begins = 1; begins >= 0; begins--) {
            int ring[2] = {burst, begins};
            for (int i = 0; i < PROCESSES; i++)
                if (write(bells[i], ring, sizeof ring) != (ssize_t)sizeof ring)
                    perror("bell");
            if (begins)
                sleep(1);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        close(bells[i]);
    for (int i = 0; i < PROCESSES; i++)
        wait(NULL);
    return 0;
}
