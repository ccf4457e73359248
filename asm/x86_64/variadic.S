# A variadic function: builds the va_list of what follows the {named} arguments, as the System V ABI lays it out, and
# calls {function}, which takes it as the next argument:
#   0 gp_offset, 4 fp_offset, 8 overflow area, 16 register save area. Below, at 32, the save area itself.
    .cfi_startproc
    subq $216, %rsp
    .cfi_adjust_cfa_offset 216
    movq %rdi, 32(%rsp)
    movq %rsi, 40(%rsp)
    movq %rdx, 48(%rsp)
    movq %rcx, 56(%rsp)
    movq %r8, 64(%rsp)
    movq %r9, 72(%rsp)
    # al says whether any vector register carries an argument.
    testb %al, %al
    je 1f
    movaps %xmm0, 80(%rsp)
    movaps %xmm1, 96(%rsp)
    movaps %xmm2, 112(%rsp)
    movaps %xmm3, 128(%rsp)
    movaps %xmm4, 144(%rsp)
    movaps %xmm5, 160(%rsp)
    movaps %xmm6, 176(%rsp)
    movaps %xmm7, 192(%rsp)
1:  movl $8*{named}, (%rsp)
    movl $48, 4(%rsp)
    leaq 224(%rsp), %rax
    movq %rax, 8(%rsp)
    leaq 32(%rsp), %rax
    movq %rax, 16(%rsp)
    .if {named} == 1
    movq %rsp, %rsi
    .elseif {named} == 2
    movq %rsp, %rdx
    .elseif {named} == 5
    movq %rsp, %r9
    .else
    movq %rsp, %rcx
    .endif
    callq {function}
    addq $216, %rsp
    .cfi_adjust_cfa_offset -216
    ret
    .cfi_endproc
