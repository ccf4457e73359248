/*
 * A producer and a consumer in one thread: the consumer waits on a condition, the producer sleeps after each
 * job.
 *
 * Usage: example_cond [JOBS [MILLISECONDS]]     (default: for ever, one a second)
 */
#include "co_routine.h"
#include "co_routine_inner.h"

#include <poll.h>
#include <queue>
#include <stdio.h>
#include <stdlib.h>

using namespace std;

struct shop_t {
    stCoCond_t *arrived;
    queue<int> jobs;
    int limit; /* 0: for ever */
    int interval_ms;
    stCoRoutine_t *producer;
    stCoRoutine_t *consumer;
};

static void *produce(void *args)
{
    co_enable_hook_sys();
    shop_t *shop = (shop_t *)args;
    for (int job = 0; shop->limit == 0 || job < shop->limit; job++) {
        printf("producer: job %d\n", job);
        shop->jobs.push(job);
        co_cond_signal(shop->arrived);
        poll(NULL, 0, shop->interval_ms);
    }
    return NULL;
}

static void *consume(void *args)
{
    co_enable_hook_sys();
    shop_t *shop = (shop_t *)args;
    for (int done = 0; shop->limit == 0 || done < shop->limit; done++) {
        while (shop->jobs.empty()) {
            co_cond_timedwait(shop->arrived, -1);
        }
        printf("consumer: job %d\n", shop->jobs.front());
        shop->jobs.pop();
    }
    return NULL;
}

static int stop_when_done(void *args)
{
    shop_t *shop = (shop_t *)args;
    return shop->producer->cEnd && shop->consumer->cEnd ? -1 : 0;
}

int main(int argc, char *argv[])
{
    shop_t shop;
    shop.arrived = co_cond_alloc();
    shop.limit = argc > 1 ? atoi(argv[1]) : 0;
    shop.interval_ms = argc > 2 ? atoi(argv[2]) : 1000;

    co_create(&shop.consumer, NULL, consume, &shop);
    co_resume(shop.consumer);
    co_create(&shop.producer, NULL, produce, &shop);
    co_resume(shop.producer);

    co_eventloop(co_get_epoll_ct(), stop_when_done, &shop);

    co_release(shop.producer);
    co_release(shop.consumer);
    co_cond_free(shop.arrived);
    return 0;
}
