// What a hook costs a program without coroutines: ns a call. The runner preloads the library or does not; the program is the same.
// `lock` shows the trampoline of locks, `call` that of calls that block: a look-up of nothing ends in libc without a system call.
#include "bench.h"
#include <netdb.h>
#include <pthread.h>

enum { CALLS = 20000, BATCHES = 400 };
static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
int main(int argc, char **argv) {
    static double batch[BATCHES];
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct addrinfo *none = NULL;
    int found = 0;
    const char *mode = argc > 1 ? argv[1] : "lock";
    pin(0);
    for (int i = 0; i < BATCHES; i++) {
        double start = cpu_ns();
        if (!strcmp(mode, "lock"))
            for (int k = 0; k < CALLS / 2; k++) pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex);
        else
            for (int k = 0; k < CALLS; k++) found += getaddrinfo(NULL, NULL, NULL, &none) == 0;
        batch[i] = (cpu_ns() - start) / CALLS;
    }
    if (found) give_up("nothing was found");
    qsort(batch, BATCHES, sizeof *batch, compare);
    figure("ns", batch[BATCHES / 4]); // a quarter is undisturbed even beside others
    finish();
}
