// libco's interface on fcontext, in a shared object (interface.cpp). It only switches.
extern "C" {
typedef struct interface_context *context_t;
int interface_create(context_t *made, void (*body)(void));
void interface_resume(context_t context);
void interface_yield(void);
}
static int context_create(context_t *context, void (*body)(void)) { return interface_create(context, body); }
static inline void context_resume(context_t context) { interface_resume(context); }
static inline void context_yield(void) { interface_yield(); }
static inline void context_release(context_t) {}
