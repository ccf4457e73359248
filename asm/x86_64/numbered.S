# The hook of `syscall`, for some numbers only: a bit of {numbers} each. All others go on to the real function
# with no frame left behind, as they must that clone the thread or return twice; and all of an allocator (lock.S).
    .cfi_startproc
    cmpq ${end}, %rdi
    jae 1f
    btq %rdi, {numbers}(%rip)
    jnc 1f
    movq (%rsp), %rax
    subq {allocator}(%rip), %rax
    cmpq {allocator}+8(%rip), %rax
    jae {hook}
1:
    jmpq *{real}+8*{row}(%rip)
    .cfi_endproc
