# The yields, when nothing but the stack, errno and the hook word must change hands: the resumer is not marked as one
# to which the way back is longer (`Coroutine::resumer`), and no exception is in flight.
    movq colib_thread@GOTTPOFF(%rip), %r11
    movq %fs:{scheduler}(%r11), %rax
    testq %rax, %rax
    je 9f
    movq {current}(%rax), %rdi
    movq {resumer}(%rdi), %rsi
    testb ${marks}, %sil
    jne 9f
    movq {exceptions}(%rax), %rdx
    movq (%rdx), %rcx
    orq 8(%rdx), %rcx
    jne 9f
    movb ${open}, {state}(%rdi)
