# The first frame of every context. A new stack is laid out so that the first switch to it pops
#   rbx = function to call, r12 = its first argument, r13 = its second
# and arrives here with the stack pointer a multiple of 16. The function never returns.
# An undefined return address tells gdb, backtrace() and the C++ runtime that the stack ends here:
# an exception nobody caught becomes std::terminate, as it does at the end of a thread's stack.
    .cfi_startproc
    .cfi_undefined rip
    .cfi_undefined rbp
    xorl %ebp, %ebp
    movq %r12, %rdi
    movq %r13, %rsi
    callq *%rbx
    ud2
    .cfi_endproc
