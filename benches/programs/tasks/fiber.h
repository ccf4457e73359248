// Boost.Fiber with its round-robin scheduler; it has no descriptors.
#include <boost/fiber/all.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <chrono>
#define TASKS_YIELD
using boost::fibers::fiber;
struct task_cond_t {
    boost::fibers::mutex mutex;
    boost::fibers::condition_variable cond;
    bool set = false;
};
static fiber task_make(void (*body)(void *), void *argument) {
    return fiber(std::allocator_arg, boost::context::fixedsize_stack(64 * 1024), body, argument);
}
static int task_spawn(void (*body)(void *), void *argument) {
    task_make(body, argument).detach();
    return 0;
}
static inline void task_once(void (*body)(void *)) { task_make(body, nullptr).join(); }
static inline void task_yield(void) { boost::this_fiber::yield(); }
static inline void task_sleep(long us) { boost::this_fiber::sleep_for(std::chrono::microseconds(us)); }
static inline void task_cond_init(task_cond_t *c) { new (c) task_cond_t; }
static inline void task_cond_signal(task_cond_t *c) {
    std::unique_lock<boost::fibers::mutex> lock(c->mutex);
    c->set = true;
    c->cond.notify_one();
}
static inline void task_cond_wait(task_cond_t *c) {
    std::unique_lock<boost::fibers::mutex> lock(c->mutex);
    while (!c->set) c->cond.wait(lock);
    c->set = false;
}
static void tasks_begin(void) {}
static void tasks_run(void) {
    for (;;) task_sleep(3600 * 1000000L);
}
