// Loads a server that has a thread for each connection, and measures its CPU a request, all of its threads together.
// Usage: load KIND CONNECTIONS COMMAND...     PORT in the command is a free port. Kinds: echo keeps its connections and sends 64
// bytes at a time; new makes a connection for each 64 bytes; socks is echo behind a SOCKS5 proxy; proxy is a GET by an HTTP proxy;
// get asks for the same page, and mysql for the same row, over and over on connections that stay. BEHIND in the server's environment
// is the port of the echo.
#include "../bench.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { LOAD_CPU = 1, SERVER_CPU = 0, MESSAGE = 64 };
static const char *kind;
static struct sockaddr_in server_at, behind_at;
static pid_t server, behind;
static char message[MESSAGE], request[200];
static ssize_t request_length;
static long answers, served; // requests, and connections that had an answer
static char seen[1 << 17];
static int keeps;               // the kind keeps its connections
static ssize_t answer_length;   // of kinds whose answers are alike and not the request itself
static ssize_t taken[1 << 17];  // of such an answer, so far

static void fail(const char *what) {
    int error = errno;
    if (server > 0) kill(server, SIGKILL);
    if (behind > 0) kill(behind, SIGKILL);
    give_up("%s: %s", what, strerror(error));
}
static int listening(struct sockaddr_in *at) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    socklen_t size = sizeof *at;
    at->sin_family = AF_INET, at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (void *)at, size) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (void *)at, &size);
    return listener;
}
// What stands behind a proxy: echo, or one answer for each connection.
static void *answer(void *connection) {
    static const char page[] = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    char bytes[1024];
    int fd = (int)(long)connection;
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;) {
        if (*kind == 'p') {
            if (send(fd, page, sizeof page - 1, MSG_NOSIGNAL) > 0) shutdown(fd, SHUT_WR);
        } else if (send(fd, bytes, got, MSG_NOSIGNAL) != got) break;
    }
    close(fd);
    return NULL;
}
static void start_behind(void) {
    int listener = listening(&behind_at);
    if ((behind = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(LOAD_CPU);
        for (;;) {
            pthread_t thread;
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0 && !pthread_create(&thread, NULL, answer, (void *)(long)fd)) pthread_detach(thread);
        }
    }
    close(listener);
}
static int connected(void) {
    struct linger reset = {1, 0}; // no connection is left behind in TIME_WAIT
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&server_at, sizeof server_at)) return close(fd), -1;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}
static void start_server(char **command) {
    char port[8], behind_port[8];
    close(listening(&server_at));
    snprintf(port, sizeof port, "%d", ntohs(server_at.sin_port));
    for (char **word = command; *word; word++) if (!strcmp(*word, "PORT")) *word = port;
    setenv("PORT", port, 1);
    snprintf(behind_port, sizeof behind_port, "%d", ntohs(behind_at.sin_port));
    setenv("BEHIND", behind_port, 1);
    if ((server = fork()) == 0) {
        pin(SERVER_CPU);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(126);
        execv(command[0], command);
        _exit(127);
    }
    for (int i = 0, fd = -1; fd < 0 || close(fd); i++) {
        if ((fd = connected()) < 0) usleep(20000);
        if (fd < 0 && (i > 500 || waitpid(server, NULL, WNOHANG) == server)) server = 0, fail("the server does not start");
    }
}
// To a server that asks for no password: the protocol of 4.1, from the user root.
static void log_in(int fd) {
    unsigned char greeting[512], hello[42] = {38, 0, 0, 1, 0, 0x82, 0, 0, 0, 0, 0, 1, 33};
    memcpy(hello + 36, "root", 5);
    if (recv(fd, greeting, 4, MSG_WAITALL) != 4) fail("greeting");
    ssize_t length = greeting[0] | greeting[1] << 8;
    if (length > (ssize_t)sizeof greeting || recv(fd, greeting, length, MSG_WAITALL) != length) fail("greeting");
    if (send(fd, hello, 42, MSG_NOSIGNAL) != 42) fail("log in");
    if (recv(fd, greeting, 4, MSG_WAITALL) != 4) fail("log in");
    length = greeting[0] | greeting[1] << 8;
    if (recv(fd, greeting, length, MSG_WAITALL) != length || greeting[0]) fail("log in");
}
static int opened(void) {
    unsigned char reply[10], hello[] = {5, 1, 0}, ask[] = {5, 1, 0, 1, 127, 0, 0, 1, 0, 0};
    int fd = connected();
    if (fd < 0) fail("connect");
    if (*kind == 's') {
        memcpy(ask + 8, &behind_at.sin_port, 2);
        if (send(fd, hello, 3, MSG_NOSIGNAL) != 3 || recv(fd, reply, 2, MSG_WAITALL) != 2) fail("socks");
        if (send(fd, ask, 10, MSG_NOSIGNAL) != 10 || recv(fd, reply, 10, MSG_WAITALL) != 10 || reply[1]) fail("socks");
    }
    if (*kind == 'm') log_in(fd);
    return fd;
}
static void ask(int fd) {
    if (send(fd, request, request_length, MSG_NOSIGNAL) != request_length) fail("send");
}
// What every connection asks, and how long the answer is where it is not the request itself.
static void agree(void) {
    char bytes[1 << 16];
    struct timeval silence = {0, 300000};
    request_length = MESSAGE;
    memcpy(request, message, MESSAGE);
    if (*kind == 'p')
        request_length = sprintf(request, "GET http://127.0.0.1:%d/ HTTP/1.0\r\n\r\n", ntohs(behind_at.sin_port));
    if (*kind == 'g') request_length = sprintf(request, "GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (*kind == 'm') memcpy(request, "\x09\0\0\0\x03select 1", request_length = 13);
    if (*kind != 'g' && *kind != 'm') return;
    int fd = opened();
    ask(fd);
    // It has come when nothing more does.
    while (!answer_length || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) == 0) {
        ssize_t got = recv(fd, bytes + answer_length, sizeof bytes - answer_length, 0);
        if (got <= 0) break;
        answer_length += got;
    }
    if (!answer_length || (*kind == 'g' && memcmp(bytes, "HTTP/1.1 200", 12))) fail("no answer");
    if (*kind == 'm' && (bytes[3] != 1 || bytes[4] != 1)) fail("not one column");
    close(fd);
}
static void begin(int epoll) {
    int fd = opened();
    struct epoll_event event = {EPOLLIN, {.fd = fd}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    ask(fd);
}
static void run_for(int epoll, double ns) {
    struct epoll_event events[256];
    static char bytes[1 << 16];
    for (double end = wall_ns() + ns; wall_ns() < end;) {
        int ready = epoll_wait(epoll, events, 256, 100);
        for (int k = 0; k < ready; k++) {
            int fd = events[k].data.fd;
            ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN) continue;
            if (*kind == 'p' && got > 0) continue; // until the end
            if (answer_length) {
                taken[fd] += got;
                if (got > 0 && taken[fd] < answer_length) continue;
                if (taken[fd] != answer_length) fail("a wrong answer");
                taken[fd] = 0;
            } else if (*kind != 'p' && (got != MESSAGE || memcmp(bytes, message, MESSAGE))) fail("a wrong answer");
            answers++;
            if (!seen[fd]) seen[fd] = 1, served++;
            if (keeps) ask(fd);
            else close(fd), begin(epoll);
        }
    }
}

int main(int count, char **words) {
    if (count < 4) give_up("usage: load KIND CONNECTIONS COMMAND...");
    kind = words[1];
    memset(message, 'm', sizeof message);
    keeps = *kind != 'n' && *kind != 'p';
    start_behind();
    pin(LOAD_CPU);
    start_server(words + 3);
    agree();
    int epoll = epoll_create1(0);
    long connections = atol(words[2]);
    for (long i = 0; i < connections; i++) begin(epoll);
    // What the kernel could not queue for the server comes later: the beginning ends when all have been served.
    double patience = wall_ns() + 20e9;
    do run_for(epoll, 200e6);
    while (served < connections && keeps && wall_ns() < patience);
    clockid_t clock;
    if (clock_getcpuclockid(server, &clock)) fail("clock_getcpuclockid");
    answers = 0;
    double before = clock_ns(clock);
    // Longer where others have the processors: a server that answers nothing is one that cannot.
    do run_for(epoll, 2 * budget_ns());
    while (!answers && wall_ns() < patience);
    if (!answers) fail("no answers");
    char status[64];
    snprintf(status, sizeof status, "/proc/%d/status", (int)server);
    figure("threads", status_of(status, "Threads"));
    figure("kilobytes", status_of(status, "VmRSS"));
    figure("cpu_ns", (clock_ns(clock) - before) / answers);
    kill(server, SIGKILL);
    kill(behind, SIGKILL);
    while (wait(NULL) > 0) continue;
    finish();
}
