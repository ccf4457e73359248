// The load generator: starts a server on a CPU of its own, keeps one message of 64 bytes under way on each of N connections, and
// measures the server: CPU and system calls a request, and how long answers take.
// With two servers it has the one answer for some milliseconds and then the other, over and over, and says how many times the
// CPU of the second the first takes a request: whatever else happens on the machine happens to both. With `sparse` it asks on one
// connection after another instead, so that each is silent for two seconds in between.
// Usage: load [sparse] CONNECTIONS SERVER [ARGUMENT...] [-- SERVER [ARGUMENT...]]
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

enum { LOAD_CPU = 1, SERVER_CPU = 0, PHASE_WARM = 200, PHASE_TURN = 40, SILENCE = 2000 };
typedef struct {
    struct sockaddr_in address;
    pid_t server;
    double *sent;
    int *sockets, epoll;
    long answers, waiting; // requests that were answered, and that were not yet
    histogram_t latency;
} side_t;
static side_t sides[2];
static long connections;
static char message[MESSAGE];

static void stop(void) {
    for (int i = 0; i < 2; i++)
        if (sides[i].server > 0) kill(sides[i].server, SIGKILL);
    while (wait(NULL) > 0) continue;
}
static void fail(const char *what) {
    int status, error = errno;
    for (int i = 0; i < 2; i++) {
        pid_t *server = &sides[i].server;
        if (*server > 0 && waitpid(*server, &status, WNOHANG) == *server) what = "the server ended", *server = 0;
    }
    stop();
    give_up("%s: %s", what, strerror(error));
}
static void start_server(side_t *side, char **command) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in *address = &side->address;
    socklen_t size = sizeof *address;
    address->sin_family = AF_INET, address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)address, size) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (void *)address, &size);
    if ((side->server = fork()) == 0) {
        pin(SERVER_CPU);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (listener != LISTENER) dup2(listener, LISTENER), close(listener);
        execv(command[0], command);
        _exit(127);
    }
    close(listener);
}
static int connected(side_t *side) {
    struct linger reset = {1, 0}; // no connection is left behind in TIME_WAIT
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&side->address, sizeof side->address)) fail("connect");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}
static void ask(side_t *side, long i) {
    side->sent[i] = wall_ns();
    if (send(side->sockets[i], message, MESSAGE, MSG_NOSIGNAL) != MESSAGE) fail("send");
    side->waiting++;
}
static void ask_all(side_t *side) {
    for (long i = 0; i < connections; i++) ask(side, i);
}
static void connect_all(side_t *side) {
    side->sent = calloc(connections, sizeof *side->sent), side->sockets = calloc(connections, sizeof *side->sockets);
    side->epoll = epoll_create1(0);
    for (long i = 0; i < connections; i++) {
        struct epoll_event event = {EPOLLIN | EPOLLET, {.u32 = i}};
        side->sockets[i] = connected(side);
        if (epoll_ctl(side->epoll, EPOLL_CTL_ADD, side->sockets[i], &event)) fail("epoll_ctl");
        ask(side, i);
    }
}
// Hears answers until then, and asks again after each.
static void hear_until(side_t *side, double end, int again) {
    struct epoll_event events[256];
    double now = 0;
    while (now < end && side->waiting) {
        int ready = epoll_wait(side->epoll, events, 256, 100);
        now = wall_ns();
        for (int k = 0; k < ready; k++) {
            long i = events[k].data.u32;
            ssize_t got = recv(side->sockets[i], message, MESSAGE, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN) continue;
            if (got != MESSAGE) fail("an answer was not whole");
            histogram_add(&side->latency, wall_ns() - side->sent[i]);
            side->answers++, side->waiting--;
            if (again) ask(side, i);
        }
    }
}
static void run_for(side_t *side, double ns) { hear_until(side, wall_ns() + ns, 1); }
static void hear_the_rest(side_t *side) {
    hear_until(side, wall_ns() + 10e9, 0);
    if (side->waiting) fail("requests were not answered");
}
static double server_cpu(const side_t *side) {
    clockid_t clock;
    if (clock_getcpuclockid(side->server, &clock)) fail("clock_getcpuclockid");
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
static int count_calls(const side_t *side, int *counters, int room) {
    char path[64];
    int id = 0, made = 0;
    FILE *file = tracepoint();
    if (!file || fscanf(file, "%d", &id) != 1) return 0;
    fclose(file);
    struct perf_event_attr wanted = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof wanted, .config = id};
    snprintf(path, sizeof path, "/proc/%d/task", side->server);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && made < room && (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.') continue;
        if ((counters[made] = syscall(SYS_perf_event_open, &wanted, atoi(entry->d_name), -1, -1, 0)) >= 0) made++;
    }
    if (tasks) closedir(tasks);
    return made;
}

static void measure(side_t *side) {
    run_for(side, PHASE_WARM * 1e6);
    memset(&side->latency, 0, sizeof side->latency);
    side->answers = 0;
    double cpu = server_cpu(side), start = wall_ns();
    run_for(side, 2 * budget_ns());
    cpu = server_cpu(side) - cpu;
    double cover = wall_ns() - start;
    // Requests that still wait count with their age: a server that answers nobody must not look fast.
    for (long i = 0; i < connections; i++) histogram_add(&side->latency, wall_ns() - side->sent[i]);
    if (side->answers) figure("cpu_ns", cpu / side->answers);
    figure("requests_per_s", side->answers / cover * 1e9);
    figure("p50_us", histogram_share(&side->latency, .5) / 1e3);
    figure("p99_us", histogram_share(&side->latency, .99) / 1e3);
    figure("p999_us", histogram_share(&side->latency, .999) / 1e3);

    int room = connections + 64, *counters = calloc(room, sizeof *counters), made = count_calls(side, counters, room);
    long before = side->answers, calls = 0;
    for (int i = 0; i < made; i++) ioctl(counters[i], PERF_EVENT_IOC_RESET, 0);
    if (made) run_for(side, 150e6);
    for (int i = 0; i < made; i++) {
        uint64_t value = 0;
        if (read(counters[i], &value, sizeof value) == sizeof value) calls += value;
    }
    if (made && side->answers > before) figure("calls", (double)calls / (side->answers - before));
}
static void report(const double cpu[2]) {
    figure("cpu_ns", cpu[0] / sides[0].answers);
    figure("other_ns", cpu[1] / sides[1].answers);
    figure("ratio", cpu[0] / sides[0].answers / (cpu[1] / sides[1].answers));
}
static void compare(void) {
    double cpu[2] = {0}, end = 0;
    for (int i = 0; i < 2; i++) run_for(&sides[i], PHASE_WARM * 1e6), hear_the_rest(&sides[i]), sides[i].answers = 0;
    // Who is first changes from turn to turn.
    for (int turn = 0; turn == 0 || wall_ns() < end; turn++) {
        if (turn == 0) end = wall_ns() + 4 * budget_ns();
        for (int k = 0; k < 2; k++) {
            side_t *side = &sides[(turn + k) % 2];
            double before = server_cpu(side);
            ask_all(side);
            run_for(side, PHASE_TURN * 1e6);
            hear_the_rest(side);
            cpu[side - sides] += server_cpu(side) - before;
        }
    }
    report(cpu);
}
static void compare_sparsely(void) {
    double cpu[2] = {0};
    // The first round is for getting used to it.
    for (int round = 0; round < 3; round++) {
        for (int i = 0; round == 1 && i < 2; i++) cpu[i] = -server_cpu(&sides[i]), sides[i].answers = 0;
        for (long i = 0; i < connections; i++) {
            for (int k = 0; k < 2; k++) {
                side_t *side = &sides[(round + k) % 2];
                if (side->waiting == 0) ask(side, i);
                hear_the_rest(side);
            }
            usleep(SILENCE * 1000 / connections);
        }
    }
    for (int i = 0; i < 2; i++) cpu[i] += server_cpu(&sides[i]);
    report(cpu);
}

int main(int argc, char **argv) {
    int sparse = argc > 1 && !strcmp(argv[1], "sparse");
    argc -= sparse, argv += sparse;
    if (argc < 3) give_up("usage: load [sparse] CONNECTIONS SERVER [ARGUMENT...] [-- SERVER [ARGUMENT...]]");
    connections = atol(argv[1]);
    char **other = argv + 2;
    while (*other && strcmp(*other, "--")) other++;
    int both = *other && other[1];
    *other = NULL;
    start_server(&sides[0], argv + 2);
    if (both) start_server(&sides[1], other + 1);
    pin(LOAD_CPU);
    for (int i = 0; i <= both; i++) connect_all(&sides[i]);
    if (both && sparse) compare_sparsely();
    else if (both) compare();
    else measure(&sides[0]);
    stop();
    finish();
}
