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
    # Where there are few coroutines their stacks stay in the cache by themselves.
    cmpq ${few}, {blocks}(%rax)
    jbe 1f
    # Programs resume their coroutines in much the same order each time. So the one that was resumed four before is told
    # how far off the stack of this one is, in steps of eight bytes, and this one says where that of the fourth from now
    # was: by then it is in the cache, the saved registers and what lies above them. Who is resumed again and again is
    # told nothing.
    cmpq %rdi, {recent}(%rax)
    je 1f
    movq {context}+{sp}(%rdi), %r8
    movslq {hint}(%rdi), %rdx
    prefetcht0 (%r8,%rdx,8)
    prefetcht0 64(%r8,%rdx,8)
    movq {recent}+24(%rax), %rdx
    movq {recent}+16(%rax), %rcx
    movq %rcx, {recent}+24(%rax)
    movq {recent}+8(%rax), %rcx
    movq %rcx, {recent}+16(%rax)
    movq {recent}(%rax), %rcx
    movq %rcx, {recent}+8(%rax)
    movq %rdi, {recent}(%rax)
    subq {context}+{sp}(%rdx), %r8
    sarq $3, %r8
    movl %r8d, {hint}(%rdx)
1:
    movq %rdi, %rsi
    movq {current}(%rax), %rdi
    movb ${active}, {state}(%rsi)
    movq %rdi, {resumer}(%rsi)
