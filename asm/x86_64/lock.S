# A hook of a call that takes a lock, or lets others go on for a moment: for coroutines, and where there are {marks}, for
# all threads while a lock bears a coroutine's.
# An allocator's own calls stay libc's: whoever makes one is in the middle of malloc, and must not be left there.
    .cfi_startproc
    movq colib_thread@GOTTPOFF(%rip), %r11
    cmpq $0, %fs:(%r11)
    jne 1f
    .if {marks}
    cmpq $0, {active}(%rip)
    jne 1f
    .endif
2:  jmpq *{real}+8*{row}(%rip)
1:  movq (%rsp), %rax
    subq {allocator}(%rip), %rax
    cmpq {allocator}+8(%rip), %rax
    jae {hook}
    jmp 2b
    .cfi_endproc
