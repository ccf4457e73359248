# switch(rdi: the one that comes, rsi: the one that leaves), each with its Context {context} bytes on.
#
# What a parked context's stack holds, from its saved stack pointer upwards:
#
#    0  mxcsr  (4 bytes)     the floating point state that a callee keeps; all of MXCSR, as the rest of it costs nothing
#    4  x87 control (2)
#    8  r15  16  r14  24  r13  32  r12  40  rbx  48  rbp
#   56  where to go on
#
# Everything else is the caller's to save: a switch is a function call to the compiler. Both stacks look alike at
# each instruction, so what unwinders are told of one holds for the other.
# The way back is a jump, not `ret`: the return predictor of the CPU still holds the caller of the other stack, and
# a mispredicted `ret` costs four times the whole switch. Unless both sides left by the same calls ({returns}): then it
# holds what is right for all of them, and after a jump it would be one off.
    # First of all, below the stack pointer as yet: the later one of them is read the less it costs.
    fnstcw -52(%rsp)
    stmxcsr -56(%rsp)
    subq $56, %rsp
    .cfi_adjust_cfa_offset 56
    movq %rbp, 48(%rsp)
    .cfi_rel_offset rbp, 48
    movq %rbx, 40(%rsp)
    .cfi_rel_offset rbx, 40
    movq %r12, 32(%rsp)
    .cfi_rel_offset r12, 32
    movq %r13, 24(%rsp)
    .cfi_rel_offset r13, 24
    movq %r14, 16(%rsp)
    .cfi_rel_offset r14, 16
    movq %r15, 8(%rsp)
    .cfi_rel_offset r15, 8
    movzwl 4(%rsp), %r8d
    .if {compares}
    movl (%rsp), %r9d
    .endif
    movq %rsp, {context}+{sp}(%rsi)
    movq {context}+{sp}(%rdi), %rsp
    # MXCSR is loaded without a look at what it was, or only when it differs ({compares}): see choose.S. The other word is
    # dearer to load than to compare.
    .if {compares}
    cmpl (%rsp), %r9d
    jne 6f
7:
    .else
    ldmxcsr (%rsp)
    .endif
    cmpw 4(%rsp), %r8w
    jne 4f
5:
    .cfi_remember_state
    movq 8(%rsp), %r15
    .cfi_restore r15
    movq 16(%rsp), %r14
    .cfi_restore r14
    movq 24(%rsp), %r13
    .cfi_restore r13
    movq 32(%rsp), %r12
    .cfi_restore r12
    movq 40(%rsp), %rbx
    .cfi_restore rbx
    movq 48(%rsp), %rbp
    .cfi_restore rbp
    # The hook word changes only now that the stack is the new one. {hooks} is 0 where it stays, and 2 where r11 has the
    # thread's words.
    .if {hooks}
    movl {context}+{word}(%rdi), %edx
    .if {hooks} == 1
    movq colib_thread@GOTTPOFF(%rip), %r11
    .endif
    movq %rdx, %fs:(%r11)
    .endif
    .if {returns}
    addq $56, %rsp
    .cfi_adjust_cfa_offset -56
    ret
    .else
    addq $64, %rsp
    .cfi_adjust_cfa_offset -64
    # Below the stack pointer again: signal handlers leave 128 bytes there alone.
    jmpq *-8(%rsp)
    .endif
4:
    .cfi_restore_state
    fldcw 4(%rsp)
    jmp 5b
    .if {compares}
6:
    ldmxcsr (%rsp)
    lfence
    jmp 7b
    .endif
