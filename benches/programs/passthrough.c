// What a hook costs a thread without coroutines: ns a call. The runner preloads the library or does not; the program is the same.
// `lock` shows the trampoline of locks, `beside` the same while another thread has a coroutine, if the library is there to make
// one, `call` that of calls that block: a look-up of nothing ends in libc without a system call.
#include "bench.h"
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>

enum { CALLS = 20000, BATCHES = 400 };
static pthread_barrier_t met;
static void *nothing(void *none) { return none; }
static void *neighbour(void *none) {
    void *coroutine = NULL;
    __typeof__(int (*)(void **, const void *, void *(*)(void *), void *)) create = dlsym(RTLD_DEFAULT, "co_create");
    if (create && create(&coroutine, NULL, nothing, NULL)) give_up("no coroutine");
    pthread_barrier_wait(&met);
    pause();
    return none;
}
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
    pthread_t thread;
    pin(0);
    if (!strcmp(mode, "beside")) {
        pthread_barrier_init(&met, NULL, 2);
        if (pthread_create(&thread, NULL, neighbour, NULL)) give_up("no thread");
        pthread_barrier_wait(&met);
    }
    for (int i = 0; i < BATCHES; i++) {
        double start = cpu_ns();
        if (strcmp(mode, "call"))
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
