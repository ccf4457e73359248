# The yields, when nothing but the stack, errno and the hook word must change hands: the thread has a gate, and the
# resumer is not marked as one to which the way back is longer (`Coroutine::resumer`). Who leaves is open to that gate.
    movq colib_thread@GOTTPOFF(%rip), %r11
    movq %fs:{gate}(%r11), %rax
    testq %rax, %rax
    je 9f
    movq {current}(%rax), %rsi
    movq {resumer}(%rsi), %rdi
    testb ${marks}, %dil
    jne 9f
    movq %rax, {resumer}(%rsi)
