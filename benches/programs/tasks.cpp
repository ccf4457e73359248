// Peers with a scheduler of their own: tasks that yield, sleep and wait for each other. PEER is the peer's header.
// switch N | create N | memory N | timers N | precision MICROSECONDS | idle N | cond PAIRS
#include "bench.h"
#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include PEER

static long count, wakes, early;
static double until, window;
static histogram_t late;

static void spawn(void (*body)(void *), void *argument) {
    static long made;
    if (task_spawn(body, argument)) give_up("tasks end at %ld: %s", made, strerror(errno));
    made++;
}

#ifdef TASKS_YIELD
static long parked;
static void yield_forever(void *) {
    parked++;
    for (;;) task_yield();
}
static void measure_switch(void *) {
    for (long i = 0; i < count; i++) spawn(yield_forever, NULL);
    task_yield(); // everybody has begun
    double spent = 0, switches = 0;
    long rounds = 20000 / (count + 1) + 1;
    while (spent < budget_ns()) {
        double start = cpu_ns();
        for (long i = 0; i < rounds; i++) task_yield();
        spent += cpu_ns() - start;
        switches += (double)rounds * (count + 1);
    }
    if (parked != count) give_up("%ld of %ld tasks had a turn", parked, count);
    figure("ns", spent / switches);
    finish();
}
static void nothing(void *) {}
static void park(void *) {
    USE_STACK();
    __atomic_add_fetch(&parked, 1, __ATOMIC_RELAXED);
    task_sleep(3600 * 1000000L);
}
static void park_all(void) {
    for (long i = 0; i < count; i++) spawn(park, NULL);
    while (__atomic_load_n(&parked, __ATOMIC_RELAXED) < count) task_sleep(1000);
}
static void measure_create(void *) {
    count--;
    park_all();
    double spent = 0, tasks = 0;
    while (spent < budget_ns()) {
        double start = cpu_ns();
        for (long i = 0; i < 1000; i++) task_once(nothing);
        spent += cpu_ns() - start;
        tasks += 1000;
    }
    figure("ns", spent / tasks);
    finish();
}
static void measure_memory(void *) {
    double before = resident(), start = cpu_ns();
    park_all();
    figure("bytes", (resident() - before) / count);
    figure("create_ns", (cpu_ns() - start) / count);
    finish();
}
#endif

// Sleeps of 1 to 1,000 ms; what comes after the first second counts.
static void sleeper(void *) {
    for (;;) {
        long us = 1000 + chance() % 999000;
        double due = wall_ns() + us * 1e3;
        task_sleep(us);
        double now = wall_ns();
        if (now < window) continue;
        wakes++;
        if (now < due) early++;
        else histogram_add(&late, now - due);
    }
}
static void measure_timers(void *) {
    window = until = wall_ns() + 3600e9;
    for (long i = 0; i < count; i++) spawn(sleeper, NULL);
    task_sleep(1000000);
    window = wall_ns();
    double start = cpu_ns();
    task_sleep(2 * budget_ns() / 1e3 + 500000);
    figure("ns", (cpu_ns() - start) / wakes);
    figure("p50_us", histogram_share(&late, .5) / 1e3);
    figure("p99_us", histogram_share(&late, .99) / 1e3);
    figure("early_percent", 100.0 * early / wakes);
    finish();
}
static void measure_precision(void *) {
    for (double end = wall_ns() + budget_ns(); wall_ns() < end;) {
        double due = wall_ns() + count * 1e3;
        task_sleep(count);
        double now = wall_ns();
        early += now < due;
        histogram_add(&late, now < due ? 0 : now - due);
    }
    figure("p50_us", histogram_share(&late, .5) / 1e3);
    figure("p99_us", histogram_share(&late, .99) / 1e3);
    figure("early_percent", 100.0 * early / late.count);
    finish();
}

static task_cond_t *conds;
static double hand_offs;
static void ping(void *pair) {
    task_cond_t *mine = &conds[(long)pair * 2];
    double start = cpu_ns(), end = start + budget_ns();
    for (long i = 1;; i++) {
        task_cond_signal(mine + 1);
        task_cond_wait(mine);
        hand_offs += 2;
        if (pair == 0 && i % 16 == 0 && (count > 1 || i % 4096 == 0) && cpu_ns() > end) {
            figure("ns", (cpu_ns() - start) / hand_offs);
            finish();
        }
    }
}
static void pong(void *pair) {
    task_cond_t *mine = &conds[(long)pair * 2 + 1];
    for (;;) {
        task_cond_wait(mine);
        task_cond_signal(mine - 1);
    }
}
static void measure_cond(void *) {
    conds = (task_cond_t *)calloc(count * 2, sizeof *conds);
    for (long i = 0; i < count * 2; i++) task_cond_init(&conds[i]);
    for (long i = 0; i < count; i++) spawn(pong, (void *)i);
    for (long i = count; i-- > 0;) spawn(ping, (void *)i);
    task_sleep(3600 * 1000000L);
}

#ifdef TASKS_READ
static void long_sleep(void *) { task_sleep(3600 * 1000000L); }
static void silent(void *fd) {
    char byte;
    task_read((int)(long)fd, &byte, 1);
}
static void idle(void *) {
    for (long i = 0; i < count; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) give_up("socketpair: %s", strerror(errno));
        spawn(silent, (void *)(long)pair[0]);
        spawn(long_sleep, NULL);
    }
    task_sleep(3600 * 1000000L);
}
// Times that any thread of a process has gone to sleep: each is a wake-up.
static double sleeps(pid_t pid) {
    char folder[64], path[400];
    double sum = 0;
    snprintf(folder, sizeof folder, "/proc/%d/task", pid);
    DIR *tasks = opendir(folder);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s/status", folder, entry->d_name);
        sum += status_of(path, "voluntary_ctxt_switches");
    }
    if (tasks) closedir(tasks);
    return sum;
}
// A child is idle, and its parent looks on, so that looking wakes nobody. It begins when nothing has happened for some seconds: the
// library makes sure of registrations once, one to two seconds after somebody began to rely on them.
static void measure_idle(void) {
    pid_t child = fork();
    if (child == 0) {
        tasks_begin();
        spawn(idle, NULL);
        tasks_run();
    }
    sleep(4);
    double before = sleeps(child), start = wall_ns();
    usleep(budget_ns() * 3 / 1e3);
    figure("wakeups", (sleeps(child) - before) / (wall_ns() - start) * 1e9);
    kill(child, SIGKILL);
    finish();
}
#endif

int main(int argc, char **argv) {
    if (argc < 3) give_up("usage: tasks switch|create|memory|timers|precision|idle|cond COUNT");
    const char *mode = argv[1];
    count = atol(argv[2]);
    pin(0);
    void (*body)(void *) = NULL;
    if (!strcmp(mode, "timers")) body = measure_timers;
    if (!strcmp(mode, "precision")) body = measure_precision;
    if (!strcmp(mode, "cond")) body = measure_cond;
#ifdef TASKS_YIELD
    if (!strcmp(mode, "switch")) body = measure_switch;
    if (!strcmp(mode, "create")) body = measure_create;
    if (!strcmp(mode, "memory")) body = measure_memory;
#endif
#ifdef TASKS_READ
    if (!strcmp(mode, "idle")) measure_idle();
#endif
    if (!body) give_up("this peer has no %s", mode);
    tasks_begin();
    spawn(body, NULL);
    tasks_run();
    finish();
}
