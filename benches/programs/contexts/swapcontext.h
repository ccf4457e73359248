// libc's ucontext on stacks of malloc; a released stack is kept for the next.
#include <ucontext.h>
#define STACK (64 * 1024)
typedef struct ucontext_peer {
    ucontext_t to;
    char *stack;
} *context_t;
static context_t context_running, context_kept;
static ucontext_t context_resumer;
static int context_create(context_t *context, void (*body)(void)) {
    context_t made = context_kept;
    if (made)
        context_kept = NULL;
    else if (!(made = (context_t)malloc(sizeof *made)) || !(made->stack = (char *)malloc(STACK)))
        return -1;
    getcontext(&made->to);
    made->to.uc_stack.ss_sp = made->stack;
    made->to.uc_stack.ss_size = STACK;
    made->to.uc_link = &context_resumer;
    makecontext(&made->to, body, 0);
    *context = made;
    return 0;
}
static inline void context_resume(context_t context) {
    context_running = context;
    swapcontext(&context_resumer, &context->to);
}
static inline void context_yield(void) { swapcontext(&context_running->to, &context_resumer); }
static inline void context_release(context_t context) { context_kept = context; }
