// colib, each with thread-local variables of its own.
#define context_create context_create_with_the_threads
#include "colib.h"
#undef context_create
static int context_create(context_t *context, void (*body)(void)) {
    return context_create_with_the_threads(context, body) || co_own_thread_locals(*context);
}
