# co_resume(rdi: *mut Coroutine), when nothing but the stack, errno and the hook word must change hands.
#
# That is so when the coroutine is at home where the thread's gate leads, and open: suspended, on a stack of its own.
# The gate of a thread with more to do is null. An exception in flight, one that is handled or thrown just now, has to
# be kept on the way ({prepare}).
    testq %rdi, %rdi
    je 9f
    movq colib_thread@GOTTPOFF(%rip), %r11
    movq %fs:{gate}(%r11), %rax
    cmpq %rax, {home}(%rdi)
    jne 9f
    cmpb ${open}, {state}(%rdi)
    jne 9f
    movq {exceptions}(%rax), %rdx
    movq (%rdx), %rcx
    orq 8(%rdx), %rcx
    jne 9f
    # Programs resume their coroutines in much the same order each time. So the one resumed before the last is told
    # how far off the stack of this one is, and this one says where that of the next but one was: by then it is in the cache.
    movq {context}+{sp}(%rdi), %r8
    movslq {hint}(%rdi), %rdx
    shlq $4, %rdx
    prefetcht0 32(%r8,%rdx)
    movq {recent}+8(%rax), %rdx
    movq {recent}(%rax), %rcx
    subq {context}+{sp}(%rdx), %r8
    sarq $4, %r8
    movq %rdi, {recent}(%rax)
    movq %rcx, {recent}+8(%rax)
    movl %r8d, {hint}(%rdx)
    movq %rdi, %rsi
    movq {current}(%rax), %rdi
    movb ${active}, {state}(%rsi)
    movq %rdi, {resumer}(%rsi)
