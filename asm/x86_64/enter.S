# enter(rdi: routine of a thread, rsi: its argument, rdx: the words of a jmp_buf, rcx: the process's pointer guard)
# Returns what the routine returned in rax, and zero in rdx. When the thread exits from inside the routine, libc
# unwinds the frames up to this one and jumps to the place in the jmp_buf: then rdx is one. glibc keeps the stack
# pointer and the address in words of their own (see `jump`), mangled with the guard; the registers of the other words
# are saved here anyway.
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    pushq %r12
    .cfi_adjust_cfa_offset 8
    pushq %r13
    .cfi_adjust_cfa_offset 8
    pushq %r14
    .cfi_adjust_cfa_offset 8
    pushq %r15
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    movq %rsp, %rax
    xorq %rcx, %rax
    rolq ${rotation}, %rax
    movq %rax, 8*{stack_pointer}(%rdx)
    leaq 1f(%rip), %rax
    xorq %rcx, %rax
    rolq ${rotation}, %rax
    movq %rax, 8*{address}(%rdx)
    movq %rdi, %rax
    movq %rsi, %rdi
    callq *%rax
    xorl %edx, %edx
2:  addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %r15
    .cfi_adjust_cfa_offset -8
    popq %r14
    .cfi_adjust_cfa_offset -8
    popq %r13
    .cfi_adjust_cfa_offset -8
    popq %r12
    .cfi_adjust_cfa_offset -8
    popq %rbx
    .cfi_adjust_cfa_offset -8
    popq %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_adjust_cfa_offset 56
1:  movl $1, %edx
    jmp 2b
    .cfi_endproc
