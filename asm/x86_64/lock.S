# A hook of a call that takes a lock, or lets others go on for a moment: for coroutines, and where there are {marks}, for
# all threads while a lock bears a coroutine's. Before the process's first coroutine, that it has none ({ever}) is all
# there is to ask.
# An allocator's own calls stay libc's: whoever makes one is in the middle of malloc, and must not be left there.
    .cfi_startproc
    .if {marks}
    movq {ever}(%rip), %r11
    testq %r11, %r11
    jne 1f
    jmpq *{real}+8*{row}(%rip)
    .endif
1:  movq colib_thread@GOTTPOFF(%rip), %r11
    cmpq $0, %fs:(%r11)
    jne 3f
    .if {marks}
    cmpq $0, {active}(%rip)
    jne 3f
    .endif
2:  jmpq *{real}+8*{row}(%rip)
3:  movq (%rsp), %rax
    subq {allocator}(%rip), %rax
    cmpq {allocator}+8(%rip), %rax
    jae {hook}
    jmp 2b
    .cfi_endproc
