# The thread's own words, read as initial-exec thread-local storage: two instructions, no call, and the
# same whether the library is linked, preloaded, static or opened by dlopen. No destructor ever runs on
# them, so the last hook of a dying thread still finds them readable.
#
#   0   hook word    nonzero while hooked calls of this thread belong to a coroutine
#   8   scheduler    the thread's scheduler, or null
#  16   handlers     the innermost signal handler of the program that runs on this thread, or zero
#  24   in lot       nonzero while the thread holds a part of the lot in which coroutines wait for locks
#  32   gate         the scheduler while co_resume and the yields may do with a switch (resume.S), else null
#  40   near gate    the same, while no hints are learned (hint.S), else null
#  48   exceptions   two words, the C++ runtime's record of those in flight
    .pushsection .tbss,"awT",@nobits
    .p2align 6
    .globl  colib_thread
    .hidden colib_thread
    .type   colib_thread, @tls_object
    .size   colib_thread, {size}
colib_thread:
    .zero {size}
    .popsection
