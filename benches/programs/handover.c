// Threads that wait for each other, to and fro in pairs: run plainly, and with COLIB_THREADS. Those of a pair run on different
// threads of the kernel where there are several.
// Usage: handover cond|sem|futex PAIRS
#include "bench.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>

typedef struct {
    _Alignas(128) pthread_mutex_t lock;
    pthread_cond_t cond[2];
    sem_t sem[2];
    atomic_uint turn;
    long handovers;
} pair_t;

static atomic_int over;

// ---- a hand-over, from the side whose turn it is, and the wait for the next one ----

static void cond_begins(pair_t *pair, unsigned side) { (void)side; pthread_mutex_lock(&pair->lock); }
static void cond_ends(pair_t *pair, unsigned side) { (void)side; pthread_mutex_unlock(&pair->lock); }
static void cond_gives(pair_t *pair, unsigned side) {
    pair->turn = !side;
    pthread_cond_signal(&pair->cond[!side]);
}
static void cond_waits(pair_t *pair, unsigned side) {
    while (pair->turn != side && !over) pthread_cond_wait(&pair->cond[side], &pair->lock);
}

static void sem_gives(pair_t *pair, unsigned side) { sem_post(&pair->sem[!side]); }
static void sem_waits(pair_t *pair, unsigned side) { sem_wait(&pair->sem[side]); }

static void futex_gives(pair_t *pair, unsigned side) {
    pair->turn = !side;
    syscall(SYS_futex, &pair->turn, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}
static void futex_waits(pair_t *pair, unsigned side) {
    while (pair->turn != side && !over)
        syscall(SYS_futex, &pair->turn, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, !side, NULL, NULL, 0);
}

static void nothing(pair_t *pair, unsigned side) { (void)pair, (void)side; }

static const struct kind {
    const char *name;
    void (*begins)(pair_t *, unsigned), (*gives)(pair_t *, unsigned), (*waits)(pair_t *, unsigned), (*ends)(pair_t *, unsigned);
} kinds[] = {
    {"cond", cond_begins, cond_gives, cond_waits, cond_ends},
    {"sem", nothing, sem_gives, sem_waits, nothing},
    {"futex", nothing, futex_gives, futex_waits, nothing},
};
static const struct kind *kind;

// ---- threads ----

typedef struct {
    long task; // the kernel's thread that it runs on
    pair_t *pair;
    unsigned side;
    sem_t go;
} side_t;

static sem_t arrived;

// The kernel's own answer: a hook's is the thread's number.
static long task(void) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_gettid) : "rcx", "r11", "memory");
    return result;
}

static void *takes_turns(void *argument) {
    side_t *me = argument;
    me->task = task();
    sem_post(&arrived);
    sem_wait(&me->go);
    pair_t *pair = me->pair;
    kind->begins(pair, me->side);
    while (!over) {
        kind->waits(pair, me->side);
        pair->handovers++;
        kind->gives(pair, me->side);
    }
    kind->ends(pair, me->side);
    return NULL;
}

int main(int argc, char **argv) {
    int pairs = argc > 2 ? atoi(argv[2]) : 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (argc > 1 && !strcmp(argv[1], kinds[i].name)) kind = &kinds[i];
    if (!kind || pairs < 1) give_up("usage: handover cond|sem|futex PAIRS");
    // More threads than are needed, so that some pairs can be formed across.
    int made = 4 * pairs;
    side_t *sides = calloc(made, sizeof *sides);
    pair_t *all = aligned_alloc(128, pairs * sizeof *all);
    memset(all, 0, pairs * sizeof *all);
    sem_init(&arrived, 0, 0);
    for (int i = 0; i < made; i++) {
        pthread_t thread;
        sem_init(&sides[i].go, 0, 0);
        if (pthread_create(&thread, NULL, takes_turns, &sides[i])) give_up("no thread");
    }
    for (int i = 0; i < made; i++) sem_wait(&arrived);
    int several = 0;
    for (int i = 1; i < made; i++) several |= sides[i].task != sides[0].task;
    for (int p = 0; p < pairs; p++) {
        pair_t *pair = &all[p];
        pthread_mutex_init(&pair->lock, NULL);
        for (int s = 0; s < 2; s++) pthread_cond_init(&pair->cond[s], NULL), sem_init(&pair->sem[s], 0, !s);
        int first = 0, second;
        while (sides[first].pair) first++;
        for (second = first + 1; second < made; second++)
            if (!sides[second].pair && (!several || sides[second].task != sides[first].task)) break;
        if (second == made) give_up("the kernel's threads have too few threads each");
        sides[first].pair = sides[second].pair = pair;
        sides[second].side = 1;
    }
    double cpu = cpu_ns(), wall = wall_ns();
    for (int i = 0; i < made; i++)
        if (sides[i].pair) sem_post(&sides[i].go);
    usleep(budget_ns() / 1000);
    long handovers = 0;
    for (int p = 0; p < pairs; p++) handovers += __atomic_load_n(&all[p].handovers, __ATOMIC_RELAXED);
    cpu = cpu_ns() - cpu, wall = wall_ns() - wall;
    figure("cpu_ns", cpu / handovers);
    figure("wall_ns", wall / handovers);
    finish();
}
