// Boost.Context's fcontext: make_fcontext and jump_fcontext on stacks of malloc; a released stack is kept for the next.
#include <boost/context/detail/fcontext.hpp>
using namespace boost::context::detail;
#define STACK (64 * 1024)
typedef struct fcontext_peer {
    fcontext_t to;
    char *stack;
    void (*body)(void);
} *context_t;
static context_t context_running, context_kept;
static fcontext_t context_resumer;
static void context_entry(transfer_t from) {
    context_resumer = from.fctx;
    context_running->body();
    jump_fcontext(context_resumer, NULL);
}
static int context_create(context_t *context, void (*body)(void)) {
    context_t made = context_kept;
    if (made)
        context_kept = NULL;
    else if (!(made = (context_t)malloc(sizeof *made)) || !(made->stack = (char *)malloc(STACK)))
        return -1;
    made->body = body;
    made->to = make_fcontext(made->stack + STACK, STACK, context_entry);
    *context = made;
    return 0;
}
static inline void context_resume(context_t context) {
    context_running = context;
    context->to = jump_fcontext(context->to, NULL).fctx;
}
static inline void context_yield(void) { context_resumer = jump_fcontext(context_resumer, NULL).fctx; }
static inline void context_release(context_t context) { context_kept = context; }
