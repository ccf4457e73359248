// Peers that resume one context and yield back to whoever did: `switch N`, `rounded N`, `create N`, `memory N`. PEER is the peer's header.
#include "bench.h"
#include PEER

static void forever(void) {
    USE_STACK();
    for (;;) context_yield();
}
static void nothing(void) {}

static context_t *made(long count) {
    context_t *all = (context_t *)malloc(count * sizeof *all);
    for (long i = 0; i < count; i++) {
        if (context_create(&all[i], forever)) give_up("contexts end at %ld: %s", i, strerror(errno));
        context_resume(all[i]);
    }
    return all;
}

// Nanoseconds a switch, of which a resume and its yield are two. `flags` are exception flags of MXCSR that who resumes has and the others
// have not.
static void measure_switch(long count, unsigned flags) {
    context_t *all = made(count);
    _mm_setcsr(_mm_getcsr() | flags);
    long rounds = 200000 / count + 1;
    double spent = 0, switches = 0;
    while (spent < budget_ns()) {
        double start = cpu_ns();
        for (long round = 0; round < rounds; round++)
            for (long i = 0; i < count; i++) context_resume(all[i]);
        spent += cpu_ns() - start;
        switches += 2.0 * rounds * count;
    }
    figure("ns", spent / switches);
}

// Nanoseconds from one context to the next, with as many others parked beside it.
static void measure_create(long count) {
    made(count - 1);
    double spent = 0, contexts = 0;
    while (spent < budget_ns()) {
        double start = cpu_ns();
        for (long i = 0; i < 100000; i++) {
            context_t context;
            if (context_create(&context, nothing)) give_up("no context: %s", strerror(errno));
            context_resume(context);
            context_release(context);
        }
        spent += cpu_ns() - start;
        contexts += 100000;
    }
    figure("ns", spent / contexts);
}

static void measure_memory(long count) {
    context_t warm;
    if (context_create(&warm, forever)) give_up("no context: %s", strerror(errno));
    context_resume(warm);
    double before = resident(), start = cpu_ns();
    made(count);
    double spent = cpu_ns() - start;
    // The array of pointers is the program's own.
    figure("bytes", (resident() - before) / count - sizeof(context_t));
    figure("create_ns", spent / count);
}

int main(int argc, char **argv) {
    if (argc < 3) give_up("usage: contexts switch|rounded|create|memory COUNT");
    long count = atol(argv[2]);
    pin(0);
    if (!strcmp(argv[1], "switch")) measure_switch(count, 0);
    if (!strcmp(argv[1], "rounded")) measure_switch(count, _MM_EXCEPT_INEXACT);
    if (!strcmp(argv[1], "create")) measure_create(count);
    if (!strcmp(argv[1], "memory")) measure_memory(count);
    finish();
}
