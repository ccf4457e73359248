# Where a signal handler returns to when libc did not install it. Debuggers and the C++ unwinder know a
# signal frame by exactly these nine bytes.
    movq $15, %rax
    syscall
