// Shared stacks: `memory N` parked coroutines with 200 bytes live, `hot N` and `random N` resumes, each of which exchanges the stack.
#include "bench.h"
#include <co_routine.h>

static void *forever(void *unused) {
    USE_STACK();
    for (;;) {
        co_yield_ct();
        __asm__ volatile("" : : "r"(used) : "memory");
    }
    return unused;
}
int main(int argc, char **argv) {
    if (argc < 3) give_up("usage: shared memory|hot|random COUNT");
    long count = atol(argv[2]);
    pin(0);
    stCoRoutineAttr_t attributes = {0, co_alloc_sharestack(1, 128 * 1024)};
    stCoRoutine_t *warm, **all = malloc(count * sizeof *all);
    if (co_create(&warm, &attributes, forever, NULL)) give_up("no coroutine: %s", strerror(errno));
    co_resume(warm);
    double before = resident(), start = cpu_ns();
    for (long i = 0; i < count; i++) {
        if (co_create(&all[i], &attributes, forever, NULL)) give_up("coroutines end at %ld: %s", i, strerror(errno));
        co_resume(all[i]);
    }
    double spent = cpu_ns() - start;
    if (!strcmp(argv[1], "memory")) {
        figure("bytes", (resident() - before) / count - sizeof *all);
        figure("create_ns", spent / count);
        finish();
    }
    int random = !strcmp(argv[1], "random");
    double resumes = 0;
    for (spent = 0; spent < budget_ns(); resumes += 100000) {
        start = cpu_ns();
        for (long i = 0; i < 100000; i++) co_resume(all[random ? (long)(chance() % count) : i % count]);
        spent += cpu_ns() - start;
    }
    figure("ns", spent / resumes); // both exchanges' worth: there and back
    finish();
}
