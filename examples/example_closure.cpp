/*
 * Closures run by threads: each body works on shared variables through co_ref, and on copies of its own.
 *
 * Usage: example_closure [CLOSURES]      (default 10)
 */
#include "co_closure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <vector>

using namespace std;

static void *run_closure(void *arg)
{
    stCoClosure_t *closure = (stCoClosure_t *)arg;
    closure->exec();
    return NULL;
}

/* One thread for each closure; returns when all of them have ended. */
static void run_all(vector<stCoClosure_t *> &closures)
{
    vector<pthread_t> threads(closures.size());
    for (size_t i = 0; i < closures.size(); i++) {
        pthread_create(&threads[i], NULL, run_closure, closures[i]);
    }
    for (size_t i = 0; i < threads.size(); i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int argc, char *argv[])
{
    int count = argc > 1 ? atoi(argv[1]) : 10;
    int total = 0;
    vector<int> order;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    vector<stCoClosure_t *> closures;

    co_ref(ref, total, order, lock);
    for (int i = 0; i < count; i++) {
        co_func(add, ref, i)
        {
            pthread_mutex_lock(&ref.lock);
            ref.total += i;
            ref.order.push_back(i);
            pthread_mutex_unlock(&ref.lock);
        }
        co_func_end;
        closures.push_back(new add(ref, i));
    }
    for (int i = 0; i < 2; i++) {
        co_func(report, i)
        {
            for (int j = 0; j < 2; j++) {
                usleep(1000);
                printf("closure %d step %d\n", i, j);
            }
        }
        co_func_end;
        closures.push_back(new report(i));
    }

    run_all(closures);
    for (size_t i = 0; i < closures.size(); i++) {
        delete closures[i];
    }
    printf("%d closures ran, total %d\n", (int)order.size(), total);
    return 0;
}
