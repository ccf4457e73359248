// colib: co_create, co_resume, co_yield_ct, co_release through the shared object.
#include <co_routine.h>
typedef stCoRoutine_t *context_t;
static void *context_entry(void *body) {
    ((void (*)(void))body)();
    return NULL;
}
static int context_create(context_t *context, void (*body)(void)) {
    stCoRoutineAttr_t attributes;
    attributes.stack_size = 64 * 1024;
    return co_create(context, &attributes, context_entry, (void *)body);
}
static inline void context_resume(context_t context) { co_resume(context); }
static inline void context_yield(void) { co_yield_ct(); }
static inline void context_release(context_t context) { co_release(context); }
