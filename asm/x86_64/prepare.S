# All other cases: {prepare} gets the arguments as they came and answers with the two contexts of the switch in rax
# and rdx, or with a null rax when there is nothing to switch to, or no more. The control words, which take longest to
# read, stay where they are meanwhile: above the frame of {prepare}. Offsets for unwinders are absolute here: after
# .cfi_restore_state, LLVM counts from the wrong one.
9:  subq $56, %rsp
    .cfi_def_cfa_offset 64
    callq {prepare}
    addq $56, %rsp
    .cfi_def_cfa_offset 8
    leaq -{context}(%rax), %rdi
    leaq -{context}(%rdx), %rsi
    testq %rax, %rax
    jne 8b
    ret
