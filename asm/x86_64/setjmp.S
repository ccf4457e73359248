# setjmp(rdi: the words of a jmp_buf): has libc fill it, and returns the stack pointer that it kept there.
    .cfi_startproc
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    callq *{libc}@GOTPCREL(%rip)
    movq %rsp, %rax
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
