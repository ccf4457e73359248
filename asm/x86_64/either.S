# A hook of a call that may block, and that changes what the process knows of its descriptors as well: taken in
# a coroutine with hooks on, and by every thread once the process has anything to keep.
    .cfi_startproc
    movq colib_thread@GOTTPOFF(%rip), %r11
    cmpq $0, %fs:(%r11)
    jne {hook}
    cmpq $0, {active}(%rip)
    jne {hook}
    jmpq *{real}+8*{row}(%rip)
    .cfi_endproc
