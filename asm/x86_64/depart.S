# depart(rdi: the context that comes). Whoever leaves never comes back, so nothing of him is kept, and the control words
# are loaded without a look at his: on some CPUs reading MXCSR costs more than loading it. The picture is that of switch.S.
    .cfi_undefined rip
    movq {sp}(%rdi), %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    movq 8(%rsp), %r15
    movq 16(%rsp), %r14
    movq 24(%rsp), %r13
    movq 32(%rsp), %r12
    movq 40(%rsp), %rbx
    movq 48(%rsp), %rbp
    movq 56(%rsp), %rcx
    addq $64, %rsp
    movl {word}(%rdi), %edx
    movq colib_thread@GOTTPOFF(%rip), %r8
    movq %rdx, %fs:(%r8)
    jmpq *%rcx
