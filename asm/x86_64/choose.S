# The loader calls this for the address of {name} (STT_GNU_IFUNC): {comparing} on processors of Intel, else {loading}.
#
# They run ahead with the exception flags that MXCSR has. When ldmxcsr changes those, a stmxcsr that is under way already must
# be done again with all behind it: 57 ns on Sapphire Rapids, in each of two switches that follow close on each other, as
# soon as one of two coroutines has rounded a number. So what is the same is not loaded, and behind a load that changes
# something all wait for it. Zen has no such flaw, and there a look at what stmxcsr has just stored costs more than the load.
    .type {name}, @gnu_indirect_function
    movq %rbx, %rsi
    xorl %eax, %eax
    cpuid
    leaq {loading}(%rip), %rax
    leaq {comparing}(%rip), %rdx
    cmpl $0x756e6547, %ebx
    cmoveq %rdx, %rax
    movq %rsi, %rbx
    ret
