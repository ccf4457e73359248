# The first frame of every coroutine: the whole of what the library keeps on its stack, for of those that share a stack
# it is copied, but for the topmost word, which is always the return address of the body (`stack::shared`): {begin} and
# {finish} are called further down. The first switch arrives here with the coroutine in r12, which the body preserves as
# a callee does, and the stack pointer a multiple of 16. {begin} answers with the body in rax and its argument in rdx.
# The stack ends here for unwinders (see entry.S).
    .cfi_startproc
    .cfi_undefined rip
    .cfi_undefined rbp
    xorl %ebp, %ebp
    movq %r12, %rdi
    subq $16, %rsp
    callq {begin}
    addq $16, %rsp
    movq %rdx, %rdi
    callq *%rax
    movq %r12, %rdi
    subq $16, %rsp
    callq {finish}
    ud2
    .cfi_endproc
