# switch(rdi: the one that leaves, rsi: the one that comes), each with its Context {context} bytes on.
#
# What a parked context's stack holds, from its saved stack pointer upwards:
#
#    0  mxcsr  (4 bytes)     the callee-saved half of the floating point state: control bits only
#    4  x87 control (2)
#    8  r15  16  r14  24  r13  32  r12  40  rbx  48  rbp
#   56  where to go on
#
# Everything else is the caller's to save: a switch is a function call to the compiler. Both stacks look alike at
# each instruction, so what unwinders are told of one holds for the other.
# The way back is a jump through rcx, not `ret`: the return predictor of the CPU still holds the
# caller of the other stack, and a mispredicted `ret` costs four times the whole switch. Unless both sides left by
# the same calls ({returns}): then it holds what is right for all of them, and after a jump it would be one off.
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    movl (%rsp), %ecx
    movzwl 4(%rsp), %r8d
    movq %rsp, {context}+{sp}(%rdi)
    movq {context}+{sp}(%rsi), %rsp
    # Loading a control word costs more than the rest together, so only a difference is loaded.
    # 0xffc0 leaves out the six sticky exception flags, which are status, not control.
    xorl (%rsp), %ecx
    testl $0xffc0, %ecx
    jne 2f
3:  cmpw 4(%rsp), %r8w
    jne 4f
5:  addq $8, %rsp
    .cfi_remember_state
    .cfi_adjust_cfa_offset -8
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    # The hook word changes only now that the stack is the new one: before this point the word is
    # zero, and a signal handler's calls pass through.
    .if {hooks}
    movl {context}+{word}(%rsi), %edx
    movq colib_thread@GOTTPOFF(%rip), %r8
    movq %rdx, %fs:(%r8)
    .endif
    .if {returns}
    ret
    .else
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    jmpq *%rcx
    .endif
2:  .cfi_restore_state
    ldmxcsr (%rsp)
    jmp 3b
4:  fldcw 4(%rsp)
    jmp 5b
