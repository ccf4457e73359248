# A hook of a call that releases a lock or signals. Before the call it is asked whether anything is special about the
# lock, and after it whether somebody waits: a coroutine first stands in the lot and then tries, so one of the two,
# it or we, sees the other. None of these calls is a cancellation point or throws. {waits}: the call may also block,
# and is a hook in coroutines. Any other is libc's alone before the process's first coroutine ({ever}).
    .cfi_startproc
    .if {waits}
    movq colib_thread@GOTTPOFF(%rip), %r11
    cmpq $0, %fs:(%r11)
    jne {hook}
    .else
    movq {ever}(%rip), %r11
    testq %r11, %r11
    jne 1f
    jmpq *{real}+8*{row}(%rip)
    .endif
1:  cmpq $0, {active}(%rip)
    jne {hook}
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    callq *{real}+8*{row}(%rip)
    popq %rdi
    .cfi_adjust_cfa_offset -8
    cmpq $0, {active}(%rip)
    jne 2f
    ret
2:  movl %eax, %esi
    movl ${row}, %edx
    jmp {after}
    .cfi_endproc
