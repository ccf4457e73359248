# A hook of a call that may block. With hooks off it is one load, one test and one jump: no frame, so that
# cancellation, exceptions, longjmp and variadic arguments pass as if it were not there.
    .cfi_startproc
    movq colib_thread@GOTTPOFF(%rip), %r11
    cmpq $0, %fs:{word}(%r11)
    jne {hook}
    jmpq *{real}+8*{row}(%rip)
    .cfi_endproc
