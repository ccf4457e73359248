// The load generator: starts a server on a CPU of its own, keeps one message of 64 bytes under way on each of N connections, and
// measures the server: CPU and system calls a request, and how long answers take.
// Usage: load CONNECTIONS SERVER [ARGUMENT...]
#include "echo.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { LOAD_CPU = 1, SERVER_CPU = 0, PHASE_WARM = 200 };
static struct sockaddr_in address;
static pid_t server;
static double *sent, cover;
static int *sockets, epoll;
static long connections, answers;
static histogram_t latency;
static char message[MESSAGE];

static void stop(void) {
    if (server > 0) kill(server, SIGKILL);
    while (wait(NULL) > 0) continue;
}
static void fail(const char *what) {
    int status, error = errno;
    if (server > 0 && waitpid(server, &status, WNOHANG) == server) what = "the server ended", server = 0;
    stop();
    give_up("%s: %s", what, strerror(error));
}
static void start_server(char **command) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof address;
    address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&address, size) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (void *)&address, &size);
    if ((server = fork()) == 0) {
        pin(SERVER_CPU);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (listener != LISTENER) dup2(listener, LISTENER), close(listener);
        execv(command[0], command);
        _exit(127);
    }
    close(listener);
}
static int connected(void) {
    struct linger reset = {1, 0}; // no connection is left behind in TIME_WAIT
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&address, sizeof address)) fail("connect");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}
static void ask(long i) {
    sent[i] = wall_ns();
    if (send(sockets[i], message, MESSAGE, MSG_NOSIGNAL) != MESSAGE) fail("send");
}
static void run_for(double ns) {
    struct epoll_event events[256];
    double end = wall_ns() + ns, now = 0;
    while (now < end) {
        int ready = epoll_wait(epoll, events, 256, 100);
        now = wall_ns();
        for (int k = 0; k < ready; k++) {
            long i = events[k].data.u32;
            ssize_t got = recv(sockets[i], message, MESSAGE, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN) continue;
            if (got != MESSAGE) fail("an answer was not whole");
            histogram_add(&latency, wall_ns() - sent[i]);
            answers++;
            ask(i);
        }
    }
}
static double server_cpu(void) {
    clockid_t clock;
    if (clock_getcpuclockid(server, &clock)) fail("clock_getcpuclockid");
    return clock_ns(clock);
}
// What the kernel names its tracepoints in; where it is not mounted, it is for this process alone.
static FILE *tracepoint(void) {
    static const char id[] = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id";
    FILE *file = fopen(id, "r");
    if (file || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return file;
    if (mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL)) return NULL;
    return fopen(id, "r");
}
// Counters of system calls for each thread of the server; none when the kernel's tracepoints are out of reach.
static int count_calls(int *counters, int room) {
    char path[64];
    int id = 0, made = 0;
    FILE *file = tracepoint();
    if (!file || fscanf(file, "%d", &id) != 1) return 0;
    fclose(file);
    struct perf_event_attr wanted = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof wanted, .config = id};
    snprintf(path, sizeof path, "/proc/%d/task", server);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && made < room && (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.') continue;
        if ((counters[made] = syscall(SYS_perf_event_open, &wanted, atoi(entry->d_name), -1, -1, 0)) >= 0) made++;
    }
    if (tasks) closedir(tasks);
    return made;
}

int main(int argc, char **argv) {
    if (argc < 3) give_up("usage: load CONNECTIONS SERVER [ARGUMENT...]");
    connections = atol(argv[1]);
    start_server(argv + 2);
    pin(LOAD_CPU);
    sent = calloc(connections, sizeof *sent), sockets = calloc(connections, sizeof *sockets);
    epoll = epoll_create1(0);
    for (long i = 0; i < connections; i++) {
        struct epoll_event event = {EPOLLIN | EPOLLET, {.u32 = i}};
        sockets[i] = connected();
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event)) fail("epoll_ctl");
        ask(i);
    }
    run_for(PHASE_WARM * 1e6);

    memset(&latency, 0, sizeof latency);
    answers = 0;
    double cpu = server_cpu(), start = wall_ns();
    run_for(2 * budget_ns());
    cpu = server_cpu() - cpu;
    cover = wall_ns() - start;
    // Requests that still wait count with their age: a server that answers nobody must not look fast.
    for (long i = 0; i < connections; i++) histogram_add(&latency, wall_ns() - sent[i]);
    if (answers) figure("cpu_ns", cpu / answers);
    figure("requests_per_s", answers / cover * 1e9);
    figure("p50_us", histogram_share(&latency, .5) / 1e3);
    figure("p99_us", histogram_share(&latency, .99) / 1e3);
    figure("p999_us", histogram_share(&latency, .999) / 1e3);

    int room = connections + 64, *counters = calloc(room, sizeof *counters), made = count_calls(counters, room);
    long before = answers, calls = 0;
    for (int i = 0; i < made; i++) ioctl(counters[i], PERF_EVENT_IOC_RESET, 0);
    if (made) run_for(150e6);
    for (int i = 0; i < made; i++) {
        uint64_t value = 0;
        if (read(counters[i], &value, sizeof value) == sizeof value) calls += value;
    }
    if (made && answers > before) figure("calls", (double)calls / (answers - before));
    stop();
    finish();
}
