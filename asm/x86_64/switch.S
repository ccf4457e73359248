# switch(rdi: *mut Context of the one that leaves, rsi: *mut Context of the one that comes)
#
# What a parked context's stack holds, from its saved stack pointer upwards:
#
#    0  mxcsr  (4 bytes)     the callee-saved half of the floating point state: control bits only
#    4  x87 control (2)
#    8  r15  16  r14  24  r13  32  r12  40  rbx  48  rbp
#   56  where to go on
#
# Everything else is the caller's to save: a switch is a function call to the compiler.
# The way back is a jump through rcx, not `ret`: the return predictor of the CPU still holds the
# caller of the other stack, and a mispredicted `ret` costs four times the whole switch.
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movl (%rsp), %ecx
    movzwl 4(%rsp), %r8d
    movq %rsp, {sp}(%rdi)
    movq {sp}(%rsi), %rsp
    # Loading a control word costs more than the rest together, so only a difference is loaded.
    # 0xffc0 leaves out the six sticky exception flags, which are status, not control.
    xorl (%rsp), %ecx
    testl $0xffc0, %ecx
    jne 2f
3:  cmpw 4(%rsp), %r8w
    jne 4f
5:  addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    # The hook word changes only now that the stack is the new one: before this point the word is
    # zero, and a signal handler's calls pass through.
    .if {word}
    movq {word_offset}(%rsi), %rdx
    movq colib_thread@GOTTPOFF(%rip), %r8
    movq %rdx, %fs:(%r8)
    .endif
    popq %rcx
    jmpq *%rcx
2:  ldmxcsr (%rsp)
    jmp 3b
4:  fldcw 4(%rsp)
    jmp 5b
