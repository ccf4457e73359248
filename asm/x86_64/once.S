# run(rdi: the word of a pthread_once, rsi: its routine)
# The routine may be left by an exception or by the end of its thread. {personality} learns that from the unwinder,
# and finds the word in rbx.
    .cfi_startproc
    .cfi_personality 0x1b, {personality}
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    movq %rdi, %rbx
    callq *%rsi
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    ret
    .cfi_endproc
