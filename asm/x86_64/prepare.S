# Who leaves has another errno than the last time.
2:  movl %ecx, {errno}(%rsi)
    jmp 3b
# All other cases: {prepare} gets the arguments as they came and answers with the two contexts of the switch in rax
# and rdx, or with a null rax when there is nothing to switch to, or no more. Offsets for unwinders are absolute here:
# after .cfi_restore_state, LLVM counts from the wrong one.
9:  subq $8, %rsp
    .cfi_def_cfa_offset 16
    callq {prepare}
    addq $8, %rsp
    .cfi_def_cfa_offset 8
    leaq -{context}(%rax), %rsi
    leaq -{context}(%rdx), %rdi
    movq colib_thread@GOTTPOFF(%rip), %r11
    testq %rax, %rax
    jne 8b
    ret
