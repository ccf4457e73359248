# co_resume(rdi: *mut Coroutine), when nothing but the stack, errno and the hook word must change hands.
#
# That is so when the coroutine's gate bears the thread's gate: it is this thread's, suspended, on a stack of its own,
# and nobody waits to be freed. The gate of a thread with more to do is null.
# An exception in flight, one that is handled or thrown just now, has to be kept on the way ({prepare}).
    testq %rdi, %rdi
    je 9f
    movq colib_thread@GOTTPOFF(%rip), %r11
    movq %fs:{thread_gate}(%r11), %rax
    cmpq %rax, {gate}(%rdi)
    jne 9f
    testq %rax, %rax
    je 9f
    movq {exceptions}(%rax), %rdx
    movq (%rdx), %rcx
    orq 8(%rdx), %rcx
    jne 9f
    movq %rdi, %rsi
    movq {current}(%rax), %rdi
    movq ${closed}, {gate}(%rsi)
    movq %rdi, {resumer}(%rsi)
