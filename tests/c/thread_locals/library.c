/* Counts for each thread, from a place in what is laid out with the thread. */
static __thread int number __attribute__((tls_model("initial-exec"))) = 40;
int next(void) { return ++number; }
