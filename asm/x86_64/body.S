# The first frame of every coroutine: the whole of what the library keeps on its stack, one word, for of those that share
# a stack it is copied. The first switch arrives here with the coroutine in r12, which the body preserves as a callee
# does, and the stack pointer a multiple of 16. {begin} answers with the body in rax and its argument in rdx.
# The stack ends here for unwinders (see entry.S).
    .cfi_startproc
    .cfi_undefined rip
    .cfi_undefined rbp
    xorl %ebp, %ebp
    movq %r12, %rdi
    callq {begin}
    movq %rdx, %rdi
    callq *%rax
    movq %r12, %rdi
    callq {finish}
    ud2
    .cfi_endproc
