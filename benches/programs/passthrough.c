// What a hook costs a program without coroutines: ns a call. The runner preloads the library or does not; the program is the same.
// The lock calls nobody and shows the trampoline; the read of a closed descriptor is the cheapest system call that reads.
#include "bench.h"
#include <pthread.h>

enum { CALLS = 20000, BATCHES = 400 };
static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
int main(int argc, char **argv) {
    static double batch[BATCHES];
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const char *mode = argc > 1 ? argv[1] : "lock";
    pin(0);
    for (int i = 0; i < BATCHES; i++) {
        double start = cpu_ns();
        if (!strcmp(mode, "lock"))
            for (int k = 0; k < CALLS / 2; k++) pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex);
        else
            for (int k = 0; k < CALLS; k++) (void)!read(-1, NULL, 0);
        batch[i] = (cpu_ns() - start) / CALLS;
    }
    qsort(batch, BATCHES, sizeof *batch, compare);
    figure("ns", batch[BATCHES / 4]); // a quarter is undisturbed even beside others
    finish();
}
