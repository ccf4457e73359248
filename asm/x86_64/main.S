# Calls the program's main with the arguments that are there, and exits with what it returns. No frame that needs
# dropping: a thread that exits is unwound through here.
    .cfi_startproc
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    callq *{main}(%rip)
    movl %eax, %edi
    callq {exit}
    ud2
    .cfi_endproc
