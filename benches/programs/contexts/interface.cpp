// What libco's interface costs on fcontext: behind a shared object, who runs is the thread's, and a yield names nobody.
#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
using namespace boost::context::detail;
#define STACK (64 * 1024)
extern "C" {
typedef struct interface_context {
    fcontext_t to;
    struct interface_context *resumer;
    void (*body)(void);
} interface_context;
static thread_local interface_context thread_itself, *running = &thread_itself;

static void enter(transfer_t from) {
    running->resumer->to = from.fctx;
    running->body();
    abort();
}
int interface_create(interface_context **made, void (*body)(void)) {
    interface_context *context = (interface_context *)calloc(1, sizeof *context);
    char *stack = (char *)malloc(STACK);
    if (!context || !stack) return -1;
    context->body = body;
    context->to = make_fcontext(stack + STACK, STACK, enter);
    *made = context;
    return 0;
}
void interface_resume(interface_context *context) {
    context->resumer = running;
    running = context;
    context->to = jump_fcontext(context->to, NULL).fctx;
}
void interface_yield(void) {
    interface_context *me = running;
    running = me->resumer;
    fcontext_t resumer = jump_fcontext(running->to, NULL).fctx;
    me->resumer->to = resumer;
}
}
