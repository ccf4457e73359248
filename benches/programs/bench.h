// What every program of a row shares: clocks, figures, histograms. A figure is a line "NAME VALUE" on standard output; a program
// that cannot measure says why in one line on standard error and exits with 77.
#ifndef BENCH_H
#define BENCH_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <immintrin.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline double clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}
static inline double cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
static inline double wall_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

// How long a program measures; the runner shortens it for QUICK=1. No trace of the rounding stays in MXCSR: where the flags of two
// contexts differ, some processors switch between them at another pace.
static inline double budget_ns(void) {
    const char *seconds = getenv("BENCH_SECONDS");
    unsigned flags = _mm_getcsr();
    volatile double budget = (seconds ? atof(seconds) : 0.3) * 1e9;
    _mm_setcsr(flags);
    return budget;
}

static inline void figure(const char *name, double value) { printf("%s %.6g\n", name, value); }

__attribute__((noreturn, unused)) static void finish(void) {
    fflush(stdout);
    _exit(0); // no destructor of a peer needs to run
}
__attribute__((noreturn, format(printf, 1, 2), unused)) static void give_up(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    fflush(stdout);
    _exit(77);
}

// One CPU for the whole process, so that a peer's threads do not spread over several.
__attribute__((unused)) static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
    sched_setaffinity(0, sizeof set, &set);
}

// The value of one line of /proc/PID/status, 0 when there is none.
__attribute__((unused)) static double status_of(const char *path, const char *key) {
    char line[256];
    double value = 0;
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') value = atof(line + strlen(key) + 1);
    fclose(file);
    return value;
}
// Resident memory and page tables of the process, bytes.
__attribute__((unused)) static double resident(void) {
    static int looked; // what the first look itself takes does not count
    if (!looked++) status_of("/proc/self/status", "VmPTE");
    return (status_of("/proc/self/status", "VmRSS") + status_of("/proc/self/status", "VmPTE")) * 1024;
}

// Numbers without a pattern that a prefetcher or a wheel could follow (xorshift).
static uint64_t bench_seed = 88172645463325252ull;
static inline uint64_t chance(void) {
    bench_seed ^= bench_seed << 13;
    bench_seed ^= bench_seed >> 7;
    return bench_seed ^= bench_seed << 17;
}

// A stack of 200 bytes in use, as a small function that waits has.
#define USE_STACK()                                                                                                    \
    char used[200];                                                                                                    \
    memset(used, 1, sizeof used);                                                                                      \
    __asm__ volatile("" : : "r"(used) : "memory")

// Nanoseconds in buckets of one sixteenth of their power of two.
typedef struct {
    uint64_t count, bucket[64 * 16];
} histogram_t;
static inline void histogram_add(histogram_t *h, double ns) {
    uint64_t value = ns < 16 ? 16 : (uint64_t)ns;
    int power = 63 - __builtin_clzll(value);
    h->bucket[power * 16 + (value >> (power - 4) & 15)]++;
    h->count++;
}
// The middle of the bucket below which the share lies.
__attribute__((unused)) static double histogram_share(const histogram_t *h, double share) {
    uint64_t seen = 0, wanted = (uint64_t)(h->count * share);
    for (int i = 64; i < 64 * 16; i++)
        if ((seen += h->bucket[i]) > wanted) return (double)(1ull << (i / 16)) * (1 + (i % 16 + .5) / 16);
    return 0;
}
#endif
