# A hook of a call that changes what the process knows of its descriptors or handlers: taken by every
# thread, once the process has anything to keep.
    .cfi_startproc
    cmpq $0, {active}(%rip)
    jne {hook}
    jmpq *{real}+8*{row}(%rip)
    .cfi_endproc
