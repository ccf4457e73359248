# A hook of a call that takes a lock: for coroutines, and for all threads while a lock bears a coroutine's mark.
# An allocator's own locks stay libc's: whoever waits for one is in the middle of malloc, and must not be left there.
    .cfi_startproc
    movq colib_thread@GOTTPOFF(%rip), %r11
    cmpq $0, %fs:(%r11)
    jne 1f
    cmpq $0, {active}(%rip)
    jne 1f
2:  jmpq *{real}+8*{row}(%rip)
1:  movq (%rsp), %rax
    subq {allocator}(%rip), %rax
    cmpq {allocator}+8(%rip), %rax
    jae {hook}
    jmp 2b
    .cfi_endproc
