# All other cases: {prepare} gets the arguments as they came and answers with the two contexts of the switch in rax
# and rdx, or with a null rax when there is nothing to switch to, or no more. The switch is a jump, so the context
# that leaves goes on straight in its caller. Offsets for unwinders are absolute here: after .cfi_restore_state, LLVM
# counts from the wrong one.
9:  subq $8, %rsp
    .cfi_def_cfa_offset 16
    callq {prepare}
    addq $8, %rsp
    .cfi_def_cfa_offset 8
    movq %rax, %rdi
    movq %rdx, %rsi
    testq %rax, %rax
    jne {switch}
    ret
