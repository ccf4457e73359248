# The hook of `syscall`, for some numbers only: a bit of {numbers} each. All others go on to the real function
# with no frame left behind, as they must that clone the thread or return twice.
    .cfi_startproc
    cmpq $0, {active}(%rip)
    je 1f
    cmpq ${end}, %rdi
    jae 1f
    btq %rdi, {numbers}(%rip)
    jc {hook}
1:
    jmpq *{real}+8*{row}(%rip)
    .cfi_endproc
